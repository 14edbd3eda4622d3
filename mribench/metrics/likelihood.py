"""Bits per dimension, and how exactly they are known. Less is better; images have 256 grey levels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mribench.spec import Metric

# densities are on [-1, 1], where two grey levels are 1 / 127.5 apart
LEVELS_PER_UNIT = 127.5


def bits_per_dimension(nats: np.ndarray, dimensions: int) -> np.ndarray:
    """float64 (N,): -log2 P(image) / d, from log densities in nats of dequantised images in [-1, 1]."""
    return -np.asarray(nats, dtype=np.float64) / (dimensions * math.log(2)) + math.log2(LEVELS_PER_UNIT)


def error(nats: np.ndarray, dimensions: int) -> np.ndarray:
    """float64 (N,): the size of an error of a log-likelihood, in bits per dimension."""
    return np.abs(np.asarray(nats, dtype=np.float64)) / (dimensions * math.log(2))


BPD = Metric(
    name="bpd",
    title="Negative log-likelihood",
    unit="bits/dim",
    direction="down",
    range=(-math.inf, math.inf),
    kind="likelihood",
    compute=bits_per_dimension,
    version=1,
    paper="Theis et al. 2016, arXiv 1511.01844, section 3.1; Song et al. 2021, arXiv 2011.13456, section 4.3",
)
BPD_BOUND = replace(
    BPD,
    name="bpd_bound",
    title="Upper bound of the negative log-likelihood",
    paper="Kingma & Welling 2013, arXiv 1312.6114, equation 3",
)
BPD_STEPS = replace(
    BPD,
    name="bpd_steps",
    title="Error of BPD by the finite steps",
    range=(0.0, math.inf),
    compute=error,
    headline=False,
)
BPD_PROBE = replace(
    BPD_STEPS,
    name="bpd_probe",
    title="Standard error of BPD by the random probes",
    paper="Hutchinson 1989, doi:10.1080/03610918908812806",
)
