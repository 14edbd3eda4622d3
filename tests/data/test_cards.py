from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from mribench.data.cards import catalogue
from mribench.data.cards.card import (
    ADDED,
    CardFile,
    Condition,
    DatasetCard,
    Evidence,
    Masks,
    Overlap,
    Query,
    digest,
)
from mribench.data.cards.parse import read_card
from mribench.data.cards.rules import as_text
from mribench.errors import DataError

CARD = """
id = "x"
title = "X"
organ = "brain"
contrast = "T1w"
dimensions = "3D"
subjects = 3
images = "unverified"
format = ".nii.gz in a zip"
licence = "CC0-1.0"
redistributable = true
commercial = true
derived = true
access = "open"
how_to_apply = "nothing to sign"
homepage = "https://example.org"
citation = "unverified"
reader = "nifti"
slices = "all"
spacing_unit = "mm"
subject = "folder"
repeat_scans = "none"

[[files]]
url = "https://example.org/x.zip"
sha256 = "{sha}"
bytes = 10

[[overlaps]]
card = "y"
subjects = "same ids"
""".format(sha="0" * 64)
SEEN = '[[evidence]]\nfacts = ["licence"]\nsource = "its page"\nchecked = 2026-11-21'


def card(tmp_path, text):
    (tmp_path / "x.toml").write_text(text)
    return read_card(tmp_path / "x.toml")


def test_a_card_is_read(tmp_path):
    found = card(tmp_path, CARD)
    assert (found.subjects, found.images, found.fetchable) == (3, None, True)
    assert found.files == (CardFile("https://example.org/x.zip", "0" * 64, 10),)
    assert found.overlaps == (Overlap("y", "same ids"),)


def test_what_changes_the_images_is_asked_for(tmp_path):
    plain = card(tmp_path, CARD)
    assert (plain.foreground, plain.near_duplicates) == ("none", "report")
    more = 'slices = "all"\nforeground = "threshold"\nnear_duplicates = "drop"'
    found = card(tmp_path, CARD.replace('slices = "all"', more))
    assert (found.foreground, found.near_duplicates) == ("threshold", "drop")
    # the name of a folder that is there already
    assert as_text(plain) == "('folder', None, 'all', None)"
    assert len({as_text(one) for one in (plain, found, replace(found, foreground="none"))}) == 3


def test_mirrors_and_a_foreign_checksum(tmp_path):
    more = f'bytes = 10\nmirrors = ["https://a.org/x.zip"]\nmd5 = "{"1" * 32}"'
    (file,) = card(tmp_path, CARD.replace("bytes = 10", more)).files
    assert (file.mirrors, file.md5) == (("https://a.org/x.zip",), "1" * 32)


def test_unverified_is_none_and_never_a_guess(tmp_path):
    text = CARD.replace('licence = "CC0-1.0"', 'licence = "its own terms"')
    for name, value in (("commercial", "true"), ("reader", '"nifti"'), ("repeat_scans", '"none"')):
        text = text.replace(f"{name} = {value}", f'{name} = "unverified"')
    found = card(tmp_path, text)
    assert (found.commercial, found.reader, found.repeat_scans) == (None, None, None)


@pytest.mark.parametrize(
    "old, new",
    [
        ('access = "open"', 'access = "registration"'),
        ("0" * 64, "unverified"),
        ('access = "open"', 'access = "open"\nmanual = true'),
    ],
)
def test_what_cannot_be_checked_or_had_freely_is_not_fetched(tmp_path, old, new):
    assert not card(tmp_path, CARD.replace(old, new)).fetchable


