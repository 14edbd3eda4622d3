"""Organs whose fields look right and are not: the kit says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from found import assert_refused

from mribench.plugins import lookup
from mribench.spec import Field
from mribench.testing import organ_fields

ORGAN = next(
    organ for organ in lookup.load_all("modalities", lookup.names("modalities")).values() if organ.fields
)
CONTRACT = organ_fields.its_fields_keep_the_contract
SAME = organ_fields.its_fields_show_the_same_slice
LESIONS = organ_fields.its_lesions_are_where_their_masks_are


def drawn(change):
    """The organ with other fields; ``change`` takes what was drawn and (seed, subject, slice, size, names)."""

    def draw_fields(*at):
        return change(dict(ORGAN.draw_fields(*at)), at)

    return replace(ORGAN, draw_fields=draw_fields)


def changed(name, make):
    return drawn(lambda found, at: {**found, name: make(found[name], at)} if name in found else found)


def other_subject(name):
    return changed(name, lambda _, at: ORGAN.draw_fields(at[0], at[1] + 50, *at[2:4], [name])[name])


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (CONTRACT, replace(ORGAN, draw_fields=None), "fields and draw_fields is None"),
        (CONTRACT, replace(ORGAN, fields=(*ORGAN.fields, Field("T2w", "image"))), "the fields are called"),
        (CONTRACT, replace(ORGAN, fields=(Field("labels", "image"),)), "'labels' is of kind 'image'"),
        (CONTRACT, replace(ORGAN, fields=(Field("lesion", "mask"),)), "it has lesion"),
        (CONTRACT, drawn(lambda found, at: {"clean": found.get("clean")}), "it draws clean"),
        (CONTRACT, changed("clean", lambda one, at: one.astype(np.float64)), "field 'clean' is float64"),
        (CONTRACT, changed("lesion", lambda one, at: one * 255), "values from 0 to 255"),
        (
            CONTRACT,
            changed("abnormal", lambda one, at: one * np.float32(1 - 0.1 * (len(at[4]) > 1))),
            "field 'abnormal' alone differs",
        ),
        (SAME, other_subject("labels"), "across the edges of the field labels"),
        (SAME, other_subject("t2w"), "edges of t2w agree with those of the image"),
        (SAME, changed("t2w", lambda _, at: ORGAN.phantom(*at[:3], size=at[3]).image), "is the image itself"),
        (
            SAME,
            changed("clean", lambda one, at: ORGAN.phantom(*at[:3], size=at[3]).image),
            "1.00 times as rough",
        ),
        (LESIONS, changed("lesion", lambda one, at: one * 0), "a lesion is in 0% of the slices"),
        (LESIONS, changed("lesion", lambda one, at: np.flip(one, 1)), "differs from its twin by"),
        (
            LESIONS,
            changed(
                "abnormal",
                lambda one, at: np.where(
                    ORGAN.draw_fields(*at[:4], ["lesion"])["lesion"] > 0,
                    one,
                    ORGAN.draw_fields(*at[:4], ["healthy"])["healthy"],
                ),
            ),
            "equals its twin to the bit",
        ),
    ],
)
def test_fields_that_break_the_contract_are_refused(run, plugin, found):
    assert "t2w" in {field.name for field in ORGAN.fields}
    assert_refused(organ_fields.CHECKS, run, plugin, "modalities", found)


@pytest.mark.parametrize(
    ("kind", "make", "found"),
    [
        ("image", np.zeros((2, 48, 48), np.float32), "'motion' is of kind 'image'"),
        ("displacement", np.zeros((48, 48), np.float32), "'motion' is float32 (32, 32)"),
        ("displacement", np.full((2, 48, 48), np.nan, np.float32), "'motion' is float32 (2, 32, 32)"),
    ],
)
def test_a_displacement_that_breaks_the_contract_is_refused(kind, make, found):
    def draw_fields(*at):
        others = dict(ORGAN.draw_fields(*at[:4], [name for name in at[4] if name != "motion"]))
        size = at[3]
        return others | ({"motion": make[..., :size, :size]} if "motion" in at[4] else {})

    plugin = replace(ORGAN, fields=(*ORGAN.fields, Field("motion", kind)), draw_fields=draw_fields)
    assert_refused(organ_fields.CHECKS, CONTRACT, plugin, "modalities", found)
