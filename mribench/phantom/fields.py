"""Smooth random fields as sums of plane waves: texture, living outlines, folding.

A sum of waves, not filtered pixels: the same draw looks the same at any image size, and a third coordinate
costs nothing, so neighbouring slices of a subject look alike. Only elementwise arithmetic and no BLAS, whose
sums depend on the processor.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

Array = np.ndarray


def smooth_field(
    rng: np.random.Generator, x: Array, y: Array, scale: float, modes: int = 12, z: float | None = None
) -> Array:
    """Random field of unit variance, a sum of plane waves.

    Random Fourier features of a Gaussian kernel: Rahimi & Recht, NIPS 20 (2007).

    Args:
        rng: draws the waves.
        x: coordinates in the unit of ``scale``; they broadcast with ``y`` to (n, m). A row (1, m) and a column
            (n, 1), as in ``Canvas.axes``, take a fraction of the time of full arrays.
        y: the same, downwards.
        scale: width of the structures.
        modes: number of waves.
        z: third coordinate, one number. The same generator state at another z is another slice of the same field.

    Returns:
        float32 (n, m).
    """
    wave = rng.normal(size=(modes, 2 if z is None else 3)) * np.pi / scale / 2
    phase = rng.uniform(0, 2 * np.pi, modes)
    return _superpose(wave[:, 0], wave[:, 1], phase if z is None else phase + wave[:, 2] * z, x, y)


def waves(
    rng: np.random.Generator, x: Array, y: Array, wavelength: float, modes: int = 6, z: float = 0.0,
    drift: float = 0.5, spread: float = 0.15,
) -> Array:  # fmt: skip
    """Random field of unit variance and one wavelength: plane waves of random direction.

    One wavelength, unlike ``smooth_field``, makes evenly spaced winding bands, as gyri and trabeculae are; compare the
    reaction-diffusion model of folding, Lefevre & Mangin, PLoS Comput Biol 6:e1000749 (2010).

    Args:
        rng: draws the waves.
        x: as in ``smooth_field``.
        y: as in ``smooth_field``.
        wavelength: in the unit of x and y.
        modes: number of waves.
        z: third coordinate, one number.
        drift: how many units of x or y change the field about as much as one unit of z.
        spread: each wavenumber is within this share of 2 pi / ``wavelength``.

    Returns:
        float32 (n, m).
    """
    heading = rng.uniform(0, 2 * np.pi, modes)
    tilt = rng.normal(0, drift, modes)
    phase = rng.uniform(0, 2 * np.pi, modes)
    k = 2 * np.pi / wavelength * rng.uniform(1 - spread, 1 + spread, modes)
    return _superpose(k * np.cos(heading), k * np.sin(heading), phase + k * tilt * z, x, y)


def wobble(
    rng: np.random.Generator, x: Array, y: Array, amplitude: float, scale: float, modes: int = 6,
    z: float | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """Two smooth fields, float32 (n, m) each, to add to coordinates so that outlines look alive.

    ``amplitude`` is their standard deviation; the other arguments are those of ``smooth_field``.
    """
    size = np.float32(amplitude)
    return size * smooth_field(rng, x, y, scale, modes, z), size * smooth_field(rng, x, y, scale, modes, z)


def _superpose(kx: Array, ky: Array, phase: Array, x: Array, y: Array) -> Array:
    """sqrt(2 / modes) sum_m cos(kx_m x + ky_m y + phase_m); kx, ky, phase: (modes,)."""
    gain = np.float32(sqrt(2 / len(kx)))
    if x.shape[0] == 1 and y.shape[1] == 1:
        return gain * _superpose_on_grid(kx, ky, phase, x, y)
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    out = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.float32)
    angle, part = np.empty_like(out), np.empty_like(out)
    # Python floats: a numpy float64 scalar would turn float32 grids into float64, ten times slower in cos
    for a, b, p in zip(kx.tolist(), ky.tolist(), phase.tolist(), strict=True):
        np.multiply(x, a, out=angle)
        np.multiply(y, b, out=part)
        angle += part
        angle += p
        out += np.cos(angle, out=angle)
    return gain * out


def _superpose_on_grid(kx: Array, ky: Array, phase: Array, x: Array, y: Array) -> Array:
    """The same on a row and a column; cos(a + b) = cos a cos b - sin a sin b needs the axes only."""
    across = kx[:, None] * x.astype(np.float64) + phase[:, None]
    down = ky[:, None] * y[:, 0].astype(np.float64)
    row = np.stack([np.cos(across), -np.sin(across)], axis=1).astype(np.float32)
    column = np.stack([np.cos(down), np.sin(down)], axis=1).astype(np.float32)[..., None]
    out = np.zeros((y.shape[0], x.shape[1]), dtype=np.float32)
    part = np.empty_like(out)
    for m in range(len(kx)):
        for k in (0, 1):
            out += np.multiply(row[m, k], column[m, k], out=part)
    return out
