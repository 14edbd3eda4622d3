"""Solvers that answer a measurement with a prior, on D(x; sigma)."""
