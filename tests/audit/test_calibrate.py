"""The calibration table: splits by subject, rows that are added to, pages that say what they are of."""

from dataclasses import replace

import numpy as np
import pytest

from mribench import files, profiles
from mribench.audit.verdict import VERSION
from mribench.calibration import calibrate, cheats, table
from mribench.errors import InputError
from mribench.plugins import lookup

ROW = {
    "audit": VERSION,
    "modality": "one",
    "scene": "all subjects",
    "generator": "replay",
    "kind": "cheat",
    "seed": 0,
    "data": "phantom",
    "data_kind": "phantom",
    "subjects": [100, 20],
    "verdict": "MEMORISES",
    "by_distance_alone": True,
    "n": 90,
    "detectable": 0.1,
}
HONEST = ROW | {"generator": "gaussian", "kind": "honest", "verdict": "not detected"}


def test_a_page_says_what_was_caught():
    rows = [ROW | {"seed": seed, "modality": organ} for seed in range(20) for organ in ("one", "two")]
    rows += [HONEST | {"seed": seed} for seed in range(20)] + [ROW | {"data_kind": "real", "data": "a set"}]
    page = table.markdown(rows)
    assert "| replay | cheat | 40 | 100.0% [91.2%, 100.0%] | 0.0% [0.0%, 8.8%] |" in page
    assert "| gaussian | honest | 20 | 0.0% [0.0%, 16.8%] |" in page and "| 20/20 | 20/20 |" in page
    assert "suspect or worse: 0 of 20 honest runs, 0.0% [0.0%, 16.8%]" in page
    assert "## Phantoms, all subjects" in page and "## Real images: a set, all subjects" in page


def test_rows_are_added_to_and_the_same_rows_give_the_same_bytes(tmp_path):
    assert table.read(tmp_path) == []
    table.write(tmp_path, [ROW])
    both = [*table.read(tmp_path), HONEST]
    first = [path.read_bytes() for path in table.write(tmp_path, both)]
    assert first == [path.read_bytes() for path in table.write(tmp_path, reversed(both))]
    assert table.seeds_of(both, "one", "phantom") == {0} and table.seeds_of(both, "one", "/a/folder") == set()


def test_rows_of_another_version_of_the_audit_are_not_added_to(tmp_path):
    table.write(tmp_path, [ROW, HONEST | {"audit": VERSION - 1}])
    assert table.read(tmp_path) == [ROW]


def test_rows_of_the_first_form_are_read_and_added_to(tmp_path):
    files.write_json(tmp_path / table.OLD_ROWS, [ROW])
    table.write(tmp_path, [*table.read(tmp_path), HONEST])
    assert table.read(tmp_path) == sorted([ROW, HONEST], key=lambda row: row["generator"])


@pytest.mark.parametrize("name", [table.ROWS, table.OLD_ROWS])
def test_damaged_rows_are_named(tmp_path, name):
    (tmp_path / name).write_bytes(b'[{"audit": ')
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        table.read(tmp_path)


def test_cheats_and_honest_generators_keep_their_contract():
    rng = np.random.default_rng(0)
    train, fresh = rng.integers(0, 256, (2, 20, 16, 16), dtype=np.uint8)
    for generate in {**cheats.CHEATS, **cheats.HONEST}.values():
        images = generate(train, fresh, 20, np.random.default_rng(1))
        assert images.shape == (20, 16, 16) and images.dtype == np.uint8
        assert (images == generate(train, fresh, 20, np.random.default_rng(1))).all()
    mixed = list(cheats.CHEATS.values())[-1](train, fresh, 20, rng)
    copied = [any((image == other).all() for other in train) for image in mixed]
    assert sum(copied) == 2


@pytest.mark.slow
def test_one_seed_of_one_organ():
    modality = lookup.load("modalities", lookup.names("modalities")[0])
    profile = replace(profiles.get("smoke"), phantom_subjects=240, max_images=1000)
    extract = calibrate.extractor(lookup.load)
    (rows,) = calibrate.runs(modality, "phantom", profile, [3], extract, lookup.load("variants", "ddpm"), 4)
    caught = {row["generator"] for row in rows if row["verdict"] == "MEMORISES"}
    assert caught == set(cheats.CHEATS)
    few = [row for row in rows if row["scene"] == "few subjects"]
    assert {tuple(row["subjects"]) for row in few} == {(40, 20)}
    assert any(row["auroc"] is not None for row in rows)
    assert [row["seed"] for row in rows] == [3] * len(rows)