@pytest.mark.parametrize("field", [field.name for field in fields(DatasetCard) if field.name != "id"])
def test_every_field_enters_the_digest(tmp_path, field):
    found = card(tmp_path, CARD)
    assert digest(replace(found, **{field: "changed"})) != digest(found)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('title = "X"', "", "title is None; expected text"),
        ('title = "X"', 'title = ""', "title is ''"),
        ("subjects = 3", "subjects = -1", "subjects is -1; expected a positive number"),
        ("subjects = 3", "subjects = true", "subjects is True"),
        ('access = "open"', 'access = "free"', "access is 'free'; expected one of open"),
        ('access = "open"', 'access = "agreement"', "files holds an address, but access is 'agreement'"),
        ('id = "x"', 'id = "y"', "id is 'y'; expected the file's name"),
        ("0" * 64, "abc", r"files\[0\]\.sha256 is 'abc'"),
        ("https://example.org/x.zip", "ftp://x", r"files\[0\]\.url is 'ftp://x'"),
        ("bytes = 10", "bytes = 0", r"files\[0\]\.bytes is 0"),
        ("bytes = 10", 'bytes = 10\nmirrors = ["x"]', r"files\[0\]\.mirrors is 'x'"),
        ("bytes = 10", 'bytes = 10\nmd5 = "x"', r"files\[0\]\.md5 is 'x'"),
        ("bytes = 10", "size = 10", r"files\[0\]\.size is no field of a file"),
        ('subjects = "same ids"', 'subjects = "some"', r"overlaps\[0\]\.subjects is 'some'"),
        ('card = "y"', 'card = "x"', "overlaps names the card itself"),
        ('title = "X"', 'title = "X"\nlicense = "x"', "license is no field of a card"),
        ('subject = "folder"', 'subject = "pattern"', "subject_pattern is None; expected a subject_pattern"),
        ('subject = "folder"', 'subject = "folder"\nsubject_pattern = "a"', "subject is 'folder' and"),
        ('title = "X"', 'title = "X"\nsubject_pattern = "("', "subject_pattern is '\\('"),
        ('title = "X"', 'title = "X"\nsubject_pattern = "(a)(b)"', "at most one group"),
        ('title = "X"', 'title = "X"\nstratify_pattern = 3', "stratify_pattern is 3"),
        ('title = "X"', 'title = "X"\ncaveats = "x"', "caveats is 'x'; expected a list"),
        ('title = "X"', 'title = "X"\nmanual = "yes"', "manual is 'yes'; expected true or false"),
        ('"all"', '"middle 1.5"', "slices is 'middle 1.5'; expected 'all' or"),
        ('"all"', '"middle 0.0"', "slices is 'middle 0.0'"),
        (
            'title = "X"',
            'title = "X"\nforeground = "otsu"',
            "foreground is 'otsu'; expected one of none, threshold",
        ),
        (
            'title = "X"',
            'title = "X"\nnear_duplicates = true',
            "near_duplicates is True; expected one of report",
        ),
        ('dimensions = "3D"', 'dimensions = "4D"', "dimensions is '4D'; expected one of 2D"),
        ('reader = "nifti"', 'reader = "nii"', "reader is 'nii'"),
        ("commercial = true", 'commercial = "yes"', "commercial is 'yes'; expected true, false or"),
        ("commercial = true", "commercial = false", "commercial is False, but CC0-1.0 says True"),
        ('"CC0-1.0"', '"CC-BY-NC-4.0"', "commercial is True, but CC-BY-NC-4.0 says False"),
        ('"CC0-1.0"', '"CC-BY-ND-4.0"', "derived is True, but CC-BY-ND-4.0 says False"),
        ('"https://example.org"', '"example.org"', "homepage is 'example.org'"),
        ('title = "X"', "title = X", "not valid TOML"),
        ('title = "X"', 'title = "X"\nmodality = "CT"', "modality is 'CT'; expected one of MRI, microscopy"),
        ('title = "X"', 'title = "X"\nfield_strength = 3', r"field_strength is 3; expected a list of tesla"),
        ('title = "X"', 'title = "X"\ndefaced = "skull"', "defaced is 'skull'; expected true, false or"),
        ('title = "X"', 'title = "X"\nlabels = "masks"', "labels is 'masks'; expected a list"),
        (
            "https://example.org/x.zip",
            "https://figshare.com/ndownloader/files/1",
            r"files\[0\]\.url is .*; expected https://ndownloader\.figshare\.com/files/NUMBER",
        ),
        (
            "[[overlaps]]",
            '[[masks]]\norgan = "hip"\nfiles = ["a"]\n[[overlaps]]',
            "masks are given for .*hip",
        ),
        ("[[overlaps]]", '[[masks]]\norgan = "brain"\nfiles = ["/a"]\n[[overlaps]]', r"masks\[0\]\.files is"),
        (
            "[[overlaps]]",
            f"{SEEN.replace('licence', 'license')}\n[[overlaps]]",
            r"evidence\[0\]\.facts is .*license",
        ),
        (
            "[[overlaps]]",
            SEEN.replace("2026-11-21", '"today"') + "\n[[overlaps]]",
            r"evidence\[0\]\.checked is 'today'",
        ),
    ],
)
def test_a_wrong_field_is_named(tmp_path, old, new, message):
    assert old in CARD
    with pytest.raises(DataError, match=rf"x\.toml.*{message}"):
        card(tmp_path, CARD.replace(old, new))


