"""Metrics, their kernels and intervals: each a plain function on numpy arrays, and a ``Metric`` value that names it.

A new metric is a module here, or a plugin's, with an entry point in ``mribench.metrics``. The numbers are versioned:
who moves one raises the metric's ``version``.
"""
