"""Each card's include and subject rule over the published file list, as far as one was seen.

A file of ``listings`` has a line for each file: ``<subject> <path>`` for an image that is read, ``- <path>`` for what
is passed over (masks, other contrasts, tables).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mribench.data.cards import catalogue
from mribench.data.readers.folder import find_files
from mribench.data.readers.subjects import subjects_of

LISTINGS = {path.stem: path for path in sorted((Path(__file__).parent / "listings").glob("*.txt"))}
SHIPPED = catalogue.load_cards(catalogue.registry())
UNSEEN = "No list of the published files was seen"


@pytest.mark.parametrize("name", LISTINGS)
def test_images_are_read_masks_are_not_and_people_are_told_apart(name, tmp_path):
    lines = [line for line in LISTINGS[name].read_text().splitlines() if not line.startswith("#")]
    rows = [line.split(" ", 1) for line in lines]
    for _, path in rows:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    card = SHIPPED[name]
    found = find_files(tmp_path, card.include, card.chosen_reader)
    names = [file.relative_to(tmp_path).as_posix() for file in found]
    expected = {path: subject for subject, path in rows if subject != "-"}
    assert set(names) == set(expected)
    assert {
        path: subject for path, (subject, _) in subjects_of(tmp_path, names, card.path_pattern).items()
    } == (expected)


@pytest.mark.parametrize("name", [name for name, card in SHIPPED.items() if card.files])
def test_every_archive_card_says_which_files_are_images(name):
    assert SHIPPED[name].include


@pytest.mark.parametrize("name", [name for name, card in SHIPPED.items() if card.include])
def test_an_include_rule_was_run_over_a_list_or_the_card_says_that_none_was_seen(name):
    unseen = any(text.startswith(UNSEEN) for text in SHIPPED[name].caveats)
    assert (name in LISTINGS) != unseen


def test_what_is_fetched_was_run_over_a_list():
    fetched = {name: card for name, card in SHIPPED.items() if card.fetchable}
    assert len(fetched) >= 20
    # the series of a query are run over the index itself
    assert {name for name, card in fetched.items() if not card.query} <= set(LISTINGS)


def test_no_card_of_an_archive_leaves_masks_to_the_user():
    left = {
        name for name, card in SHIPPED.items() if "leave them out of the folder" in " ".join(card.caveats)
    }
    assert not [name for name in left if SHIPPED[name].files or name in LISTINGS]
