"""Generators with a known answer, for the calibration of the audit: cheats that copy, and honest ones that do not.

Each takes the prepared set of a run, real images of subjects that are in none of its splits, a count and a random
generator, and returns that many images. All images are uint8 (N, H, W); lengths are in pixels of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates

from mribench.audit.closer import MARGIN
from mribench.audit.poses import posed
from mribench.features.hc85 import AIR
from mribench.spec import Prepared, Split
from mribench.variants.controls import GAUSSIAN, NOISE, moving_average

SMOOTHNESS = 1 / 8  # of a side: standard deviation of the filter that makes a warp smooth
MIXED_IN = (0.05, 0.1, 0.2)  # shares of copies among honest images
ONE_PATIENT = 0.2  # share of copies of one patient among honest images
IDEAL = "real, other subjects"
MODES = (16, 4, 1)  # images that a collapsed generator knows

Generator = Callable[[Prepared, Split, int, np.random.Generator], np.ndarray]
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _draw(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return images[rng.integers(len(images), size=count)]


def _to_uint8(images: np.ndarray) -> np.ndarray:
    """[0, 1] to uint8, clipped and rounded."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _replay(change: Change = lambda images, rng: images, split: str = "train") -> Generator:
    """Images of a split drawn again and changed; a change gets and gives [0, 1]."""

    def generate(data, fresh, count, rng):
        return _to_uint8(change(_draw(getattr(data, split).images, count, rng) / 255, rng))

    return generate


def _noisy(deviation: float) -> Change:
    return lambda images, rng: images + rng.normal(0, deviation, images.shape)


def _smooth(width: float) -> Change:
    return lambda images, rng: gaussian_filter(images, (0, width, width))


def _in_pose(symmetry: int) -> Change:
    return lambda images, rng: posed(images, symmetry)


def _shifted(images, rng):
    """By up to 3 pixels either way; pixels that leave on one side enter on the other."""
    moves = rng.integers(1 - MARGIN, MARGIN, (len(images), 2))
    return np.stack([np.roll(image, move, (0, 1)) for image, move in zip(images, moves, strict=True)])


def _moved(degrees: float = 0, scale: float = 1, shift: float = 0) -> Change:
    """Rotated about the centre, enlarged and shifted, to either side; linear interpolation."""

    def change(images, rng):
        centre = (np.array(images.shape[1:]) - 1) / 2
        found = []
        for image in images:
            angle = np.deg2rad(degrees) * rng.choice([-1, 1])
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
            offset = centre - turn @ (centre + shift * rng.choice([-1, 1], 2))
            found.append(affine_transform(image, turn, offset, order=1, mode="nearest"))
        return np.stack(found)

    return change


def _warped(pixels: float) -> Change:
    """By a smooth random field of that root mean square length; cubic interpolation, which blurs little."""

    def change(images, rng):
        width = SMOOTHNESS * min(images.shape[1:])
        grid = np.indices(images.shape[1:])
        found = []
        for image in images:
            field = gaussian_filter(rng.standard_normal(grid.shape), (0, width, width), mode="wrap")
            field *= pixels / np.sqrt(np.square(field).sum(0).mean())
            found.append(map_coordinates(image, grid + field, order=3, mode="nearest"))
        return np.stack(found)

    return change


def _recontrasted(images, rng):
    """Gamma from 0.75 to 1.33, gain from 0.8 to 1, bias from 0 to 0.1."""
    gamma, gain, bias = (
        rng.uniform(low, high, (len(images), 1, 1)) for low, high in ((-0.29, 0.29), (0.8, 1), (0, 0.1))
    )
    return gain * images ** np.exp(gamma) + bias


def _inverted(images, rng):
    """What is not air, turned about between air and the brightest pixel."""
    brightest = images.max((1, 2), keepdims=True)
    return np.where(images >= AIR, brightest + AIR - images, images)


def _painted(images, rng):
    """A bright spot where there is tissue, a tenth of a side wide."""
    rows, columns = np.indices(images.shape[1:])
    found = images.copy()
    for image in found:
        inside = np.argwhere(image >= AIR)
        row, column = inside[rng.integers(len(inside))] if len(inside) else (0, 0)
        image[np.hypot(rows - row, columns - column) <= min(image.shape) / 20] = 1
    return found


def _blended(weight: float) -> Generator:
    """Weighted means of two training images."""

    def generate(data, fresh, count, rng):
        first, second = (_draw(data.train.images, count, rng) / 255 for _ in range(2))
        return _to_uint8(weight * first + (1 - weight) * second)

    return generate


def _halves(data, fresh, count, rng):
    """The left half of one training image beside the right half of another."""
    first, second = (_draw(data.train.images, count, rng) for _ in range(2))
    middle = first.shape[2] // 2
    return np.concatenate([first[:, :, :middle], second[:, :, middle:]], axis=2)


