"""Organs that look right and are not: the kit says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from found import assert_refused, finding

from mribench.errors import InputError
from mribench.phantom import PhantomSlice
from mribench.plugins import lookup
from mribench.testing import modalities

ORGAN = lookup.load("modalities", lookup.names("modalities")[0])


def drawn(**changes):
    """The organ with another image, other labels or other parameters."""

    def phantom(seed, subject, slice, size=64):
        return ORGAN.phantom(seed, subject, slice, size)._replace(
            **{word: change(seed, subject, slice, size) for word, change in changes.items()}
        )

    return replace(ORGAN, phantom=phantom)


def flat(seed, subject, slice, size):
    return np.full((size, size), 0.5, np.float32)


def unseeded(seed, subject, slice, size):
    return np.random.default_rng().random((size, size)).astype(np.float32)


def per_slice(seed, subject, slice, size):
    return np.random.default_rng([seed, subject, slice]).random((size, size)).astype(np.float32)


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (modalities.it_says_what_it_is, replace(ORGAN, contrast=" "), "contrast is empty"),
        (modalities.it_says_what_it_is, replace(ORGAN, cards=("absent",)), "'absent' is not installed"),
        (modalities.it_says_what_it_is, replace(ORGAN, name="toe"), "and not 'toe'"),
        (modalities.its_phantom_keeps_the_contract, drawn(image=flat), "nearly flat"),
        (
            modalities.its_phantom_keeps_the_contract,
            drawn(image=lambda *at: 2 * per_slice(*at)),
            "grey values run from",
        ),
        (
            modalities.its_phantom_keeps_the_contract,
            drawn(image=lambda *at: per_slice(*at).astype(float)),
            "image float64",
        ),
        (
            modalities.its_phantom_keeps_the_contract,
            drawn(params=lambda *at: {"tissues": ["air"]}),
            "has 1 names",
        ),
        (
            modalities.its_phantom_keeps_the_contract,
            drawn(params=lambda *at: {"tissues": ["t"] * 99, "x": np.float32(1)}),
            "cannot be written as JSON",
        ),
        (
            modalities.its_phantom_is_a_function_of_its_arguments,
            drawn(image=unseeded),
            "two calls with the same arguments differ",
        ),
        (
            modalities.its_phantom_is_a_function_of_its_arguments,
            replace(ORGAN, phantom=lambda *at, size=64: ORGAN.phantom(0, 0, 0, size)),
            "another seed changes the image by only",
        ),
        (modalities.slices_of_a_subject_are_nearer_than_subjects, drawn(image=per_slice), "times as much"),
        (modalities.anatomy_does_not_depend_on_the_size, drawn(image=per_slice), "correlates by"),
        (modalities.prepared_subjects_are_disjoint_and_in_order, drawn(image=unseeded), "two preparations"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_organ_is_found(run, plugin, found):
    assert_refused(modalities.CHECKS, run, plugin, "modalities", found)


def halved(seed, subject, slice, size=64):
    """Subjects 1 and 2 are one person, 3 and 4 another."""
    return ORGAN.phantom(seed, (subject + 1) // 2, slice, size)


def constant(seed, subject, slice, size=64):
    """Subject 1 is subject 0."""
    return ORGAN.phantom(seed, max(subject, 1), slice, size)


def black_from_10(seed, subject, slice, size):
    image = ORGAN.phantom(seed, subject, slice, size).image
    return image if subject < 10 else 0 * image


def upside_down(seed, subject, slice, size):
    return ORGAN.phantom(seed, subject, slice, size).labels[::-1]


def of_another(seed, subject, slice, size):
    """Labels of pure chance, with the names of the organ."""
    tissues = int(ORGAN.phantom(seed, subject, slice, size).labels.max()) + 1
    return np.random.default_rng(subject).integers(0, tissues, (size, size), dtype=np.uint8)


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (
            modalities.its_phantom_is_a_function_of_its_arguments,
            replace(ORGAN, phantom=constant),
            "another subject changes the image by only 0.0000",
        ),
        (
            modalities.every_subject_is_a_person_of_its_own,
            replace(ORGAN, phantom=halved),
            "subjects 1 and 2 differ 0.00 times",
        ),
        (
            modalities.every_subject_is_a_person_of_its_own,
            drawn(image=black_from_10),
            "an image of subject 10 is nearly flat",
        ),
        (
            modalities.its_labels_lie_on_its_image,
            drawn(labels=upside_down),
            "fits the image better upside down",
        ),
        (modalities.its_labels_lie_on_its_image, drawn(labels=of_another), "times as much as elsewhere"),
    ],
    ids=["constant", "halved", "black", "upside down", "by chance"],
)
def test_an_organ_that_looks_right_is_found(run, plugin, found):
    assert_refused(modalities.CHECKS, run, plugin, "modalities", found)


def test_what_a_plugin_raises_is_a_finding_with_its_line():
    def raising(seed, subject, slice, size=64) -> PhantomSlice:
        raise ZeroDivisionError("no such bone")

    said = finding(
        modalities.CHECKS, modalities.its_phantom_keeps_the_contract, replace(ORGAN, phantom=raising)
    )
    assert said.state == "broken" and said.found == "ZeroDivisionError: no such bone"
    file, _, line = said.where.rpartition(":")
    assert file == __file__ and line == str(raising.__code__.co_firstlineno + 1)


def test_what_the_kit_of_phantoms_refuses_says_itself_how_to_mend_it():
    def unnamed(seed, subject, slice, size=64):
        raise InputError("the tissue 'skin' has no values; add it")

    run = modalities.its_phantom_keeps_the_contract
    assert "as the sentence says" in finding(modalities.CHECKS, run, replace(ORGAN, phantom=unnamed)).mend

    def needs_size(seed, subject, slice, size):
        return ORGAN.phantom(seed, subject, slice, size)

    assert finding(modalities.CHECKS, run, replace(ORGAN, phantom=needs_size)).found == "size has no default"
