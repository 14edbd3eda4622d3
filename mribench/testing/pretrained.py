"""Checks for models that were trained elsewhere: grey images, each by its seed and index alone."""

from __future__ import annotations

import json

import numpy as np

from mribench.errors import InputError
from mribench.sampling.pretrained import grey_images
from mribench.testing.checking import Case, Check, CheckFailed, require


def it_says_what_it_is(case: Case) -> None:
    require(
        case.plugin.paper.strip() and case.plugin.version >= 1,
        "paper is empty, or version is below 1",
        "cite the paper (or say what it is in a line), and count versions from 1",
    )
    try:
        json.dumps(dict(case.plugin.source), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckFailed(
            f"source does not fit into a record ({error})", "give plain words and numbers"
        ) from error


def it_generates_grey_squares_by_seed_and_index(case: Case) -> None:
    made = _images(case, range(5), 7)
    require(
        len(made) == 5 and made.shape[1] == made.shape[2],
        f"five indices give images of shape {made.shape}",
        "return one square image for each index",
    )
    require(
        np.array_equal(made[[3, 1]], _images(case, [3, 1], 7)),
        "an image depends on the others that are generated with it, or two calls differ",
        "draw image i from torch_generator(name, seed, i) or numpy_rng(name, seed, i) alone",
    )
    require(
        not np.array_equal(made, _images(case, range(5), 8)),
        "another seed gives the same images",
        "let the seed enter every draw",
    )
    require(
        not np.array_equal(made[0], made[1]),
        "two images of one seed are equal",
        "let the index enter every draw",
    )


def _images(case: Case, indices: object, seed: int) -> np.ndarray:
    try:
        return grey_images(case.plugin.generate(indices, seed), "generate")
    except InputError as error:
        raise CheckFailed(str(error), "return uint8, or float in [0, 1], (len(indices), H, W)") from error


CHECKS = (
    Check("", it_says_what_it_is),
    Check("generate", it_generates_grey_squares_by_seed_and_index),
)
