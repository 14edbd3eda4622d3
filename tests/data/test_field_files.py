"""Masks and frames beside images become fields of a prepared set, image by image."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mribench import profiles
from mribench.data.prepare import prepare_target
from mribench.data.store import fields as store
from mribench.data.store.dataset import load
from mribench.errors import DataError, InputError

PROFILE = replace(profiles.SMOKE, size=32, max_images=100)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def scans(tmp_path):
    """Six subjects of three slices; a bright disc whose mask lies beside each, 4 and 9 in the two halves."""
    y, x = np.mgrid[:64, :64]
    for subject in range(6):
        for index in range(3):
            disc = np.hypot(x - 20 - 4 * subject, y - 24 - 6 * index) < 10
            image = (100 * disc + 40 + np.random.default_rng(subject).normal(0, 3, disc.shape)).astype(
                np.uint8
            )
            labels = disc * np.where(x < 20 + 4 * subject, 4, 9)
            save(tmp_path / f"scans/s{subject}/{index}.png", image)
            save(tmp_path / f"scans/s{subject}/masks/{index}.png", labels.astype(np.uint8))
    return tmp_path / "scans"


def prepared(scans, **more):
    return prepare_target(str(scans), "brain", PROFILE, scans.parent / "out", **more)


def test_the_mask_beside_an_image_lies_on_it(scans):
    found = prepared(scans, masks="masks/{name}")
    assert found.fields["labels"].names == ("0", "4", "9")
    for split in (found.train, found.validation, found.test):
        labels = split.fields["labels"]
        assert labels.shape == split.images.shape and labels.dtype == np.uint8
        for image, one in zip(split.images, labels, strict=True):
            assert set(np.unique(one)) == {0, 1, 2}
            # the edge of the disc is shared by two pixels
            assert image[one > 0].mean() > image[one == 0].mean() + 80 and 60 < (one > 0).sum() < 100
            assert np.argwhere(one == 1)[:, 1].mean() < np.argwhere(one == 2)[:, 1].mean()


def test_the_set_is_the_same_and_later_calls_find_its_masks(scans):
    plain = prepared(scans)
    before = {path: path.read_bytes() for path in plain.path.rglob("*.*")}
    found = prepared(scans, masks="masks/{name}")
    assert found.path == plain.path and found.key == plain.key
    assert before == {path: path.read_bytes() for path in plain.path.rglob("*.*")}
    assert "labels" not in prepared(scans).fields, "read only where something asks for it"
    again = prepared(scans, fields=("labels", "slice", "t2w"))
    assert again.field_keys["labels"] == found.field_keys["labels"] and set(again.fields) == {
        "labels",
        "slice",
    }
    assert set(again.train.fields["slice"]) == {0, 1, 2}


def test_other_masks_are_another_field_and_a_damaged_one_is_refused(scans):
    first = prepared(scans, masks="masks/{name}")
    save(scans / "s0/masks/0.png", np.zeros((64, 64), np.uint8))
    second = prepared(scans, masks="masks/{name}")
    assert second.key == first.key and second.field_keys != first.field_keys
    at = store.in_use(second.path, "labels")
    (at / "train.npy").write_bytes(b"")
    assert store.names(second.path) == ("labels",)
    with pytest.raises(DataError, match=r"train\.npy has 0 bytes.*; delete .* and prepare the data again"):
        load(second.path, None, ("labels",))
    assert prepared(scans, masks="masks/{name}").field_keys == second.field_keys


def remove(scans):
    (scans / "s3/masks/1.png").unlink()


def crop(scans):
    save(scans / "s3/masks/1.png", np.ones((64, 60), np.uint8))


def fractions(scans):
    pixels = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    Image.fromarray(pixels).save(scans / "s3/masks/1.tif")
    (scans / "s3/masks/1.tif").rename(scans / "s3/masks/1.png")


def objects(scans):
    save(scans / "s3/masks/1.png", np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) // 8)


@pytest.mark.parametrize(
    ("change", "pattern", "said"),
    [
        (remove, "masks/{name}", r"s3/1\.png has no labels beside it: s3/masks/1\.png is missing"),
        (crop, "masks/{name}", r"labels beside s3, s3, has .*, the image 3x64x64; save both on one grid"),
        (fractions, "masks/{name}", r"holds values from .*; a label map holds whole numbers"),
        (objects, "masks/{name}", r"labels holds \d+ values; a label map has at most 64"),
        (None, "{stem}.png", r"s0/0\.png is taken for an image too; move the masks to a folder called masks"),
        (None, "/masks/{name}", r"--masks: the pattern is '/masks/\{name\}'; expected a path relative"),
        (None, "{subject}.png", r"relative to the image's folder, where \{name\} and \{stem\} are those"),
        (None, "masks/1.png", r"several images share s0/masks/1\.png; put \{name\} or \{stem\} of the image"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_said_in_one_sentence(scans, change, pattern, said):
    if change:
        change(scans)
    with pytest.raises((DataError, InputError), match=said) as error:
        prepared(scans, masks=pattern)
    assert "\n" not in str(error.value)
    assert not store.in_use(prepared(scans).path, "labels"), "nothing half-written"


def test_the_command_line_takes_masks_and_shows_and_proves_them(scans, mribench, refused):
    out, asked = scans.parent / "out", ("--modality", "brain", "--profile", "smoke")
    made = mribench("data", "prepare", scans, *asked, "--masks", "masks/{name}", "--out", out)
    assert "field      labels (0, 4, 9)" in made.out
    folder = made.out.splitlines()[-1]
    assert "field      labels (0, 4, 9)" in mribench("data", "show", folder).out
    assert mribench("data", "verify", folder).code == 0
    (array,) = out.glob("data/*.fields/labels-*/test.npy")
    array.unlink()
    assert "test.npy is missing; delete " in refused("data", "verify", folder)
    assert "--masks names files beside your own images, and dsb2018 has its own" in refused(
        "data", "prepare", "dsb2018", "--masks", "masks/{name}", "--out", out
    )
