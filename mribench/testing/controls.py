"""Checks for controls: image i is a matter of (seed, i), and the training images stay as they are."""

from __future__ import annotations

import math
from typing import get_args, get_type_hints

import numpy as np

from mribench.spec import Expected
from mribench.testing.checking import Case, Check, require
from mribench.testing.fixtures import IMAGE_SIZE, TINY, toy_data


def it_generates_images_by_seed_and_index(case: Case) -> None:
    control, train = case.plugin, toy_data().train.unit()
    before = train.copy()
    state = control.fit(train)
    made = control.generate(state, range(5), 7)
    _images(made, 5)
    require(
        (made[[3, 1]] == control.generate(state, [3, 1], 7)).all()
        and (made[4:] == control.generate(state, range(4, 5), 7)).all(),
        "an image depends on the others that are generated with it",
        "draw image i from numpy_rng(name, seed, i) alone",
    )
    require(
        (made != control.generate(state, range(5), 8)).any(),
        "another seed gives the same images",
        "let the seed enter every draw",
    )
    require((train == before).all(), "fit or generate changes the training images", "work on a copy")


def it_denoises_at_every_level(case: Case) -> None:
    control, test = case.plugin, toy_data().test.unit()
    state = control.fit(toy_data().train.unit())
    noise = np.random.default_rng(0).standard_normal(test.shape)
    for alpha_bar in TINY.alpha_bars:
        x_t = (math.sqrt(alpha_bar) * (test * 2 - 1) + math.sqrt(1 - alpha_bar) * noise).astype(np.float32)
        restored = control.denoise(state, x_t, alpha_bar, 7)
        _images(restored, len(test))
        require(
            (restored == control.denoise(state, x_t, alpha_bar, 7)).all(),
            "denoising twice gives two results",
            "draw from the seed that is given",
        )


def it_says_where_it_must_land(case: Case) -> None:
    expected = case.plugin.expected
    if expected is not None:
        places = get_args(get_type_hints(Expected)["place"])
        require(
            isinstance(expected, Expected) and expected.place in places and bool(expected.because),
            f"expected is {expected!r}",
            f"give Expected(place, because) with a place among {', '.join(places)}, or leave it None",
        )


def _images(made: np.ndarray, n: int) -> None:
    right = made.shape == (n, IMAGE_SIZE, IMAGE_SIZE) and made.dtype == np.float32
    require(
        right,
        f"images are {made.dtype} {made.shape}",
        f"return float32 ({n}, {IMAGE_SIZE}, {IMAGE_SIZE}) for {n} images",
    )
    low, high = float(made.min()), float(made.max())
    require(low >= 0 and high <= 1, f"grey values run from {low:.3g} to {high:.3g}", "clip to [0, 1]")


CHECKS = (
    Check("generate", it_generates_images_by_seed_and_index),
    Check("denoise", it_denoises_at_every_level),
    Check("expected", it_says_where_it_must_land),
)
