"""The calibration table: splits by subject, rows that are added to, pages that say what they are of."""

from pathlib import Path

import numpy as np
import pytest

from mribench import files, profiles
from mribench.audit.verdict import VERSION
from mribench.calibration import calibrate, cheats, table
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.spec import AuditVerdict, Prepared, Split

KEPT = Path(__file__).parents[2] / "leaderboards" / "audit"
ROW = {
    "audit": VERSION,
    "modality": "one",
    "scene": "all subjects",
    "generator": "replay",
    "kind": "train",
    "seed": 0,
    "data": "phantom",
    "data_kind": "phantom",
    "subjects": [100, 20],
    "verdict": "MEMORISES",
    "by_distance_alone": True,
    "n": 90,
    "distinct": 80,
    "copy_rate": 1.0,
    "least_share": 0.1,
}
HONEST = ROW | {"generator": "gaussian", "kind": "honest", "verdict": "not detected"}


def test_a_page_says_what_was_caught():
    rows = [ROW | {"seed": seed, "modality": organ} for seed in range(20) for organ in ("one", "two")]
    rows += [HONEST | {"seed": seed} for seed in range(20)] + [ROW | {"data_kind": "real", "data": "a set"}]
    page = table.markdown(rows)
    assert "| replay | train | 40 | 100.0% [91.2%, 100.0%] | 0.0% [0.0%, 8.8%] |" in page
    assert "| gaussian | honest | 20 | 0.0% [0.0%, 16.8%] |" in page and "| 20/20 | 20/20 |" in page
    assert "suspect or worse: 0 of 20 honest runs, 0.0% [0.0%, 16.8%]" in page
    assert "## Phantoms, all subjects" in page and "## Real images: a set, all subjects" in page


def test_a_generator_that_copies_test_images_is_caught_by_its_own_verdict_alone():
    copier = ROW | {"generator": "replay of test", "kind": "test"}
    rows = [copier | {"seed": seed, "verdict": "SAW THE TEST"} for seed in range(3)]
    page = table.markdown([*rows, copier | {"seed": 3, "verdict": "MEMORISES"}])
    (line,) = [line for line in page.splitlines() if line.startswith("| replay of test |")]
    assert line.endswith("| 3/4 |")


def test_rows_are_added_to_and_the_same_rows_give_the_same_bytes(tmp_path):
    assert table.read(tmp_path) == []
    table.write(tmp_path, [])
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


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 256, (20, 16, 16), dtype=np.uint8) for _ in range(4)]
    splits = [
        Split(images, tuple(f"{name}{i // 2}" for i in range(20)))
        for name, images in zip("abcd", parts, strict=True)
    ]
    return Prepared(Path(), "0", "made up", "phantom", *splits[:3]), splits[3]


@pytest.mark.parametrize("name", [*cheats.CHEATS, *cheats.TEST_CHEATS, *cheats.HONEST])
def test_cheats_and_honest_generators_keep_their_contract(drawn, name):
    generate = {**cheats.CHEATS, **cheats.TEST_CHEATS, **cheats.HONEST}[name]
    images = generate(*drawn, 20, np.random.default_rng(1))
    assert images.shape == (20, 16, 16) and images.dtype == np.uint8
    assert (images == generate(*drawn, 20, np.random.default_rng(1))).all()


def copied(images, originals):
    return sum(any((image == other).all() for other in originals) for image in images)


def test_cheats_copy_what_they_say(drawn):
    data, fresh = drawn
    made = {
        name: generate(data, fresh, 20, np.random.default_rng(1))
        for name, generate in {**cheats.CHEATS, **cheats.TEST_CHEATS}.items()
    }
    assert copied(made["10% replay mixed in"], data.train.images) == 2
    assert (
        copied(made["replay"], data.train.images) == copied(made["one patient only"], data.train.images) == 20
    )
    assert len(np.unique(made["one patient only"], axis=0)) <= 2
    assert copied(made["replay of test"], data.test.images) == 20
    assert copied(made["replay of validation"], data.validation.images) == 20
    halves = made["left and right half of two patients"]
    assert (
        copied(halves[:, :, :8], data.train.images[:, :, :8])
        == 20
        == copied(halves[:, :, 8:], data.train.images[:, :, 8:])
    )
    assert copied(halves, data.train.images) < 20


def test_honest_generators_copy_nobody(drawn):
    data, fresh = drawn
    known = np.concatenate([data.train.images, data.validation.images, data.test.images])
    for generate in cheats.HONEST.values():
        assert copied(generate(data, fresh, 20, np.random.default_rng(1)), known) == 0
    modes = cheats.HONEST["collapsed to 4 real images"](data, fresh, 20, np.random.default_rng(1))
    assert len(np.unique(modes, axis=0)) == 4


@pytest.mark.skipif(not KEPT.is_dir(), reason="only in a checkout")
def test_the_kept_table_is_of_this_audit_and_has_every_generator():
    """Most runs on phantoms catch each cheat, all runs whoever saw the test, and none calls an honest generator a
    copier."""
    rows = [row for row in table.read(KEPT) if row["scene"] == "all subjects"]
    assert (KEPT / "calibration.md").read_text() == table.markdown(table.read(KEPT))
    kinds = {"train": cheats.CHEATS, "test": cheats.TEST_CHEATS, "honest": cheats.HONEST}
    for data_kind in ("phantom", "real"):
        for kind, generators in kinds.items():
            chosen = [row for row in rows if (row["data_kind"], row["kind"]) == (data_kind, kind)]
            assert {row["generator"] for row in chosen} == set(generators)
            verdicts = {name: [] for name in generators}
            for row in chosen:
                verdicts[row["generator"]].append(AuditVerdict(row["verdict"]))
            if kind == "test":
                assert {v for said in verdicts.values() for v in said} == {AuditVerdict.SAW_THE_TEST}
                continue
            caught = {name: np.mean([v.memorises for v in said]) for name, said in verdicts.items()}
            if kind == "honest":
                assert not any(caught.values())
            elif data_kind == "phantom":
                assert {name for name, share in caught.items() if share < 0.5} == set()


@pytest.mark.slow
@pytest.mark.parametrize("organ", ["brain", "heart", "spine"])
def test_one_seed_of_one_organ(organ):
    """Every line of the table: each cheat has its verdict, and no honest generator is called a copier."""
    if organ not in lookup.names("modalities"):
        pytest.skip(f"{organ} is not installed")
    modality, extract = lookup.load("modalities", organ), calibrate.extractor(lookup.load)
    network = lookup.load("variants", "ddpm") if organ == "heart" else None
    (rows,) = calibrate.runs(modality, "phantom", profiles.get("quick"), [3], extract, network, 4)
    every = [row for row in rows if row["scene"] == "all subjects"]
    verdicts = {row["generator"]: row["verdict"] for row in every}
    assert {name for name in cheats.CHEATS if not AuditVerdict(verdicts[name]).memorises} == set()
    assert {verdicts[name] for name in cheats.TEST_CHEATS} == {"SAW THE TEST"}
    assert not [
        row["generator"]
        for row in every
        if row["kind"] == "honest" and AuditVerdict(row["verdict"]).memorises
    ]
    few = [row for row in rows if row["scene"] == "few subjects"]
    assert {tuple(row["subjects"]) for row in few} == {(40, 20)}
    assert any(row["auroc"] is not None for row in rows) == bool(network)
    assert [row["seed"] for row in rows] == [3] * len(rows)
