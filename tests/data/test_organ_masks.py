"""A card that shows several organs: only slices that show the one asked for, by the masks beside the images."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from mribench.data import prepare_data
from mribench.data.cards import catalogue
from mribench.data.cards.card import Masks
from mribench.data.cards.organ_masks import mask_files, showing
from mribench.data.readers.folder import find_files, read_volumes
from mribench.errors import DataError
from mribench.spec import Modality

CARD = replace(
    catalogue.load_cards(catalogue.registry())["totalseg_mr"],
    organ="lung",
    other_organs=("kidney",),
    files=(),
    masks=(Masks("lung", ("segmentations/left.nii.gz", "segmentations/right.nii.gz")),),
)
SHAPE = (12, 12, 8)
AFFINE = np.diag([1.0, 1.0, 4.0, 1.0])


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array.astype(np.float32), AFFINE), path)


@pytest.fixture
def people(tmp_path):
    """s0001 has lungs in slices 2 to 4 and a tip in slice 5, s0002 has none."""
    for i, covered in enumerate([{2: 60, 3: 80, 4: 40, 5: 3}, {}], start=1):
        image = np.random.default_rng(i).uniform(100, 900, SHAPE)
        image += 1000 * np.arange(SHAPE[2])
        save(tmp_path / f"s{i:04d}/mri.nii.gz", image)
        for side in ("left", "right"):
            mask = np.zeros(SHAPE)
            for k, n in covered.items():
                mask[..., k].flat[:n] = 1
            save(tmp_path / f"s{i:04d}/segmentations/{side}.nii.gz", mask)
    return tmp_path


def read(folder, organ, card=CARD):
    files = find_files(folder, card.include, card.chosen_reader)
    volumes = read_volumes(folder, files, card.path_pattern, reader=card.chosen_reader)
    return list(showing(volumes, card, organ, folder))


def levels(volume):
    """Which slices were kept, by their brightness."""
    return [round(float(pixels.mean() - 500) / 1000) for pixels in volume.pixels]


def test_the_slices_that_show_the_organ_are_read_and_its_tips_are_not(people):
    (volume,) = read(people, "lung")
    assert volume.subject == "s0001" and levels(volume) == [2, 3, 4]


def test_an_organ_without_masks_keeps_every_slice(people):
    assert [len(volume.pixels) for volume in read(people, "kidney")] == [8, 8]


def test_a_missing_mask_is_one_sentence(people):
    (people / "s0001/segmentations/left.nii.gz").unlink()
    images = find_files(people, CARD.include, CARD.chosen_reader)
    with pytest.raises(
        DataError, match=r"left\.nii\.gz is missing, and totalseg_mr takes its lung slices from it"
    ):
        mask_files(CARD, "lung", images)
    assert mask_files(CARD, "kidney", images) == []


def test_a_mask_on_another_grid_is_refused(people):
    save(people / "s0001/segmentations/left.nii.gz", np.zeros((12, 12, 7)))
    with pytest.raises(
        DataError, match=r"left\.nii\.gz beside s0001/mri\.nii\.gz\S* has shape \(7, 12, 12\)"
    ):
        read(people, "lung")


def test_masks_choose_the_images_of_a_prepared_set_and_enter_its_name(tmp_path, profile, monkeypatch):
    home = tmp_path / "home/datasets/totalseg_mr"
    rng = np.random.default_rng(0)
    for i in range(8):
        y, x = np.mgrid[-1:1:40j, -1:1:40j]
        body = (x**2 + y**2 < 0.8)[..., None] * rng.uniform(200, 900, (40, 40, 6))
        save(home / f"s{i:04d}/mri.nii.gz", body)
        mask = np.zeros((40, 40, 6))
        mask[10:20, 10:20, 2:4] = 1
        for side in ("left", "right"):
            save(home / f"s{i:04d}/segmentations/{side}.nii.gz", mask)
    monkeypatch.setenv("MRIBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(catalogue, "find", lambda name: CARD)
    made = {}
    for organ in ("lung", "kidney"):
        modality = Modality(organ, organ, "", None)
        prepared = prepare_data(modality, "totalseg_mr", profile, tmp_path / "out")
        made[organ] = prepared.manifest["available"]
    assert made == {"lung": 16, "kidney": 48}
    before = {path.name for path in (tmp_path / "out/data").glob("lung-*")}
    save(home / "s0000/segmentations/left.nii.gz", np.ones((40, 40, 6)))
    prepare_data(Modality("lung", "lung", "", None), "totalseg_mr", profile, tmp_path / "out")
    assert len({path.name for path in (tmp_path / "out/data").glob("lung-*")} - before) == 1
