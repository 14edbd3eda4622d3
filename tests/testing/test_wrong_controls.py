"""Controls and pretrained models that draw wrongly: the kit says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from found import finding

from mribench.plugins import lookup
from mribench.spec import Expected, PretrainedModel
from mribench.testing import controls, pretrained

NOISE = lookup.load("variants", "noise")


def batched(indices, seed):
    return np.random.default_rng([seed, len(indices)]).random((len(indices), 32, 32)).astype(np.float32)


@pytest.mark.parametrize(
    ("plugin", "found"),
    [
        (
            replace(NOISE, generate=lambda state, indices, seed: batched(indices, seed)),
            "depends on the others",
        ),
        (replace(NOISE, generate=lambda state, indices, seed: batched(indices, seed) * 2), "values run from"),
        (
            replace(NOISE, generate=lambda state, i, seed: np.zeros((len(i), 32, 32), np.float32)),
            "another seed gives",
        ),
    ],
    ids=["batch", "range", "seed"],
)
def test_a_bad_control_is_found(plugin, found):
    said = finding(controls.CHECKS, controls.it_generates_images_by_seed_and_index, plugin, "variants")
    assert said.state == "broken" and found in said.found


@pytest.mark.parametrize(
    ("generate", "found"),
    [
        (lambda indices, seed: np.zeros((len(indices), 32, 32)), "another seed gives the same images"),
        (batched, "an image depends on the others"),
        (lambda indices, seed: np.full((len(indices), 32, 32), seed / 9), "two images of one seed are equal"),
        (lambda indices, seed: np.zeros((1, 32, 32)), "images of shape (1, 32, 32)"),
        (lambda indices, seed: np.zeros((len(indices), 32, 48)), "images of shape (5, 32, 48)"),
        (lambda indices, seed: np.zeros((len(indices), 3, 32, 32)), "colour images"),
        (lambda indices, seed: np.full((len(indices), 32, 32), -1.0), "from -1 to -1"),
    ],
    ids=range(7),
)
def test_a_bad_pretrained_model_is_found(generate, found):
    check = pretrained.it_generates_grey_squares_by_seed_and_index
    said = finding(pretrained.CHECKS, check, PretrainedModel("m", "m", "a paper", generate), "models")
    assert said.state == "broken" and found in said.found


@pytest.mark.parametrize("expected", ["last", Expected("worst of all", "it is noise"), Expected("last", "")])
def test_a_control_that_says_no_place_to_land_is_broken(expected):
    check = controls.it_says_where_it_must_land
    assert finding(controls.CHECKS, check, replace(NOISE, expected=expected), "variants").state == "broken"
    assert finding(controls.CHECKS, check, NOISE, "variants").state == "ok"
