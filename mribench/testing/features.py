"""Checks for feature spaces: one vector per image, whatever else is in the batch."""

from __future__ import annotations

import numpy as np

from mribench.errors import Unavailable
from mribench.testing.checking import Case, Check, CheckWarning, require
from mribench.testing.fixtures import toy_images

N_CHANGES = 8
MIN_SECOND = 0.05  # of the second direction, over the first


def it_has_an_identity(case: Case) -> None:
    space = case.plugin
    require(
        space.identity() and space.identity() == space.identity(),
        "identity() is empty, or changes",
        "return name and version, and the sha256 of the weights where there are any",
    )
    require(
        space.kernel in ("cubic", "rbf"),
        f"the kernel is {space.kernel!r}",
        "cubic for learned features, rbf for handcrafted ones",
    )


def it_gives_one_vector_per_image(case: Case) -> None:
    space = case.plugin
    try:
        extract = space.load()
    except Unavailable as reason:
        raise CheckWarning(f"not tried: {reason}", "check it where what is missing is there") from reason
    some = toy_images(4).astype(np.float32) / 255
    found = extract(some)
    require(
        found.shape == (4, space.dim or found.shape[1])
        and found.dtype == np.float64
        and np.isfinite(found).all(),
        f"four images give {found.dtype} {found.shape}, finite: {bool(np.isfinite(found).all())}",
        f"return finite float64 (4, {space.dim or 'd'})",
    )
    require(
        np.ptp(found, axis=0).max() > 0,
        "different images have one and the same vector",
        "see the input's range",
    )
    require(
        np.allclose(extract(some[2:3])[0], found[2], rtol=1e-4, atol=1e-5),
        "an image's vector depends on the images beside it",
        "take images one by one: no statistics over the batch, evaluation mode for a network",
    )


def it_sees_more_than_one_number(case: Case) -> None:
    """Small changes of one image move its vector in more than one direction.

    A space of one number, or of functions of one (the mean grey value, its square, its logarithm), has one direction.
    """
    try:
        extract = case.plugin.load()
    except Unavailable as reason:
        raise CheckWarning(f"not tried: {reason}", "check it where what is missing is there") from reason
    scale = extract(toy_images(32, seed=1).astype(np.float32) / 255).std(axis=0)
    one = toy_images(1).astype(np.float32) / 255 * 0.8 + 0.1
    changes = np.random.default_rng(0).standard_normal((N_CHANGES, 4, 4)).astype(np.float32)
    changed = one + 0.01 * np.kron(changes, np.ones((8, 8), np.float32))  # on squares of 8 pixels
    found = extract(np.concatenate([one, changed]))
    moved = ((found[1:] - found[:1]) / np.where(scale > 0, scale, 1))[:, scale > 0]
    sizes = np.linalg.svd(moved, compute_uv=False)
    require(
        len(sizes) > 1 and sizes[1] > MIN_SECOND * sizes[0],
        f"{N_CHANGES} small changes of an image move its vector in one direction (the second has "
        f"{sizes[1] / sizes[0] if len(sizes) > 1 else 0:.1%} of the size of the first)",
        "describe more of an image than one number, for example its mean grey value",
    )


CHECKS = (
    Check("identity", it_has_an_identity),
    Check("load", it_gives_one_vector_per_image),
    Check("load", it_sees_more_than_one_number),
)
