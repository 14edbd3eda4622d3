"""Displacements as a field of a phantom: stored as they were drawn, and refused where they break the contract."""

from dataclasses import replace

import numpy as np
import pytest
from noise_organ import draw

from mribench import profiles
from mribench.data import fields
from mribench.data.prepare import prepare_data
from mribench.errors import DataError
from mribench.spec import Field, Modality

SIZE = 32


def motion(seed, subject, slice, size, names):
    right = np.full((size, size), subject + slice / 10, np.float32)
    return {name: np.stack([np.zeros_like(right), -right]) for name in names}


def wide(*at):
    return {name: one[:1] for name, one in motion(*at).items()}


def double(*at):
    return {name: one.astype(np.float64) for name, one in motion(*at).items()}


def endless(*at):
    return {name: one / np.float32(0) for name, one in motion(*at).items()}


ORGAN = Modality(
    "noise", "Noise", "none", draw, fields=(Field("motion", "displacement"),), draw_fields=motion
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    profile = replace(profiles.SMOKE, size=SIZE, phantom_subjects=6, phantom_slices=2)
    return prepare_data(ORGAN, "phantom", profile, tmp_path_factory.mktemp("data"))


def test_a_displacement_is_stored_as_it_was_drawn(prepared):
    found = fields.of_phantom(ORGAN, prepared, ["motion"], 0)
    assert found.fields["motion"] == Field("motion", "displacement")
    for part in (found.train, found.validation, found.test):
        stored = part.fields["motion"]
        assert stored.shape == (len(part), 2, SIZE, SIZE) and stored.dtype == np.float32
        assert not stored[:, 0].any()
        assert [int(-one[1, 0, 0]) for one in stored] == [
            int(name.rpartition("-")[2]) for name in part.subjects
        ]


@pytest.mark.parametrize(
    "drawn", [wide, double, pytest.param(endless, marks=pytest.mark.filterwarnings("ignore"))]
)
def test_one_of_another_shape_or_type_or_not_finite_is_refused_in_one_sentence(prepared, drawn):
    with pytest.raises(
        DataError, match=r"field motion of the phantom of noise .* expected finite float32 \(2, 32, 32\)"
    ):
        fields.of_phantom(replace(ORGAN, draw_fields=drawn), prepared, ["motion"], 0)
