"""From signal to image, as a scanner does: coil shading, bias field, Rician noise."""

from __future__ import annotations

import numpy as np

from mribench.phantom.fields import smooth_field

Array = np.ndarray


def acquire(
    signal: Array, subject: np.random.Generator, noise: np.random.Generator, snr: float, coil: float = 0.0,
    bias: float = 0.1, coil_angle: float | None = None,
) -> tuple[Array, dict[str, float]]:  # fmt: skip
    """Receive-coil shading, bias field and Rician magnitude |S + n_r + i n_i| (Gudbjartsson & Patz, MRM 34:910, 1995).

    Args:
        signal: (size, size), >= 0.
        subject: draws the coil's direction and the bias field, which all slices share.
        noise: draws the noise of the slice.
        snr: 99th percentile of the signal over the noise's standard deviation.
        coil: fall-off away from a surface coil; 0 is a volume coil.
        bias: amplitude of the smooth bias field.
        coil_angle: direction of the coil from the centre in degrees, 0 right, 90 bottom; drawn where None.

    Returns:
        The image, float32 (size, size) in [0, 1] with its 99.7th percentile at 1, and the parameters.
    """
    received, angle = receive(signal, subject, coil, bias, coil_angle)
    image = add_noise(received, noise, noise_level(received, snr))
    return to_unit(image, white(image)), {"snr": snr, "coil": coil, "coil_angle": angle, "bias": bias}


def receive(
    signal: Array, subject: np.random.Generator, coil: float, bias: float, coil_angle: float | None
) -> tuple[Array, float]:
    """The signal under coil shading and bias field, (size, size), and the direction of the coil in degrees."""
    axis = (np.arange(len(signal)) + 0.5) / len(signal) * 2 - 1
    x, y = axis[None, :], axis[:, None]
    drawn = float(subject.uniform(0, 360))
    angle = drawn if coil_angle is None else coil_angle
    toward = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    shading = np.exp(coil * (toward - 1) / 2) * np.exp(bias * smooth_field(subject, x, y, 1.2, modes=4))
    return signal * shading, angle


def noise_level(received: Array, snr: float) -> float:
    """Standard deviation of the noise in each of the two channels."""
    return max(float(np.percentile(received, 99)), 1e-6) / snr


def add_noise(received: Array, noise: np.random.Generator, sigma: float) -> Array:
    """Rician magnitude of a signal in complex Gaussian noise."""
    real = received + noise.normal(0, sigma, received.shape)
    return np.hypot(real, noise.normal(0, sigma, received.shape))


def white(image: Array) -> float:
    """The value that is shown as 1."""
    return float(np.percentile(image, 99.7))


def to_unit(image: Array, white: float) -> Array:
    """float32 in [0, 1]."""
    return np.clip(image / white, 0, 1).astype(np.float32)
