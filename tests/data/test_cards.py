from __future__ import annotations

import re

import pytest

from mribench.data.cards import ACCESS, load_cards, read_card
from mribench.errors import DataError

CARD = """
id = "x"
title = "X"
organ = "brain"
contrast = "T1w"
subjects = 3
images = "unverified"
licence = "CC0-1.0"
access = "open"
how_to_apply = "nothing to sign"
homepage = "https://example.org"
citation = "unverified"

[[files]]
url = "https://example.org/x.zip"
sha256 = "{sha}"
bytes = 10
""".format(sha="0" * 64)


def card(tmp_path, text):
    (tmp_path / "x.toml").write_text(text)
    return read_card(tmp_path / "x.toml")


def test_shipped_cards_are_complete():
    cards = load_cards()
    assert {"ixi_t1", "dsb2018", "spider", "acdc"} <= set(cards)
    for name, found in cards.items():
        assert found.id == name and found.access in ACCESS and found.homepage.startswith("https://")
        assert found.caveats or found.subject_pattern, name


@pytest.mark.parametrize(
    "name, path, subject",
    [
        ("ixi_t1", "IXI002-Guys-0828-T1.nii.gz", "002"),
        ("spider", "images/1_t1.nii.gz", "1"),
        ("spider", "images/12_t2_SPACE.nii.gz", "12"),
        ("acdc", "training/patient001/patient001_frame01.nii.gz", "patient001"),
        ("shefpah179", "SA/Subject_12/Phase_1.dcm", "12"),
        ("neurite_oasis2d", "OAS1_0001_MR1/slice.nii.gz", "0001"),
        ("dsb2018", "dsb2018/train/images/ab12.tif", "ab12"),
        ("scd", "SCD0000101/a.dcm", "SCD0000101"),
    ],
)
def test_shipped_patterns_find_the_subject(name, path, subject):
    match = re.search(load_cards()[name].subject_pattern, path)
    assert match and match.group(1) == subject


def test_a_card_is_read(tmp_path):
    found = card(tmp_path, CARD)
    assert (found.subjects, found.images, found.fetchable) == (3, None, True)
    assert found.files[0].bytes == 10


@pytest.mark.parametrize(
    "old, new",
    [
        ('access = "open"', 'access = "agreement"'),
        ("0" * 64, "unverified"),
        ('access = "open"', 'access = "open"\nmanual = true'),
    ],
)
def test_what_cannot_be_checked_or_had_freely_is_not_fetched(tmp_path, old, new):
    assert not card(tmp_path, CARD.replace(old, new)).fetchable


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('title = "X"', "", "title is None; expected text"),
        ('title = "X"', 'title = ""', "title is ''"),
        ("subjects = 3", "subjects = -1", "subjects is -1; expected a positive number"),
        ("subjects = 3", "subjects = true", "subjects is True"),
        ('access = "open"', 'access = "free"', "access is 'free'; expected one of open"),
        ('id = "x"', 'id = "y"', "id is 'y'; expected the file's name"),
        ("0" * 64, "abc", r"files\[0\]\.sha256 is 'abc'"),
        ("https://example.org/x.zip", "ftp://x", r"files\[0\]\.url is 'ftp://x'"),
        ("bytes = 10", "bytes = 0", r"files\[0\]\.bytes is 0"),
        ('title = "X"', 'title = "X"\nlicense = "x"', "license is no field of a card"),
        ('title = "X"', 'title = "X"\nsubject_pattern = "("', "subject_pattern is '\\('"),
        ('title = "X"', 'title = "X"\ncaveats = "x"', "caveats is 'x'; expected a list"),
        ('title = "X"', 'title = "X"\nmanual = "yes"', "manual is 'yes'; expected true or false"),
        ('title = "X"', "title = X", "not valid TOML"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, old, new, message):
    with pytest.raises(DataError, match=rf"x\.toml.*{message}"):
        card(tmp_path, CARD.replace(old, new))
