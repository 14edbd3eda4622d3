from __future__ import annotations

import h5py
import numpy as np
import pytest

from mribench.data.readers.dicom import pseudonym
from mribench.data.readers.folder import find_files, read_volumes
from mribench.data.readers.hdf5 import read_hdf5, read_patient
from mribench.errors import DataError

IMAGES = np.arange(3 * 8 * 10, dtype=np.float32).reshape(3, 8, 10)
HEADER = """<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>
<encodedSpace><matrixSize><x>640</x><y>368</y><z>1</z></matrixSize>
<fieldOfView_mm><x>280</x><y>162</y><z>4.5</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>320</x><y>160</y><z>1</z></matrixSize>
<fieldOfView_mm><x>160</x><y>120</y><z>4.5</z></fieldOfView_mm></reconSpace></encoding></ismrmrdHeader>"""


def fastmri(path, name="reconstruction_rss", patient="abc", header=HEADER):
    with h5py.File(path, "w") as file:
        file["kspace"] = np.zeros((3, 2, 8, 10), np.complex64)
        if name:
            file[name] = IMAGES
        file.attrs["acquisition"] = "CORPD_FBK"
        if patient:
            file.attrs["patient_id"] = patient
        if header:
            file["ismrmrd_header"] = header
    return path


def matlab(path, patient="100360"):
    """As MATLAB 7.3 writes it: 512 bytes before, columns first, text as numbers."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["cjdata/image"] = IMAGES[0].astype(np.int16).T
        file["cjdata/label"] = [[1.0]]
        file["cjdata/PID"] = np.array([[ord(c)] for c in patient], np.uint16)
    return path


@pytest.mark.parametrize("name", ["reconstruction_rss", "reconstruction_esc"])
def test_fastmri(tmp_path, name):
    volume = read_hdf5(fastmri(tmp_path / "a.h5", name), "a.h5", "s")
    np.testing.assert_array_equal(volume.pixels, IMAGES)
    assert volume.pixels.dtype == np.float32 and volume.spacing == (4.5, 0.5, 0.75)
    assert (volume.subject, volume.contrast, volume.units) == ("s", "CORPD_FBK", "magnitude, arbitrary")


@pytest.mark.parametrize(
    "header", [None, "<ismrmrdHeader/>", HEADER.replace("320", "0"), HEADER.replace("160", "")]
)
def test_without_a_field_of_view_the_spacing_is_unknown(tmp_path, header):
    assert read_hdf5(fastmri(tmp_path / "a.h5", header=header), "a", "s").spacing is None


def test_matlab(tmp_path):
    volume = read_hdf5(matlab(tmp_path / "1.mat"), "1.mat", "s")
    np.testing.assert_array_equal(volume.pixels, IMAGES[:1])
    assert volume.spacing is None
    assert read_patient(tmp_path / "1.mat", "1.mat") == pseudonym("100360")


def test_a_flat_folder_is_told_apart_by_patient(tmp_path):
    for i, patient in enumerate("ABA"):
        fastmri(tmp_path / f"file{i}.h5", patient=patient)
        matlab(tmp_path / f"{i}.mat", patient)
    volumes = list(read_volumes(tmp_path, find_files(tmp_path)))
    assert [v.subject for v in volumes].count(pseudonym("A")) == 4 and len(volumes) == 6


def test_folders_tell_the_subject_unless_the_files_are_asked(tmp_path):
    for i in range(3):
        (tmp_path / f"part{i}").mkdir()
        matlab(tmp_path / f"part{i}/{i}.mat", "A" if i < 2 else "B")
    files = find_files(tmp_path)
    assert {v.subject for v in read_volumes(tmp_path, files)} == {"part0", "part1", "part2"}
    assert {v.subject for v in read_volumes(tmp_path, files, subjects_inside=True)} == {
        pseudonym("A"),
        pseudonym("B"),
    }
    (tmp_path / "part0/mask.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"part0/mask\.png has a format that names no patient"):
        list(read_volumes(tmp_path, find_files(tmp_path), subjects_inside=True))


def test_without_a_patient_folders_are_asked_for(tmp_path):
    with pytest.raises(DataError, match=r"a\.h5 names no patient; put the files of each subject in a folder"):
        read_patient(fastmri(tmp_path / "a.h5", patient=None), "a.h5")


def link_elsewhere(path):
    fastmri(path.with_name("other.h5"))
    with h5py.File(path, "w") as file:
        file["reconstruction_rss"] = h5py.ExternalLink("other.h5", "/reconstruction_rss")


def group_with_the_name(path):
    with h5py.File(path, "w") as file:
        file.create_group("reconstruction_rss")


def nothing_known(path):
    with h5py.File(path, "w") as file:
        file["volume"] = file["recon"] = IMAGES


def complex_images(path):
    with h5py.File(path, "w") as file:
        file["reconstruction_rss"] = np.zeros((3, 8, 8), np.complex64)


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda p: fastmri(p, name=None),
            "has empty k-space, from which neither coil maps nor an image follow",
        ),
        (nothing_known, "holds recon, volume; expected reconstruction_rss, reconstruction_esc or kspace"),
        (link_elsewhere, "expected reconstruction_rss"),
        (group_with_the_name, "expected reconstruction_rss"),
        (complex_images, "type complex64; expected real numbers"),
        (lambda p: p.write_bytes(b"x" * 100), "damaged HDF5 file"),
        (lambda p: p.write_bytes(fastmri(p).read_bytes()[:3000]), "damaged HDF5 file"),
        (
            lambda p: p.write_bytes(b"MATLAB 5.0 MAT-file" + b" " * 500),
            "before version 7.3; save it with -v7.3",
        ),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, make, message):
    make(tmp_path / "a.h5")
    with pytest.raises(DataError, match=message) as caught:
        read_hdf5(tmp_path / "a.h5", "p/a.h5", "s")
    assert str(caught.value).startswith("p/a.h5") and "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
