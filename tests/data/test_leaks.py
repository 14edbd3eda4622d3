"""Every way we could think of to bring one person to both sides of a split."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mribench.data import prepare_data
from mribench.data.cards import catalogue, pseudonyms
from mribench.data.cards.card import DatasetCard, Overlap
from mribench.data.cards.rules import kept
from mribench.data.source import families
from mribench.data.split import SPLITS, assign, assign_all
from mribench.errors import DataError

PEOPLE = [f"p{i}" for i in range(12)]
BASE = DatasetCard(
    id="a",
    title="A",
    organ="brain",
    contrast="T1w",
    subjects=None,
    images=None,
    licence="CC0-1.0",
    access="open",
    how_to_apply="nothing",
    homepage="https://example.org",
    citation="unverified",
    subject="pattern",
    subject_pattern=r"(p\d+)",
    reader="image",
)


def sides(prepared):
    """subject -> splits that hold it."""
    found = {}
    for name in SPLITS:
        for subject in getattr(prepared, name).subjects:
            found.setdefault(subject, set()).add(name)
    return found


def origins(prepared):
    """image bytes -> splits that hold them."""
    found = {}
    for name in SPLITS:
        for image in getattr(prepared, name).images:
            found.setdefault(image.tobytes(), set()).add(name)
    return found


@pytest.fixture
def installed(tmp_path, monkeypatch, pictures):
    """``installed(card, names)``: the card, and one picture per name where a user would have put it."""
    cards = {}
    monkeypatch.setenv("MRIBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(
        catalogue, "entries", lambda: [catalogue.Entry(n, "test", c) for n, c in cards.items()]
    )

    def make(card, names, seed=0):
        cards[card.id] = card
        for name, picture in zip(names, pictures(len(names), seed), strict=True):
            path = tmp_path / "home" / "datasets" / card.id / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)

    return make


@pytest.fixture
def prepared(tmp_path, modality, profile):
    return lambda data="a": prepare_data(modality, data, profile, tmp_path / "out")


def test_repeat_scans_share_the_subject_of_the_pattern(installed, prepared):
    installed(BASE, [f"visit{v}/{p}_{v}.png" for p in PEOPLE for v in range(3)])
    found = sides(prepared())
    assert sorted(found) == sorted(PEOPLE) and all(len(split) == 1 for split in found.values())


def test_a_copy_under_another_name_is_dropped(installed, prepared, tmp_path):
    installed(BASE, [f"{p}_0.png" for p in PEOPLE])
    folder = tmp_path / "home/datasets/a"
    for i, p in enumerate(PEOPLE):  # everybody once more, as somebody else
        (folder / f"p{100 + i}_0.png").write_bytes((folder / f"{p}_0.png").read_bytes())
    found = origins(prepared())
    assert len(found) == len(PEOPLE) and all(len(splits) == 1 for splits in found.values())


def test_a_shared_image_stays_on_one_side(installed, prepared, tmp_path):
    installed(BASE, [f"{p}_{k}.png" for p in PEOPLE for k in range(2)])
    folder = tmp_path / "home/datasets/a"
    for p in PEOPLE[1:]:  # the same scout image in everybody's folder
        (folder / f"{p}_9.png").write_bytes((folder / "p0_0.png").read_bytes())
    found = origins(prepared())
    assert len(found) == 24 and all(len(splits) == 1 for splits in found.values())


def test_a_file_that_the_pattern_does_not_know_is_refused(installed, prepared):
    installed(BASE, [*(f"{p}.png" for p in PEOPLE), "someone.png"])
    with pytest.raises(DataError, match=r"someone\.png does not match the card's subject_pattern"):
        prepared()


def test_the_same_people_in_two_cards_share_a_side(installed, prepared):
    a = replace(BASE, overlaps=(Overlap("b", "same ids"),))
    b = replace(BASE, id="b", overlaps=(Overlap("a", "same ids"),))
    installed(a, [f"{p}_a.png" for p in PEOPLE])
    installed(b, [f"{p}_b.png" for p in PEOPLE[:6]], seed=1)
    found = sides(both := prepared("a+b"))
    assert sorted(found) == sorted(f"a:{p}" for p in PEOPLE) and all(len(s) == 1 for s in found.values())
    assert both.name == "a+b" and sum(len(getattr(both, name)) for name in SPLITS) == 18


def test_an_overlap_told_by_one_card_only_counts(installed, prepared):
    installed(replace(BASE, overlaps=(Overlap("b", "same ids"),)), [f"{p}.png" for p in PEOPLE])
    installed(replace(BASE, id="b"), [f"{p}.png" for p in PEOPLE], seed=1)
    for joined in ("a+b", "b+a"):
        assert len(sides(prepared(joined))) == len(PEOPLE)


def test_equal_ids_of_different_people_are_different_people(installed, prepared):
    installed(BASE, [f"{p}.png" for p in PEOPLE])
    installed(replace(BASE, id="b"), [f"{p}.png" for p in PEOPLE], seed=1)
    assert len(sides(prepared("a+b"))) == 2 * len(PEOPLE)


def test_overlap_through_a_third_card():
    a = replace(BASE, overlaps=(Overlap("b", "same ids"),))
    b = replace(BASE, id="b", overlaps=(Overlap("c", "same ids"),))
    c, d = replace(BASE, id="c"), replace(BASE, id="d")
    for order in ([a, b, c, d], [d, c, b, a], [c, a, d, b]):
        family = families(order)
        assert family["a"] == family["b"] == family["c"] != family["d"]


def test_people_that_cannot_be_matched_are_never_combined(installed, prepared):
    installed(replace(BASE, overlaps=(Overlap("b", "unmatched", "copies of it"),)), ["p1.png"])
    installed(replace(BASE, id="b"), ["p1.png"])
    for joined in ("a+b", "b+a"):
        with pytest.raises(DataError, match=r"a and b show some of the same people .*\(copies of it\)"):
            prepared(joined)
    with pytest.raises(DataError, match="named twice"):
        prepared("a+a")


def test_every_shipped_pair_that_overlaps_is_united_or_refused():
    cards = catalogue.load_cards(catalogue.registry())
    for card in cards.values():
        for overlap in card.overlaps:
            pair = [card, cards[overlap.card]]
            if overlap.subjects == "unmatched":
                with pytest.raises(DataError):
                    families(pair)
            else:
                assert len(set(families(pair).values())) == 1


@pytest.mark.parametrize("slow, quick", [("ixi_t1", "ixi_tiny"), ("oasis1", "neurite_oasis2d")])
def test_same_ids_are_read_from_names_in_the_same_way(slow, quick):
    cards = catalogue.load_cards(catalogue.registry())
    assert cards[slow].subject_pattern == cards[quick].subject_pattern


def test_strata_stand_in_every_split_and_move_no_one_else():
    subjects = {f"s{i}": "large" if i < 60 else f"site{i % 8}" for i in range(100)}
    splits, _ = assign_all(subjects, 0, subjects)
    for stratum in set(subjects.values()):
        members = [s for s, where in subjects.items() if where == stratum]
        assert {splits[s] for s in members} == set(SPLITS), stratum
    moved = [s for s in subjects if splits[s] != assign(s)]
    assert len(moved) < 15 and all(subjects[s] != "large" for s in moved)
    grown, _ = assign_all([*subjects, "new"], 0, subjects | {"new": "large"})
    assert {s: grown[s] for s in subjects} == splits


def test_strata_of_one_or_two_never_break_a_split():
    names = [f"s{i}" for i in range(7)]
    splits, _ = assign_all(names, 0, {name: name for name in names})
    assert set(splits.values()) == set(SPLITS)


def test_a_card_stratifies_by_site(installed, prepared):
    card = replace(BASE, stratify_pattern=r"p\d+-([a-z]+)", subject_pattern=r"(p\d+)-")
    installed(card, [f"{site}/p{10 * i + k}-{site}.png" for k, site in enumerate("xyz") for i in range(5)])
    found = sides(prepared())
    for k in range(3):
        assert {next(iter(found[f"p{10 * i + k}"])) for i in range(5)} == set(SPLITS)


def test_one_person_seen_at_two_sites_has_one_side(installed, prepared):
    card = replace(BASE, stratify_pattern=r"^([a-z]+)")
    installed(card, [f"{site}/{p}_{site}.png" for p in PEOPLE for site in ("xx", "yy")])
    assert all(len(split) == 1 for split in sides(prepared()).values())


def test_folders_are_no_subjects_where_the_card_wants_a_table(installed, prepared, tmp_path):
    names = [f"plate{i % 3}/{i}.png" for i in range(12)]
    installed(replace(BASE, subject="metadata", subject_pattern=None), names)
    with pytest.raises(DataError, match=r"a does not tell its subjects .* write metadata\.csv"):
        prepared()
    rows = [f"{name},p{i % 6}" for i, name in enumerate(names)]
    table = tmp_path / "home/datasets/a/metadata.csv"
    table.write_text("\n".join(["file_name,subject", *rows]))
    assert sorted(sides(prepared())) == [f"p{i}" for i in range(6)]


def test_folders_are_no_subjects_where_the_files_say_who(installed, prepared):
    installed(replace(BASE, subject="field", subject_pattern=None), ["x/1.png"])
    with pytest.raises(DataError, match=r"x/1\.png has a format that names no patient"):
        prepared()


# subjects that nobody knows


def test_unknown_subjects_run_marked(installed, prepared):
    installed(replace(BASE, subject="unknown", subject_pattern=None), [f"x/{i}.png" for i in range(20)])
    made = prepared()
    assert made.manifest["subjects_known"] is False and len(sides(made)) == 20


def test_ungrouped_repeats_count_as_unknown(installed, prepared):
    installed(replace(BASE, repeat_scans="ungrouped"), [f"{p}.png" for p in PEOPLE])
    assert prepared().manifest["subjects_known"] is False


def test_one_unknown_part_marks_the_whole(installed, prepared):
    installed(BASE, [f"{p}.png" for p in PEOPLE])
    installed(replace(BASE, id="b", subject="unknown", subject_pattern=None), ["q1.png", "q2.png"], seed=3)
    assert prepared("a+b").manifest["subjects_known"] is False


def test_a_user_may_say_unknown(prepared, npz):
    made = prepared(str(npz(["unknown"] * 20)))
    assert made.manifest["subjects_known"] is False and len(sides(made)) == 20
    assert prepared(str(npz(PEOPLE, name="known.npz"))).manifest["subjects_known"] is True


def test_unknown_beside_known_is_one_subject_as_before(prepared, npz):
    made = prepared(str(npz([*PEOPLE, "unknown", "unknown"])))
    assert made.manifest["subjects_known"] is True and len(sides(made)["unknown"]) == 1


# what a published split gives away


def test_ids_are_hashed_where_they_must_not_be_published(installed, prepared):
    installed(BASE, [f"{p}.png" for p in PEOPLE])
    made = prepared()
    table = pseudonyms.split_table(made)
    said = json.dumps(table)
    assert not any(f'"{p}"' in said for p in PEOPLE) and table == pseudonyms.split_table(prepared())
    shown = [name for names in table["splits"].values() for name in names]
    assert len(set(shown)) == len(PEOPLE) and all(len(name) == 64 for name in shown)


def test_the_salt_is_the_data(installed, prepared, npz):
    one = pseudonyms.aliases(prepared(str(npz(PEOPLE))))
    other = pseudonyms.aliases(
        prepared(str(npz(PEOPLE, name="b.npz", images=np.roll(np.load(npz(PEOPLE))["images"], 1, axis=0))))
    )
    assert set(one) == set(other) and not set(one.values()) & set(other.values())


def test_public_ids_stay_readable(installed, prepared):
    installed(replace(BASE, publish_subjects=True), [f"{p}.png" for p in PEOPLE])
    assert set(pseudonyms.aliases(prepared()).values()) == set(PEOPLE)
    assert pseudonyms.may_show_ids(prepared("phantom"))


# the rest of a card's word


@pytest.mark.parametrize(
    ("rule", "n", "expected"),
    [("all", 5, (0, 5)), ("middle 0.5", 8, (2, 6)), ("middle 0.5", 1, (0, 1)), ("middle 0.01", 9, (4, 5))],
)
def test_slices_are_taken_by_rule(rule, n, expected):
    assert kept(rule, n) == expected


def test_another_organ_is_refused(installed, prepared):
    installed(replace(BASE, organ="knee", other_organs=("hip",)), [f"{p}.png" for p in PEOPLE])
    with pytest.raises(DataError, match="The card a shows knee, hip, not brain; choose another card"):
        prepared()


def test_another_card_makes_another_folder(installed, prepared):
    installed(BASE, [f"{p}.png" for p in PEOPLE])
    first = prepared()
    installed(replace(BASE, slices="middle 0.5"), [])
    assert prepared().path != first.path and first.manifest["cards"]["a"] != prepared().manifest["cards"]["a"]


def test_a_card_may_ask_to_drop_what_nearly_stands_in_two_splits(installed, prepared, tmp_path):
    names = [f"{p}_0.png" for p in PEOPLE]
    installed(BASE, names)
    folder = tmp_path / "home/datasets/a"
    for i, p in enumerate(PEOPLE):  # everybody once more, as somebody else, a little darker
        picture = np.asarray(Image.open(folder / f"{p}_0.png"))
        noise = np.random.default_rng(i).integers(0, 9, picture.shape)
        Image.fromarray(np.where(picture > 9, picture - noise, 0).astype(np.uint8)).save(
            folder / f"p{100 + i}_0.png"
        )
    told = prepared()
    n = told.manifest["near_duplicates_across_splits"]
    installed(replace(BASE, near_duplicates="drop"), [])
    made = prepared()
    dropped = made.manifest["dropped_counts"]["nearly the same as an image in another split"]
    assert n == dropped > 0 and made.manifest["near_duplicates_across_splits"] == 0
    assert made.key != told.key and made.test.images.tobytes() == told.test.images.tobytes()
    assert len(told.train) + len(told.validation) - dropped == len(made.train) + len(made.validation)
    assert made.manifest["near_duplicates"] == "drop"


def test_a_card_may_ask_for_black_air(installed, prepared):
    installed(replace(BASE, foreground="threshold"), [f"{p}.png" for p in PEOPLE])
    assert {w["foreground"] for w in prepared().manifest["windows"]} == {"threshold"}
