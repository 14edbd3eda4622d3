"""Paired fidelity: one number per (output, reference) image pair, in numpy float64.

Every function takes x (output) and y (reference), (N, H, W) in [0, 1], any real dtype, and returns float64
(N,) that is never NaN. Those ending in ``_fg`` count the foreground of the reference alone (``images.foreground``).
``InputError``: shapes differ, a value is not finite, or a value lies outside [0, 1] by more than 1e-3 (what lies
within that margin is clipped).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mribench.errors import InputError
from mribench.memo import memoize
from mribench.metrics.images import foreground, unit
from mribench.spec import Metric

PSNR_CAP = 100.0
CHUNK = 32  # the maps of 32 pairs of 64x64 stay in cache; larger chunks are slower
GREY_LEVEL = 1 / 255


def mse(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean squared error of each pair, in [0, 1]."""
    return _measured(x, y)[0].copy()


def mse_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean squared error over the foreground of the reference, in [0, 1]."""
    return _measured(x, y)[1].copy()


def mae(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean absolute error of each pair, in [0, 1]."""
    return _measured(x, y)[2].copy()


def mae_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean absolute error over the foreground of the reference, in [0, 1]."""
    return _measured(x, y)[3].copy()


def nmse(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sum of squared errors over the sum of the squared reference, >= 0 (Zbontar et al. 2018, arXiv:1811.08839).

    The reference counts at least one grey level per pixel, so a black one gives a finite number.
    """
    return _measured(x, y)[4].copy()


def nmse_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``nmse`` with both sums over the foreground of the reference, >= 0."""
    return _measured(x, y)[5].copy()


def psnr(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each pair in dB, data range 1; 100 dB where the MSE is below 1e-10."""
    return decibel(mse(x, y))


def psnr_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``psnr`` over the foreground of the reference, in dB."""
    return decibel(mse_fg(x, y))


def decibel(error: np.ndarray | float) -> np.ndarray | float:
    """10 log10(1 / MSE), the PSNR of data range 1; at most 100 dB."""
    return 10 * np.log10(1 / np.maximum(error, 10 ** (-PSNR_CAP / 10)))


def masked_mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean of (N, H, W) values over each image's mask, (N,); every mask holds a pixel."""
    return np.where(mask, values, 0).sum((1, 2)) / mask.sum((1, 2))


def per_chunk(measure: Callable[..., np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """measure(x, y) -> (..., n) on 32 checked float64 pairs at a time, as one (..., N)."""
    if x.ndim != 3 or x.shape != y.shape or 0 in x.shape:
        raise InputError(
            f"outputs have shape {x.shape} and references {y.shape}: give both as one non-empty (N, H, W)."
        )
    starts = range(0, len(x), CHUNK)
    parts = [measure(unit(x[i : i + CHUNK]), unit(y[i : i + CHUNK])) for i in starts]
    return np.concatenate(parts, axis=-1)


# all of them look at the same differences, one after the other
@memoize(maxsize=1)
def _measured(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """float64 (6, N): mse, mse_fg, mae, mae_fg, nmse, nmse_fg."""
    return per_chunk(_errors, x, y)


def _errors(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    difference, inside, everywhere = x - y, foreground(y), np.ones(y.shape, bool)
    squared, power, size = np.square(difference), np.square(y), np.abs(difference)
    normalised = [
        masked_mean(squared, mask) / np.maximum(masked_mean(power, mask), GREY_LEVEL**2)
        for mask in (everywhere, inside)
    ]
    means = squared.mean((1, 2)), masked_mean(squared, inside), size.mean((1, 2)), masked_mean(size, inside)
    return np.stack([*means, *normalised])


def in_foreground(metric: Metric, compute: Callable[..., np.ndarray]) -> Metric:
    """The metric over the foreground of the reference, outside the headline."""
    title = f"{metric.title}, foreground"
    return replace(metric, name=f"{metric.name}_fg", title=title, compute=compute, headline=False)


PSNR = Metric(
    name="psnr",
    title="Peak signal-to-noise ratio",
    unit="dB",
    direction="up",
    range=(0.0, PSNR_CAP),
    kind="paired",
    compute=psnr,
    version=1,
    paper="Huynh-Thu & Ghanbari 2008, doi:10.1049/el:20080522",
)
PSNR_POOLED = replace(
    PSNR, name="psnr_pooled", title="PSNR of the mean MSE", compute=mse, pooled=decibel, headline=False
)
# of several answers to one question; the same number where there is one
PSNR_MEAN = replace(PSNR, name="psnr_mean", title="PSNR of the mean of samples", headline=False)
MSE = Metric(
    name="mse",
    title="Mean squared error",
    unit="",
    direction="down",
    range=(0.0, 1.0),
    kind="paired",
    compute=mse,
    version=1,
    paper="Wang & Bovik 2009, doi:10.1109/MSP.2008.930649",
)
MAE = Metric(
    name="mae",
    title="Mean absolute error",
    unit="",
    direction="down",
    range=(0.0, 1.0),
    kind="paired",
    compute=mae,
    version=1,
    paper="Willmott & Matsuura 2005, doi:10.3354/cr030079",
)
NMSE = Metric(
    name="nmse",
    title="Normalised mean squared error",
    unit="",
    direction="down",
    range=(0.0, float("inf")),
    kind="paired",
    compute=nmse,
    version=1,
    paper="Zbontar et al. 2018, arXiv:1811.08839",
    headline=False,
)
PSNR_FG = in_foreground(PSNR, psnr_fg)
PSNR_POOLED_FG = in_foreground(PSNR_POOLED, mse_fg)
MSE_FG = in_foreground(MSE, mse_fg)
MAE_FG = in_foreground(MAE, mae_fg)
NMSE_FG = in_foreground(NMSE, nmse_fg)
