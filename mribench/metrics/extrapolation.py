"""FD-infinity: the Fréchet distance extrapolated to infinitely many images."""

from __future__ import annotations

import numpy as np

from mribench.errors import Unavailable
from mribench.metrics.distribution import frechet, scaled
from mribench.seeds import numpy_rng
from mribench.spec import FeatureSpace, Metric

MIN_IMAGES = 5000  # on a side
SIZES = 15


def frechet_infinity(
    generated: np.ndarray, reference: np.ndarray, train: np.ndarray | None, space: FeatureSpace
) -> float:
    """Intercept of the line through FD(N) against 1/N at 15 sizes N from a fifth of the images to all of them.

    The bias of FD falls as 1/N (Chong & Forsyth 2020, arXiv:1911.07023, sec. 4). Both sets are drawn anew at each
    size, without replacement, with a fixed seed. May be below 0, as the bias is taken off. ``Unavailable`` with
    fewer than 5,000 images on a side, or where a fifth of them is no more than the dimension.
    """
    g, r, _ = scaled(generated, reference, train, space, at_least=MIN_IMAGES)
    n = min(len(g), len(r))
    if n // 5 <= g.shape[1]:
        raise Unavailable(
            f"{n} images on a side are too few for {g.shape[1]} features: a fifth must exceed them"
        )
    rng = numpy_rng("fd_inf")
    sizes = np.linspace(n // 5, n, SIZES).astype(int)
    values = [frechet(*(rng.permutation(part)[:size] for part in (g, r))) for size in sizes]
    _, intercept = np.polyfit(1 / sizes, values, 1)
    return float(intercept)


FD_INF = Metric(
    name="fd_inf",
    title="Fréchet distance at infinite N",
    unit="",
    direction="down",
    range=(-float("inf"), float("inf")),
    kind="distribution",
    compute=frechet_infinity,
    version=1,
    paper="Chong & Forsyth 2020, arXiv:1911.07023",
    headline=False,
)
