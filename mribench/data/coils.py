"""Coil images, sensitivities and noise of one slice of k-space, from nothing but the slice.

Arrays are complex64 (coils, rows, columns). Fourier transforms are orthonormal.
"""

from __future__ import annotations

import numpy as np

from mribench.errors import DataError

COILS = 8  # virtual coils that are kept at most
CALIBRATION = (
    24  # lines around the middle of k-space from which sensitivities are estimated, in both directions
)
OF_SIDE = 3 / 8  # but at most so much of the image's side
CORNER = 0.1  # share of rows and columns at each end that the noise is estimated from
# standard deviation of Gaussian numbers over the median of their sizes
MEDIAN_TO_STD = 1.4826


def coil_images(kspace: np.ndarray) -> np.ndarray:
    """The image of each coil, over the whole field of view.

    The strongest sample is taken for the zero frequency: a shift of k-space changes the phase alone, and what is left
    of it varies slowly.

    Args:
        kspace: Zero frequency in the middle.
    """
    energy = np.einsum("chw,chw->hw", kspace, kspace.conj()).real
    peak = np.unravel_index(int(energy.argmax()), energy.shape)
    found = np.fft.ifft2(np.roll(kspace, [-int(at) for at in peak], (-2, -1)), norm="ortho")
    return np.fft.fftshift(found, (-2, -1)).astype(np.complex64)


def around_the_middle(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Images cut, or filled up with zeros, to rows and columns, as fastMRI cuts its own."""
    for axis, n in zip((-2, -1), shape, strict=True):
        size = images.shape[axis]
        first = (size - n) // 2
        if first < 0 or first + n > size:
            pad = [(0, 0)] * images.ndim
            pad[axis] = (max(-first, 0), max(first + n - size, 0))
            images, first = np.pad(images, pad), max(first, 0)
        images = images.take(range(first, first + n), axis)
    return images


def check_sampling(kspace: np.ndarray, name: str) -> None:
    """Raises DataError where k-space is empty, or lines between measured ones are: its image would be no truth."""
    for called, others in (("columns", (0, 1)), ("rows", (0, 2))):
        measured = np.flatnonzero(np.any(kspace != 0, axis=others))
        if not len(measured):
            raise DataError(
                f"{name} has empty k-space, from which neither coil maps nor an image follow; remove it."
            )
        n = measured[-1] - measured[0] + 1
        if len(measured) < n:
            raise DataError(
                f"{name} has k-space with {n - len(measured)} of {n} {called} empty, expected every one of them, as "
                "the truth is its image; give fully sampled files."
            )


def compressed(images: np.ndarray, coils: int) -> np.ndarray:
    """At most ``coils`` virtual coils: the principal components of the coils (Huang et al. 2008, MRI 26(1))."""
    if len(images) <= coils:
        return images
    flat = images.reshape(len(images), -1)
    _, axes = np.linalg.eigh((flat @ flat.conj().T).astype(np.complex128))
    return (axes[:, ::-1][:, :coils].conj().T.astype(np.complex64) @ flat).reshape(coils, *images.shape[1:])


def sensitivities(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps of the coils, and the magnitude of the image at the low resolution at which they are estimated.

    Coil images of the middle of k-space, as from a calibration scan, over the root of their sum of squares (McKenzie et
    al. 2002, MRM 47(3)); they keep the phase of the image, so that the image is real where its phase varies slowly.

    Returns:
        complex64 (coils, H, W), whose squares add up to 1 in every pixel; float32 (H, W).
    """
    low = np.fft.fft2(images)
    for axis in (-2, -1):
        n = images.shape[axis]
        lines = min(CALIBRATION, int(OF_SIDE * n))
        distance = np.abs(np.fft.fftfreq(n)) * n / (lines / 2)
        window = np.cos(np.pi / 2 * np.minimum(distance, 1)) ** 2
        low = low * np.expand_dims(window, -1 if axis == -2 else -2)
    low = np.fft.ifft2(low)
    magnitude = np.sqrt(np.square(np.abs(low)).sum(0))
    maps = low / np.maximum(magnitude, np.finfo(np.float32).tiny)
    return maps.astype(np.complex64), magnitude.astype(np.float32)


def corner(images: np.ndarray) -> np.ndarray:
    """float32 (n,): real and imaginary parts in the corners of the field of view, where next to nothing but noise is.

    What is exactly 0 is left out: it was not measured.
    """
    rows, columns = (max(1, int(CORNER * n)) for n in images.shape[1:])
    at_ends = np.concatenate([images[:, :rows], images[:, -rows:]], axis=1)
    found = np.concatenate([at_ends[..., :columns], at_ends[..., -columns:]], axis=2).ravel()
    found = found[found != 0]
    return np.concatenate([found.real, found.imag])


def standard_deviation(noise: np.ndarray) -> float | None:
    """Of numbers among which few may be of something else; None of too few."""
    return float(MEDIAN_TO_STD * np.median(np.abs(noise))) if len(noise) >= 64 else None
