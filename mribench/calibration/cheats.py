"""Generators with a known answer, for the calibration of the audit: cheats that copy, and honest ones that do not.

Each takes the training images, real images of subjects that are in neither split, a count and a random generator, and
returns that many images. All images are uint8 (N, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mribench.audit.match import MARGIN
from mribench.variants.controls import GAUSSIAN, NOISE, moving_average

NOISE_STD = 0.01
MIXED_IN = 0.1  # share of copies among honest images

Generator = Callable[[np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]


def _draw(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return images[rng.integers(len(images), size=count)]


def _to_uint8(images: np.ndarray) -> np.ndarray:
    """[0, 1] to uint8, clipped and rounded."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _replay(train, fresh, count, rng):
    return _draw(train, count, rng)


def _noisy(train, fresh, count, rng):
    copies = _draw(train, count, rng) / 255
    return _to_uint8(copies + rng.normal(0, NOISE_STD, copies.shape))


def _shifted(train, fresh, count, rng):
    """By up to 3 pixels either way; pixels that leave on one side enter on the other."""
    moves = rng.integers(1 - MARGIN, MARGIN, (count, 2))
    return np.stack(
        [np.roll(image, move, (0, 1)) for image, move in zip(_draw(train, count, rng), moves, strict=True)]
    )


def _flipped(train, fresh, count, rng):
    return _draw(train, count, rng)[:, :, ::-1].copy()


def _recontrasted(train, fresh, count, rng):
    """Gamma from 0.75 to 1.33, gain from 0.8 to 1, bias from 0 to 0.1."""
    gamma, gain, bias = (
        rng.uniform(low, high, (count, 1, 1)) for low, high in ((-0.29, 0.29), (0.8, 1), (0, 0.1))
    )
    return _to_uint8(gain * (_draw(train, count, rng) / 255) ** np.exp(gamma) + bias)


def _mixed(train, fresh, count, rng):
    """Real images of other subjects, a tenth of them replaced by copies."""
    images = _held_out(train, fresh, count, rng)
    copied = rng.permutation(len(images))[: round(MIXED_IN * len(images))]
    images[copied] = _draw(train, len(copied), rng)
    return images


def _held_out(train, fresh, count, rng):
    """The ideal: real images of subjects outside both splits, none twice while there are enough."""
    order = np.concatenate([rng.permutation(len(fresh)) for _ in range(-(-count // len(fresh)))])
    return fresh[order[:count]]


def _blurred(train, fresh, count, rng):
    """Smooth as an unfinished network's images are, and therefore nearer to everything."""
    return _to_uint8(moving_average(_held_out(train, fresh, count, rng) / 255))


def _control(control):
    def generate(train, fresh, count, rng):
        state = control.fit(train.astype(np.float32) / 255)
        return _to_uint8(control.generate(state, range(count), int(rng.integers(2**31))))

    return generate


CHEATS: Mapping[str, Generator] = {
    "replay": _replay,
    f"replay + noise ({NOISE_STD})": _noisy,
    "replay, shifted": _shifted,
    "replay, flipped": _flipped,
    "replay, contrast changed": _recontrasted,
    f"{MIXED_IN:.0%} replay mixed in": _mixed,
}
HONEST: Mapping[str, Generator] = {
    "real, other subjects": _held_out,
    "real, other subjects, blurred": _blurred,
    GAUSSIAN.name: _control(GAUSSIAN),
    NOISE.name: _control(NOISE),
}
