"""Feature spaces that describe something else: the kit says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from found import assert_refused

from mribench.plugins import lookup
from mribench.testing import features

HC85 = lookup.load("features", "hc85-v1")


def centred():
    return lambda images: HC85.load()(images) - HC85.load()(images).mean(axis=0)


def one_number(of):
    """Functions of one number of each image."""

    def load():
        def extract(images):
            number = of(images).astype(np.float64)[:, None]
            return np.tile(np.hstack([number, number**2, np.exp(-number)]), (1, 29))[:, : HC85.dim]

        return extract

    return load


def alike():
    return lambda images: np.ones((len(images), HC85.dim))


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (
            features.it_gives_one_vector_per_image,
            replace(HC85, load=centred),
            "depends on the images beside it",
        ),
        (features.it_gives_one_vector_per_image, replace(HC85, dim=3), "float64 (4, 85)"),
        (features.it_gives_one_vector_per_image, replace(HC85, load=alike), "one and the same vector"),
        (
            features.it_sees_more_than_one_number,
            replace(HC85, load=one_number(lambda images: images.mean((1, 2)))),
            "in one direction",
        ),
        (
            features.it_sees_more_than_one_number,
            replace(HC85, load=one_number(lambda images: images.max((1, 2)))),
            "in one direction",
        ),
    ],
    ids=["centred", "dim", "constant", "mean", "largest"],
)
def test_a_bad_feature_space_is_found(run, plugin, found):
    assert_refused(features.CHECKS, run, plugin, "features", found)