def test_the_readme_explains_every_field():
    text = (catalogue.registry() / "README.md").read_text()
    parts = [
        part
        for kind in (DatasetCard, CardFile, Query, Condition, Overlap, Masks, Evidence)
        for part in fields(kind)
    ]
    assert [part.name for part in parts if f"`{part.name}`" not in text] == []


QUERY = """
[query]
source = "idc"
index = "25.0.5"
collections = ["c"]
series = 1
bytes = 1
sha256 = "{sha}"
[[query.where]]
column = "Modality"
matches = "^MR$"
[[query.where]]
column = "instanceCount"
at_least = 10
""".format(sha="1" * 64)
ASKING = CARD[: CARD.index("[[files]]")].replace('"folder"', '"patient_id"') + QUERY


def test_a_query_takes_the_place_of_files(tmp_path):
    found = card(tmp_path, ASKING)
    assert found.fetchable and found.query.where[1] == Condition("instanceCount", at_least=10)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"patient_id"', '"folder"', "query chooses DICOM series; leave files out, and say subject"),
        ('access = "open"', 'access = "agreement"', "query chooses series of an archive, but access is"),
        ('"idc"', '"tcia"', "query.source is 'tcia'; expected one of idc"),
        ('["c"]', "[]", "query.collections is empty"),
        ("series = 1", "series = 0", "query.series is 0; expected a positive number"),
        ("1" * 64, "unverified", "query.sha256 is 'unverified'; expected 64 hex digits"),
        (
            'matches = "^MR$"',
            "",
            r"query\.where\[0\]\.column has .*expected one of matches, lacks and at_least",
        ),
        ('matches = "^MR$"', 'lacks = "("', r"query\.where\[0\]\.lacks is '\(', no regular expression"),
        ("at_least = 10", 'at_least = "ten"', r"query\.where\[1\]\.at_least is 'ten'; expected a number"),
        ("series = 1", "series = 1\nsql = 1", "query.sql is no field of a query"),
    ],
)
def test_a_wrong_field_of_a_query_is_named(tmp_path, old, new, message):
    assert old in ASKING
    with pytest.raises(DataError, match=rf"x\.toml.*{message}"):
        card(tmp_path, ASKING.replace(old, new))


def test_evidence_names_facts_source_and_day(tmp_path):
    found = card(tmp_path, f"{CARD}\n{SEEN}")
    assert found.evidence == (Evidence(("licence",), "its page", "2026-11-21"),)


def test_fields_that_came_later_leave_the_digests_of_other_cards_alone(tmp_path):
    """The digest of a card without them, as computed before they existed."""
    found = card(tmp_path, CARD)
    old = {name: value for name, value in asdict(found).items() if name not in ADDED}
    assert digest(found) == hashlib.sha256(json.dumps(old, sort_keys=True).encode()).hexdigest()
    for added in ({"masks": (Masks("brain", ("a",)),)}, {"defaced": False}, {"version": "2"}):
        assert digest(replace(found, **added)) != digest(found)


def test_a_missing_file_is_one_sentence():
    with pytest.raises(DataError, match=r"absent\.toml cannot be read"):
        read_card(Path("absent.toml"))
