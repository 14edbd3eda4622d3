from __future__ import annotations

import pytest

from mribench.data.readers.subjects import subjects_of
from mribench.errors import DataError


def owners(root, files, pattern=None):
    return {name: subject for name, (subject, _) in subjects_of(root, files, pattern).items()}


def metadata(root, text):
    (root / "metadata.csv").write_text(text, encoding="utf-8")


def test_the_first_folder_is_the_subject(tmp_path):
    files = ["p1/a.png", "p1/series/b.png", "p2/a.png"]
    assert owners(tmp_path, files) == {"p1/a.png": "p1", "p1/series/b.png": "p1", "p2/a.png": "p2"}


@pytest.mark.parametrize("folder", ["train", "Test", "val", "images", "masks"])
def test_folders_that_are_no_subjects_are_refused(tmp_path, folder):
    with pytest.raises(DataError, match=rf"The folder {folder}/ sorts files by something else"):
        owners(tmp_path, [f"{folder}/a_1.png", "p2/a.png", "p3/a.png"])


def test_names_carry_subject_and_slice_when_all_do(tmp_path):
    found = subjects_of(tmp_path, ["a_b_12.png", "c_3.tif"])
    assert found == {"a_b_12.png": ("a_b", 12), "c_3.tif": ("c", 3)}
    with pytest.raises(DataError, match=r"The subject of d\.png is unknown; give subjects by"):
        subjects_of(tmp_path, ["a_b_12.png", "d.png"])


def test_bids_names(tmp_path):
    files = ["sub-01_T1w.nii.gz", "sub-02_ses-1_T1w.nii.gz", "sub-02.nii"]
    assert list(owners(tmp_path, files).values()) == ["sub-01", "sub-02", "sub-02"]


def test_a_file_beside_subject_folders_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"b\.png lies beside subject folders"):
        subjects_of(tmp_path, ["p1/a.png", "b.png"])


def test_a_card_pattern_wins(tmp_path):
    files = ["deep/IXI002-Guys-0828.nii.gz", "IXI002-Guys-0829.nii.gz"]
    assert set(owners(tmp_path, files, r"IXI(\d+)-").values()) == {"002"}
    with pytest.raises(DataError, match="does not match the card's subject_pattern"):
        subjects_of(tmp_path, ["x.nii"], r"IXI(\d+)-")


def test_metadata_wins_over_names_and_folders(tmp_path):
    metadata(tmp_path, "\ufefffile_name,subject,slice\nx_1.png,Ann,7\ntrain/y.png,Bob,\n")
    assert subjects_of(tmp_path, ["x_1.png", "train/y.png"]) == {
        "x_1.png": ("Ann", 7),
        "train/y.png": ("Bob", None),
    }


@pytest.mark.parametrize(
    "text, message",
    [
        ("file_name,subject\na.png,A\n", r"no row for b\.png \(1 such files\)"),
        (
            "file_name,subject\na.png,A\nb.png,B\nc.png,C\n",
            r"names c\.png \(1 such rows\), which is not there",
        ),
        ("file_name,subject\na.png,A\na.png,B\nb.png,B\n", r"line 3: a\.png is listed twice"),
        ("file_name,subject\na.png,A\nb.png,\n", "line 3: file_name or subject is empty"),
        ("file_name,subject,slice\na.png,A,1\nb.png,B,x\n", "line 3: slice is 'x'"),
        ("file_name,patient\na.png,A\n", r"has the columns \['file_name', 'patient'\], but no subject"),
        ("", r"has the columns \[\]"),
        ("file_name,subject\na.png\n", "line 2: file_name or subject is empty"),
    ],
)
def test_metadata_and_files_are_checked_both_ways(tmp_path, text, message):
    metadata(tmp_path, text)
    with pytest.raises(DataError, match=message):
        subjects_of(tmp_path, ["a.png", "b.png"])


def test_metadata_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "metadata.csv").write_bytes(b"file_name,subject\n\xff\xfe\x00,a\n")
    with pytest.raises(DataError, match="not a UTF-8 CSV table"):
        subjects_of(tmp_path, ["a.png"])
