"""Inverse problems on organs, and solvers that answer them with a prior: each solver is one file with its equations."""
