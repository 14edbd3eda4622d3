from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from mribench import files
from mribench.data.slices import SliceRecord
from mribench.data.store.dataset import content_key, load, save
from mribench.errors import DataError
from mribench.spec import Split

SIZE = 16


def records(subjects, n=3, seed=0):
    rng = np.random.default_rng(seed)
    return [
        SliceRecord(rng.integers(0, 255, (SIZE, SIZE)).astype(np.uint8), subject, i, "src")
        for subject in subjects
        for i in range(n)
    ]


def splits(n=3):
    return {
        "train": records(["a", "b"], n),
        "validation": records(["c"], n, 1),
        "test": records(["d"], n, 2),
    }


MANIFEST = {"name": "local:x", "kind": "real", "size": SIZE}


def test_what_is_saved_is_loaded(tmp_path):
    save(tmp_path / "x", splits(), MANIFEST)
    prepared = load(tmp_path / "x")
    assert (prepared.name, prepared.kind, prepared.path) == ("local:x", "real", tmp_path / "x")
    for name, expected in splits().items():
        split = getattr(prepared, name)
        assert split.images.dtype == np.uint8 and split.images.flags.writeable
        np.testing.assert_array_equal(split.images, [record.image for record in expected])
        assert split.subjects == tuple(record.subject for record in expected)
    assert prepared.manifest["images"] == {"train": 6, "validation": 3, "test": 3}
    assert prepared.manifest["subjects"] == {"train": 2, "validation": 1, "test": 1}


def test_the_folder_is_a_hugging_face_dataset(tmp_path):
    datasets = pytest.importorskip("datasets")
    save(tmp_path / "x", splits(), MANIFEST)
    loaded = datasets.load_from_disk(str(tmp_path / "x"))
    assert set(loaded) == {"train", "validation", "test"}
    assert isinstance(loaded["train"].features["image"], datasets.Image)
    row = loaded["train"][4]
    assert (row["subject"], row["slice"], row["source"], row["image"].mode) == ("b", 1, "src", "L")
    np.testing.assert_array_equal(row["image"], splits()["train"][4].image)


def test_the_key_depends_on_pixels_subjects_and_splits():
    def key(size=SIZE, **changed):
        parts = {name: Split(np.zeros((1, 4, 4), np.uint8), (name,)) for name in splits()}
        return content_key({**parts, **changed}, size)

    one = np.zeros((1, 4, 4), np.uint8)
    one[0, 0, 0] = 1
    keys = [
        key(),
        key(size=32),
        key(test=Split(one, ("test",))),
        key(test=Split(one * 0, ("other",))),
        key(train=Split(one * 0, ("test",)), test=Split(one * 0, ("train",))),
    ]
    assert len(set(keys)) == len(keys) and all(len(k) == 64 for k in keys)
    assert key() == key()


def test_a_subject_in_two_splits_is_refused_when_saving(tmp_path):
    leaking = {**splits(), "test": records(["a"], seed=5)}
    with pytest.raises(DataError, match="Subject a is in train and in test"):
        save(tmp_path / "x", leaking, MANIFEST)
    assert list(tmp_path.iterdir()) == []


def test_a_subject_in_two_splits_is_refused_when_loading(tmp_path, monkeypatch):
    monkeypatch.setattr("mribench.data.store.dataset.check_disjoint", lambda splits: None)
    save(tmp_path / "x", {**splits(), "test": records(["a"], seed=5)}, MANIFEST)
    monkeypatch.undo()
    with pytest.raises(DataError, match="Subject a is in train and in test"):
        load(tmp_path / "x")


def flip_a_byte(folder):
    file = next((folder / "test").glob("*.arrow"))
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def swap_splits(folder):
    for a, b in (("test", "x"), ("validation", "test"), ("x", "validation")):
        (folder / a).rename(folder / b)
    manifest = json.loads((folder / "manifest.json").read_text())
    names = {"test": "validation", "validation": "test"}
    manifest["files"] = {
        "/".join([names.get(k.split("/")[0], k.split("/")[0]), *k.split("/")[1:]]): v
        for k, v in manifest["files"].items()
    }
    files.write_sealed(folder / "manifest.json", json.dumps(manifest).encode())


def edit_a_word(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace("real", "paper"))


@pytest.mark.parametrize(
    "damage, message",
    [
        (flip_a_byte, r"x: test/.*arrow is missing or was changed"),
        (lambda f: shutil.rmtree(f / "train"), r"x: train/.* is missing or was changed"),
        (lambda f: (f / "manifest.json").unlink(), r"x has no readable manifest\.json"),
        (
            lambda f: (f / "manifest.json").write_text("{}"),
            r"x has no readable manifest\.json \(key is missing\)",
        ),
        (lambda f: (f / "manifest.json").write_text("[1"), r"x has no readable manifest\.json"),
        (edit_a_word, r"x: manifest\.json was changed after it was written"),
        (swap_splits, "x: the pixels do not match the manifest"),
        (shutil.rmtree, r"x has no readable manifest\.json"),
    ],
)
def test_damage_is_found(tmp_path, damage, message):
    save(tmp_path / "x", splits(), MANIFEST)
    damage(tmp_path / "x")
    with pytest.raises(DataError, match=message):
        load(tmp_path / "x")


def test_a_set_of_an_earlier_version_has_no_digest_of_its_manifest(tmp_path):
    save(tmp_path / "x", splits(), MANIFEST)
    (tmp_path / "x" / "manifest.json.sha256").unlink()
    assert load(tmp_path / "x").name == "local:x"
