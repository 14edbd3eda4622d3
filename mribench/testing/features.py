"""Checks for feature spaces: one vector per image, whatever else is in the batch."""

from __future__ import annotations

import numpy as np

from mribench.errors import Unavailable
from mribench.testing.checking import Case, Check, CheckWarning, require
from mribench.testing.fixtures import toy_images


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


CHECKS = (Check("identity", it_has_an_identity), Check("load", it_gives_one_vector_per_image))
