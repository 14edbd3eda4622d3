"""Masks, label maps and derivatives beside the images of a user are left out, and said."""

import nibabel as nib
import numpy as np
import pytest

from mribench import profiles
from mribench.data import left_out
from mribench.data.prepare import describe, prepare_target
from mribench.data.split import assign_all
from mribench.errors import DataError

PEOPLE = [f"sub-{i:02d}" for i in range(8)]


def volume(seed, binary=False):
    made = np.random.default_rng(seed).integers(1, 200, (24, 24, 2)).astype(np.int16)
    return nib.Nifti1Image((made > 100).astype(np.int16) if binary else made, np.diag([1, 1, 4, 1]))


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)


@pytest.fixture
def bids(tmp_path):
    for seed, person in enumerate(PEOPLE):
        save(tmp_path / "bids" / person / "ses-1" / "anat" / f"{person}_ses-1_T1w.nii.gz", volume(seed))
    return tmp_path / "bids"


def prepared(folder, tmp_path):
    return prepare_target(str(folder), None, profiles.SMOKE, tmp_path / "out")


def images(found):
    return sum(found.manifest["images"].values())


def test_few_people_of_a_user_are_cut_and_not_left_to_their_hash(tmp_path):
    six = [f"P{i}" for i in range(1, 7)]
    for seed, person in enumerate(six):
        save(tmp_path / "own" / person / "t1.nii.gz", volume(seed))
    found = prepared(tmp_path / "own", tmp_path)
    assert found.manifest["subjects"] == {"train": 4, "validation": 1, "test": 1}
    by_hash, _ = assign_all(six)
    assert list(by_hash.values()).count("train") < 4
    assert "a new subject may move others" in describe(found)


def test_masks_by_name_and_derivatives_are_left_out_and_said(bids, tmp_path, capsys):
    for seed, person in enumerate(PEOPLE):
        save(bids / person / "ses-1" / "anat" / f"{person}_ses-1_brainmask.nii.gz", volume(seed, binary=True))
        # a label map has more than two values
        save(bids / person / "ses-1" / "anat" / f"{person}_ses-1_dseg.nii.gz", volume(seed + 50))
        save(bids / "derivatives" / "fast" / person / f"{person}_T1w.nii.gz", volume(seed + 90))
    found = prepared(bids, tmp_path)
    assert images(found) == 16
    assert set(found.train.subjects) | set(found.test.subjects) <= set(PEOPLE)
    said = capsys.readouterr().err
    assert (
        "left out of the images: 16 files called masks or labels (sub-00/ses-1/anat/sub-00_ses-1_brainmask.nii.gz"
        in said
    )
    assert "left out of the images: 8 files below derivatives/" in said


def test_volumes_of_two_values_are_masks_whatever_they_are_called(bids, tmp_path):
    for seed, person in enumerate(PEOPLE):
        save(bids / person / "ses-1" / "anat" / f"{person}_ses-1_tissue.nii.gz", volume(seed, binary=True))
    found = prepared(bids, tmp_path)
    assert images(found) == 16
    assert found.manifest["dropped_counts"] == {left_out.TWO_VALUES: 16}


def test_a_subject_with_nothing_but_a_mask_is_named(bids, tmp_path):
    save(bids / "sub-99" / "anat" / "sub-99_tissue.nii.gz", volume(1, binary=True))
    with pytest.raises(DataError, match=r"sub-99 has no usable image .*two values, as a mask has"):
        prepared(bids, tmp_path)


def test_files_that_metadata_names_are_read_whatever_they_are_called(bids, tmp_path):
    rows = [
        f"{file.relative_to(bids).as_posix()},{file.relative_to(bids).parts[0]}"
        for file in sorted(bids.rglob("*.nii.gz"))
    ]
    (bids / PEOPLE[0] / "ses-1" / "anat" / f"{PEOPLE[0]}_ses-1_T1w.nii.gz").rename(bids / "label_1.nii.gz")
    rows[0] = f"label_1.nii.gz,{PEOPLE[0]}"
    (bids / "metadata.csv").write_text("\n".join(["file_name,subject", *rows]) + "\n")
    assert images(prepared(bids, tmp_path)) == 16


@pytest.mark.parametrize(
    ("name", "is_called_so"),
    [
        ("P1/brain_mask.nii", True),
        ("P1/lesion-mask-2.png", True),
        ("P1/T1w_seg.nii.gz", True),
        ("P1/probseg.nii", True),
        ("P1/masks/1.png", True),
        ("P1/masked.nii", False),
        ("P1/unmasked_T1w.nii", False),
        ("segovia/1.png", False),
        ("P1/T1w.nii.gz", False),
    ],
)
def test_only_whole_words_count(name, is_called_so, tmp_path):
    other = tmp_path / "other.png"
    files = [tmp_path / name, other]
    assert (left_out.without(tmp_path, files) == [other]) is is_called_so


def test_where_all_are_called_so_all_are_read(tmp_path):
    files = [tmp_path / "mask_1.png", tmp_path / "mask_2.png"]
    assert left_out.without(tmp_path, files) == files
