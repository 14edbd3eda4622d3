"""A label map that becomes an MR image: paint tissues, render the signal, acquire it with a scanner."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mribench.phantom.shapes import Array, smooth_field
from mribench.phantom.signal import AIR, Sequence, Tissue


def subject_rng(seed: int, subject: int) -> np.random.Generator:
    """Randomness of what all slices of a subject share: anatomy, scanner."""
    return np.random.default_rng([seed, subject, 0])


def slice_rng(seed: int, subject: int, slice: int) -> np.random.Generator:
    """Randomness of one slice: position jitter, noise."""
    return np.random.default_rng([seed, subject, 1 + slice])


class Canvas:
    """An oversampled label map over x, y in [-1, 1]; what is painted later covers what was there.

    The grid is fine enough (>= 192 samples a side) that averaging it down gives partial volume at tissue edges.
    """

    def __init__(self, size: int):
        self.size = size
        self.over = max(1, -(-192 // size))
        n = size * self.over
        axis = ((np.arange(n) + 0.5) / n * 2 - 1).astype(np.float32)
        self.x, self.y = np.meshgrid(axis, axis)
        self.tissues = ["air"]
        self.labels = np.zeros((n, n), dtype=np.uint8)

    def paint(self, tissue: str, implicit: Array) -> None:
        """Give every point where ``implicit`` (n, n) is negative, or True, to ``tissue``."""
        if tissue not in self.tissues:
            self.tissues.append(tissue)
        inside = implicit if implicit.dtype == bool else implicit < 0
        self.labels[inside] = self.tissues.index(tissue)

    def label_map(self) -> Array:
        """uint8 (size, size): the tissue at the centre of each pixel."""
        return self.labels[self.over // 2 :: self.over, self.over // 2 :: self.over].copy()

    def average(self, fine: Array) -> Array:
        """Mean over each pixel's fine samples: (n, n) -> float32 (size, size). This is the partial volume."""
        shape = self.size, self.over, self.size, self.over
        return fine.reshape(shape).mean(axis=(1, 3), dtype=np.float32)

    def render(
        self, tissues: Mapping[str, Tissue], sequence: Sequence, rng: np.random.Generator, grain: float = 0.12
    ) -> Array:
        """float32 (size, size), non-negative: the signal of each tissue under ``sequence``, averaged per pixel.

        grain: width of the texture that tissues with ``texture`` > 0 carry.
        """
        known = {"air": AIR, **tissues}
        level = np.array([sequence.signal(known[name]) for name in self.tissues], dtype=np.float32)
        texture = np.array([known[name].texture for name in self.tissues], dtype=np.float32)
        fine = level[self.labels]
        if texture.any():
            field = smooth_field(rng, self.x, self.y, grain)
            fine = fine * np.maximum(1 + texture[self.labels] * field, 0)
        return self.average(fine)


def acquire(
    signal: Array,
    subject: np.random.Generator,
    noise: np.random.Generator,
    snr: float,
    coil: float = 0.0,
    bias: float = 0.1,
    coil_angle: float | None = None,
) -> tuple[Array, dict[str, float]]:
    """What the scanner makes of a signal: receive-coil shading, bias field, Rician noise, magnitude, [0, 1].

    signal: (size, size) >= 0. snr: 99th percentile of the signal over the noise's standard deviation.
    coil: fall-off away from a surface coil (0 is a volume coil); bias: amplitude of the smooth bias field.
    coil_angle: degrees, direction of the coil from the centre (0 right, 90 bottom); drawn where None.
    Rician magnitude |S + n_r + i n_i|: Gudbjartsson & Patz, MRM 34:910 (1995).
    The subject generator draws what belongs to the scanner, the noise generator what belongs to the slice.
    """
    n = len(signal)
    axis = (np.arange(n) + 0.5) / n * 2 - 1
    x, y = np.meshgrid(axis, axis)
    drawn = float(subject.uniform(0, 360))
    angle = drawn if coil_angle is None else coil_angle
    toward = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    shading = np.exp(coil * (toward - 1) / 2) * np.exp(bias * smooth_field(subject, x, y, 1.2, modes=4))
    image = signal * shading
    sigma = max(float(np.percentile(image, 99)), 1e-6) / snr
    image = np.hypot(image + noise.normal(0, sigma, image.shape), noise.normal(0, sigma, image.shape))
    image = np.clip(image / np.percentile(image, 99.7), 0, 1).astype(np.float32)
    return image, {"snr": snr, "coil": coil, "coil_angle": angle, "bias": bias}