def _cutmix(data, fresh, count, rng):
    """A quarter of a training image, wherever it lies, replaced by the same place of another (Yun et al. 2019)."""
    first, second = (_draw(data.train.images, count, rng) for _ in range(2))
    height, width = (side // 2 for side in first.shape[1:])
    for image, other in zip(first, second, strict=True):
        top, left = rng.integers(height + 1), rng.integers(width + 1)
        place = slice(top, top + height), slice(left, left + width)
        image[place] = other[place]
    return first


def _mixed(share: float) -> Generator:
    """Real images of other subjects, a share of them replaced by copies."""

    def generate(data, fresh, count, rng):
        images = _held_out(data, fresh, count, rng)
        copied = rng.permutation(len(images))[: round(share * len(images))]
        images[copied] = _draw(data.train.images, len(copied), rng)
        return images

    return generate


def _one_patient(share: float) -> Generator:
    """Real images of other subjects, a share of them replaced by copies of one training subject."""

    def generate(data, fresh, count, rng):
        images = _held_out(data, fresh, count, rng)
        subjects = np.array(data.train.subjects)
        own = data.train.images[subjects == rng.choice(np.unique(subjects))]
        copied = rng.permutation(len(images))[: round(share * len(images))]
        images[copied] = _draw(own, len(copied), rng)
        return images

    return generate


def _held_out(data, fresh, count, rng):
    """The ideal: real images of subjects outside all splits, none twice while there are enough."""
    order = np.concatenate([rng.permutation(len(fresh)) for _ in range(-(-count // len(fresh)))])
    return fresh.images[order[:count]]


def _unfinished(change: Change) -> Generator:
    """Smooth as an unfinished network's images are, and therefore nearer to everything."""
    return lambda data, fresh, count, rng: _to_uint8(change(_held_out(data, fresh, count, rng) / 255, rng))


def _collapsed(modes: int) -> Generator:
    """A few real images of other subjects, again and again."""

    def generate(data, fresh, count, rng):
        return _draw(_held_out(data, fresh, min(modes, len(fresh)), rng), count, rng)

    return generate


def _control(control):
    def generate(data, fresh, count, rng):
        state = control.fit(data.train.images.astype(np.float32) / 255)
        return _to_uint8(control.generate(state, range(count), int(rng.integers(2**31))))

    return generate


# to be called MEMORISES
CHEATS: Mapping[str, Generator] = {
    "replay": _replay(),
    "noise of 0.01": _replay(_noisy(0.01)),
    "noise of 0.1": _replay(_noisy(0.1)),
    "blurred by 1 px": _replay(_smooth(1)),
    "blurred by 2 px": _replay(_smooth(2)),
    "contrast changed": _replay(_recontrasted),
    "contrast inverted in the body": _replay(_inverted),
    "lesion painted in": _replay(_painted),
    "shifted by up to 3 px": _replay(_shifted),
    "shifted by 5 px": _replay(_moved(shift=5)),
    "flipped left to right": _replay(_in_pose(1)),
    "flipped up-down": _replay(_in_pose(5)),
    "turned by 90 degrees": _replay(_in_pose(2)),
    "turned by 180 degrees": _replay(_in_pose(4)),
    "rotated by 5 degrees": _replay(_moved(5)),
    "rotated by 10 degrees": _replay(_moved(10)),
    "5% larger": _replay(_moved(scale=1.05)),
    "10% larger": _replay(_moved(scale=1.1)),
    "rotated by 7 degrees, 7% larger, shifted by 2 px": _replay(_moved(7, 1.07, 2)),
    "warped by 2 px": _replay(_warped(2)),
    "warped by 3 px": _replay(_warped(3)),
    "warped by 4 px": _replay(_warped(4)),
    "two patients, 50:50": _blended(0.5),
    "two patients, 60:40": _blended(0.6),
    "two patients, 70:30": _blended(0.7),
    "left and right half of two patients": _halves,
    "cutmix, a quarter": _cutmix,
    **{f"{share:.0%} replay mixed in": _mixed(share) for share in MIXED_IN},
    "one patient only": _one_patient(1),
    f"{ONE_PATIENT:.0%} of one patient mixed in": _one_patient(ONE_PATIENT),
}
# to be called SAW THE TEST
TEST_CHEATS: Mapping[str, Generator] = {
    "replay of test": _replay(split="test"),
    "replay of test, flipped up-down": _replay(_in_pose(5), "test"),
    "replay of test, warped by 3 px": _replay(_warped(3), "test"),
    "replay of validation": _replay(split="validation"),
}
HONEST: Mapping[str, Generator] = {
    IDEAL: _held_out,
    f"{IDEAL}, mean of 3 x 3": _unfinished(lambda images, rng: moving_average(images)),
    **{f"{IDEAL}, blurred by {width} px": _unfinished(_smooth(width)) for width in (1, 2, 3)},
    **{f"collapsed to {modes} real images": _collapsed(modes) for modes in MODES},
    GAUSSIAN.name: _control(GAUSSIAN),
    NOISE.name: _control(NOISE),
}
