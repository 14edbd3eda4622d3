from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from mribench.data import describe, prepare_data, qa
from mribench.data.qa import Seen, inspect, near_duplicates
from mribench.data.select import drop_near_duplicates
from mribench.data.slices import SliceRecord
from mribench.errors import DataError


def smooth(seed: int, size: int = 32) -> np.ndarray:
    """uint8 (size, size): blobs, unlike those of another seed."""
    small = np.random.default_rng(seed).integers(0, 200, (6, 6)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC))


def record(image, subject, index=0) -> SliceRecord:
    return SliceRecord(np.asarray(image, np.uint8), subject, index, "src")


def splits(**changes):
    made = {
        name: [record(smooth(10 * k + i), f"{name}{i}") for i in range(4)] for k, name in enumerate(qa_splits)
    }
    return made | changes


qa_splits = ("train", "validation", "test")


def test_nothing_is_found_where_nothing_is_wrong():
    report = inspect(splits()).manifest
    assert (report["checked"], report["clipped_count"], report["near_duplicates_count"]) == (12, 0, 0)


def test_an_image_of_another_subject_that_is_nearly_the_same():
    noisy = np.clip(smooth(0) * 0.8 + np.random.default_rng(5).normal(10, 2, (32, 32)), 0, 255)
    changed = splits()
    changed["test"].append(record(noisy, "twin", 7))
    report = inspect(changed)
    assert report.manifest["near_duplicates_across_splits"] == 1
    (found,) = report.manifest["near_duplicates"]
    assert found["a"] == {"split": "train", "subject": "train0", "source": "src", "slice": 0}
    assert (found["b"]["subject"], found["b"]["slice"]) == ("twin", 7)
    assert found["correlation"] == pytest.approx(
        np.corrcoef(smooth(0).ravel(), noisy.ravel())[0, 1], abs=2e-3
    )


def test_neighbours_of_one_subject_are_no_duplicates():
    changed = splits()
    changed["train"].append(record(smooth(0) // 2, "train0", 1))
    assert inspect(changed).manifest["near_duplicates_count"] == 0


def test_alike_from_afar_is_not_enough():
    rng = np.random.default_rng(0)
    coarse = [np.clip(smooth(0) + rng.normal(0, 60, (32, 32)), 0, 255).astype(np.uint8) for _ in range(2)]
    seen = [Seen(record(image, f"s{i}"), "train") for i, image in enumerate(coarse)]
    thumbs = np.ones((2, 4), np.float32) / 2
    assert near_duplicates(thumbs, seen) == []


def test_blocks_find_what_the_whole_finds(monkeypatch):
    changed = splits()
    changed["test"] += [record(smooth(i) * 0.9, f"twin{i}") for i in (0, 12, 21)]
    whole = inspect(changed).manifest
    monkeypatch.setattr(qa, "BLOCK_ELEMENTS", 1)
    assert inspect(changed).manifest == whole and whole["near_duplicates_count"] == 3


def test_clipped_images_are_found():
    image = smooth(3).copy()
    image[:8] = 255
    changed = splits(test=[record(image, "bright"), record(smooth(22), "fine")])
    (row,) = inspect(changed).manifest["clipped"]
    assert row["subject"] == "bright" and row["share"] == pytest.approx(0.25, abs=0.02)


def test_the_manifest_and_the_sheet_of_a_prepared_set(tmp_path, modality, profile, npz, pictures):
    images = pictures(12)
    noise = np.random.default_rng(0).integers(0, 9, images[2].shape)
    images[7] = np.where(images[2] > 0, images[2] - noise, 0)
    path = npz([f"p{i}" for i in range(12)], images=images)
    prepared = prepare_data(modality, str(path), profile, tmp_path / "out")
    report = prepared.manifest["qa"]
    assert [{row["a"]["subject"], row["b"]["subject"]} for row in report["near_duplicates"]] == [{"p2", "p7"}]
    across = report["near_duplicates_across_splits"]
    assert prepared.manifest["near_duplicates_across_splits"] == across
    assert prepared.manifest["near_duplicates"] == "report"
    assert f"1 pairs of subjects with nearly one image, {across} across splits (qa.png)" in describe(prepared)
    with Image.open(prepared.path / "qa.png") as sheet:
        assert sheet.mode == "L" and sheet.width == 12 * 96 and np.asarray(sheet).max() > 200
    assert "qa.png" in prepared.manifest["files"]
    for name in qa_splits:
        expected = [hashlib.sha256(i.tobytes()).hexdigest() for i in getattr(prepared, name).images]
        assert prepared.manifest["pixels_sha256"][name] == expected
    json.dumps(report)


def test_a_phantom_needs_no_report(tmp_path, modality, profile):
    prepared = prepare_data(modality, "phantom", profile, tmp_path)
    assert "near_duplicates_across_splits" not in prepared.manifest
    assert "qa" not in prepared.manifest and not (prepared.path / "qa.png").exists()
    assert len(prepared.manifest["pixels_sha256"]["train"]) == len(prepared.train)


def speckled(image, seed, amount):
    noise = np.random.default_rng(seed).normal(0, amount, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_a_nearer_twin_on_the_same_side_hides_none_in_the_other():
    changed = splits()
    changed["train"].append(record(speckled(smooth(0), 1, 0.5), "twin"))
    far = speckled(smooth(0), 9, 4)
    changed["test"] += [record(far, "far1"), record(speckled(far, 2, 0.5), "far2")]
    assert inspect(changed).manifest["near_duplicates_across_splits"] >= 2


def test_dropping_takes_train_before_validation_and_never_test():
    made = splits()
    made["validation"].append(record(smooth(0) * 0.9, "v"))  # like train0
    made["test"] += [
        record(smooth(1) * 0.9, "t1"),
        record(smooth(11) * 0.9, "t2"),
    ]  # like train1, validation1
    for i in range(3):  # one after the other stands nearest to the same image of test
        made["train"].append(record(speckled(smooth(1), i, 1 + i), f"again{i}"))
    kept, dropped = drop_near_duplicates(made)
    assert {r.subject for r in dropped} == {"train0", "train1", "again0", "again1", "again2", "validation1"}
    assert len(dropped) == 6 and kept["test"] == made["test"]
    assert [r.subject for r in kept["train"]] == ["train2", "train3"]
    assert inspect(kept).manifest["near_duplicates_across_splits"] == 0


def test_dropping_goes_on_where_one_that_went_hid_a_pair():
    made = splits()  # both stand nearer to train0 than to one another
    made["validation"].append(record(speckled(smooth(0), 1, 3), "v"))
    made["test"].append(record(speckled(smooth(0), 2, 3), "t"))
    kept, dropped = drop_near_duplicates(made)
    assert [r.subject for r in dropped] == ["train0", "v"] and kept["test"] == made["test"]


def test_dropping_leaves_twins_of_one_side_and_what_is_fine():
    made = splits()
    made["train"].append(record(smooth(0) * 0.9, "twin"))
    kept, dropped = drop_near_duplicates(made)
    assert dropped == [] and kept == made


def test_dropping_everything_is_refused():
    made = splits(train=[record(smooth(20) * 0.9, "only")])
    with pytest.raises(DataError, match=r"Every image in train nearly equals .* near_duplicates = 'report'"):
        drop_near_duplicates(made)
