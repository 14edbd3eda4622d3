"""The pipeline: prepare, train, sample, score, record; in this process, in workers or on a cluster.

``run`` reads from top to bottom, ``stages`` is what one cell goes through, ``record`` what is kept of it. Methods,
tasks and data do not belong here: they are values that the runner is given.
"""
