"""``[[fields]]`` of a card: what they may say, and that they leave the images of every set alone."""

import re
from dataclasses import replace

import pytest

from mribench.data import load_cards, read_card
from mribench.data.cards import catalogue
from mribench.data.cards.card import CardField, digest
from mribench.data.cards.rules import as_text
from mribench.errors import DataError

SHIPPED = load_cards(catalogue.registry())
LABELS = (
    'name = "labels"\nkind = "labels"\nfiles = ["../labels/{name}"]\nnames = ["background", "left atrium"]'
)


def with_fields(tmp_path, *rows):
    """A shipped card with other fields."""
    text = (catalogue.registry() / "msd_heart.toml").read_text()
    text = re.sub(r"\[\[fields\]\]\n(?:\w+ = .*\n)+", "", text)
    (tmp_path / "msd_heart.toml").write_text("\n\n".join([text, *(f"[[fields]]\n{row}" for row in rows)]))
    return read_card(tmp_path / "msd_heart.toml")


def test_a_field_is_a_file_beside_the_image_or_a_frame_of_it(tmp_path):
    found = with_fields(tmp_path, LABELS, 'name = "t2w"\nkind = "image"\nframe = 3')
    assert found.fields == (
        CardField("labels", "labels", ("../labels/{name}",), 0, ("background", "left atrium")),
        CardField("t2w", "image", (), 3),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"labels"', '"Labels"', "name is 'Labels'; expected lower-case letters"),
        ('"labels"', '"slice"', "name is 'slice'"),
        ('kind = "labels"', 'kind = "map"', "kind is 'map'; expected one of image, labels, mask"),
        ('kind = "labels"', 'kind = "image"', "names is .*; expected the name of every value of image"),
        ('["background", "left atrium"]', "[]", r"names is \[\]; expected the name of every value of labels"),
        ('"../labels/{name}"', '"/data/{name}"', "files names '/data/{name}'; expected a path relative"),
        (
            '"../labels/{name}"',
            '"{subject}_labels.nii.gz"',
            "files names '{subject}_labels.nii.gz'; expected",
        ),
        ('files = ["../labels/{name}"]\n', "", "files and frame are missing"),
        ("names =", "frame = -1\nnames =", "frame is -1; expected a whole number"),
        ("names =", "values = [0, 3, 4]\nnames =", r"values is \[0, 3, 4\]; expected a rising number"),
        ("names =", "values = [2, 0]\nnames =", r"values is \[2, 0\]; expected a rising number"),
        ("names =", 'pattern = "x"\nnames =', "pattern is no field of a field"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, old, new, said):
    assert old in LABELS
    with pytest.raises(DataError, match=r"msd_heart\.toml: fields\[0\]\." + said):
        with_fields(tmp_path, LABELS.replace(old, new, 1))


def test_a_name_stands_once(tmp_path):
    with pytest.raises(DataError, match=r"fields are given for .*; expected each name once"):
        with_fields(tmp_path, LABELS, LABELS)


def test_fields_change_no_image_and_no_folder_of_images(tmp_path):
    plain, more = with_fields(tmp_path), with_fields(tmp_path, LABELS)
    assert as_text(plain) == as_text(more) and digest(plain) != digest(more)
    assert digest(plain) == digest(replace(more, fields=()))


def test_the_cards_that_come_with_masks_say_where_they_are():
    with_masks = {name for name, card in SHIPPED.items() if card.fields}
    named = {"msd_brain", "msd_heart", "msd_prostate", "amos22_mr", "chaos_mr", "dsb2018", "bbbc039", "acdc"}
    assert named <= with_masks
    for name in with_masks:
        caveats = " ".join(SHIPPED[name].caveats)
        facts = {fact for row in SHIPPED[name].evidence for fact in row.facts}
        assert "fields" in facts or ("`fields`" in caveats and "remembered" in caveats), name
