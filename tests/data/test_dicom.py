from __future__ import annotations

import hashlib

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, MRImageStorage, generate_uid

from mribench.data.readers.dicom import is_dicom, pseudonym, read_patient, read_series
from mribench.data.readers.folder import find_files, read_volumes
from mribench.errors import DataError

SERIES = generate_uid()


def save(path, pixels, **elements):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
    dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = SERIES
    dataset.PatientID = "Jane Doe"
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.SamplesPerPixel = 1
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def flat(value: int) -> np.ndarray:
    return np.full((8, 8), value)


def volumes(folder):
    return list(read_series({path.name: path for path in folder.iterdir()}, "s"))


def test_slices_are_sorted_along_the_normal(tmp_path):
    sagittal = [0, 1, 0, 0, 0, -1]
    for number, (name, place) in enumerate([("c", 5), ("a", 20), ("b", -7.5)]):
        position = {"ImageOrientationPatient": sagittal, "ImagePositionPatient": [place, 0, 0]}
        save(tmp_path / name, flat(100 + int(place)), InstanceNumber=number, **position)
    (volume,) = volumes(tmp_path)
    # the normal of this orientation points to -x
    assert volume.pixels[:, 0, 0].tolist() == [120, 105, 93]


def test_without_positions_the_instance_number_sorts(tmp_path):
    for name, number in [("a", 10), ("b", 2), ("c", 3)]:
        save(tmp_path / name, flat(number), InstanceNumber=number)
    assert volumes(tmp_path)[0].pixels[:, 0, 0].tolist() == [2, 3, 10]


def test_a_volume_has_one_series_one_orientation_one_matrix(tmp_path):
    axial, coronal = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1]
    save(tmp_path / "a", flat(1), ImageOrientationPatient=axial)
    save(tmp_path / "b", flat(2), ImageOrientationPatient=[1, 1e-5, 0, 0, 1, 0])
    save(tmp_path / "c", flat(3), ImageOrientationPatient=coronal)
    save(tmp_path / "d", flat(4), ImageOrientationPatient=axial, SeriesInstanceUID=generate_uid())
    save(tmp_path / "e", np.full((8, 9), 5), ImageOrientationPatient=axial)
    found = sorted(sorted(v.pixels[:, 0, 0].tolist()) for v in volumes(tmp_path))
    assert found == [[1, 2], [3], [4], [5]]
    assert len({v.source for v in volumes(tmp_path)}) == 4


def test_rescale_and_spacing(tmp_path):
    extra = {"RescaleSlope": "2.5", "RescaleIntercept": "-1024", "PixelSpacing": [0.5, 0.75]}
    save(tmp_path / "a", flat(100), SliceThickness="3", **extra)
    (volume,) = volumes(tmp_path)
    assert set(volume.pixels.ravel()) == {-774.0} and volume.pixels.dtype == np.float32
    assert volume.spacing == (3.0, 0.5, 0.75)


def test_monochrome1_is_inverted(tmp_path):
    save(tmp_path / "a", np.arange(64).reshape(8, 8), PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(volumes(tmp_path)[0].pixels[0], 63 - np.arange(64).reshape(8, 8))


def test_frames_of_one_file_with_a_scale_each(tmp_path):
    groups = []
    for slope in (1, 10):
        group, scale = Dataset(), Dataset()
        scale.RescaleSlope, scale.RescaleIntercept = slope, 5
        group.PixelValueTransformationSequence = Sequence([scale])
        groups.append(group)
    pixels = np.stack([flat(3), flat(4)])
    save(tmp_path / "a", pixels, NumberOfFrames=2, PerFrameFunctionalGroupsSequence=Sequence(groups))
    assert volumes(tmp_path)[0].pixels[:, 0, 0].tolist() == [8, 45]


def test_colour_becomes_luminance(tmp_path):
    colour = np.zeros((8, 8, 3), np.uint8)
    colour[..., 1] = 100
    extra = {"PixelData": colour.tobytes(), "PlanarConfiguration": 0, "BitsAllocated": 8, "BitsStored": 8}
    extra |= {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "HighBit": 7}
    save(tmp_path / "a", flat(0), **extra)
    np.testing.assert_allclose(volumes(tmp_path)[0].pixels, np.full((1, 8, 8), 58.7), rtol=1e-5)


def test_patient_id_is_hashed_and_never_stored_in_clear(tmp_path):
    path = save(tmp_path / "a", flat(1))
    assert read_patient(path, "a") == hashlib.sha256(b"Jane Doe").hexdigest()[:12]
    assert "Jane" not in repr(volumes(tmp_path))


@pytest.mark.parametrize("patient", ["", "  ", None])
def test_without_a_patient_id_folders_are_asked_for(tmp_path, patient):
    path = save(tmp_path / "a", flat(1), PatientID=patient)
    with pytest.raises(DataError, match="a has no PatientID; put the files of each subject in a folder"):
        read_patient(path, "a")


def test_a_flat_folder_is_told_apart_by_patient(tmp_path):
    for i, patient in enumerate(["A", "B", "A"]):
        save(tmp_path / f"IM{i}", flat(i), PatientID=patient)
    volumes = list(read_volumes(tmp_path, find_files(tmp_path)))
    assert {v.subject: len(v.pixels) for v in volumes} == {pseudonym("A"): 2, pseudonym("B"): 1}


def test_folders_win_over_the_patient_id(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "1.2.840.1", flat(1))
    assert {v.subject for v in read_volumes(tmp_path, find_files(tmp_path))} == {"x", "y"}


def test_the_mark_is_recognised(tmp_path):
    assert is_dicom(save(tmp_path / "a", flat(1)))
    (tmp_path / "b").write_bytes(b"DICM")
    assert not is_dicom(tmp_path / "b")


def without_pixels(path):
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def headless(path):
    path.write_bytes(path.read_bytes()[132:])


def compressed(path):
    save(path, flat(1), syntax=JPEGLSLossless, PixelData=pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"]))


@pytest.mark.parametrize(
    "damage, message",
    [
        (without_pixels, "x.dcm is a DICOM file without pixels"),
        (cut, r"x.dcm is a damaged DICOM file \(The number of bytes"),
        (headless, "x.dcm has no DICOM header"),
        (compressed, r"x.dcm is (compressed in a way that no installed decoder reads|a damaged DICOM file)"),
    ],
)
def test_a_broken_file_is_named(tmp_path, damage, message):
    path = save(tmp_path / "x.dcm", flat(1))
    damage(path)
    with pytest.raises(DataError, match=message) as caught:
        volumes(tmp_path)
    assert "\n" not in str(caught.value)


def functional(orientation=None, position=None, spacing=None, thickness=None):
    """One functional group of an enhanced multi-frame file."""
    group = Dataset()
    if orientation:
        item = Dataset()
        item.ImageOrientationPatient = orientation
        group.PlaneOrientationSequence = Sequence([item])
    if position:
        item = Dataset()
        item.ImagePositionPatient = position
        group.PlanePositionSequence = Sequence([item])
    if spacing:
        item = Dataset()
        item.PixelSpacing, item.SliceThickness = spacing, thickness
        group.PixelMeasuresSequence = Sequence([item])
    return group


AXIAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]


@pytest.mark.parametrize("thickness, between", [("3", 3.0), (None, 2.5)])
def test_spacing_of_an_enhanced_file(tmp_path, thickness, between):
    groups = [functional(position=[0, 0, 2.5 * i]) for i in range(3)]
    shared = functional(AXIAL, spacing=[0.5, 0.75], thickness=thickness)
    extra = {"NumberOfFrames": 3, "PerFrameFunctionalGroupsSequence": Sequence(groups)}
    extra["SharedFunctionalGroupsSequence"] = Sequence([shared])
    save(tmp_path / "a", np.stack([flat(i) for i in range(3)]), **extra)
    (volume,) = volumes(tmp_path)
    assert volume.spacing == (between, 0.5, 0.75) and volume.plane == "axial"
    assert volume.pixels[:, 0, 0].tolist() == [0, 1, 2]


def test_several_planes_in_one_file_are_several_volumes(tmp_path):
    frames = [functional(o, [0, 0, i], [1, 1], "5") for i, o in enumerate([AXIAL, SAGITTAL, AXIAL])]
    extra = {"NumberOfFrames": 3, "PerFrameFunctionalGroupsSequence": Sequence(frames)}
    save(tmp_path / "a", np.stack([flat(i) for i in range(3)]), **extra)
    found = {v.plane: v.pixels[:, 0, 0].tolist() for v in volumes(tmp_path)}
    assert found == {"axial": [0, 2], "sagittal": [1]}


def test_contrast_and_units_are_told_and_free_text_is_not(tmp_path):
    extra = {"Modality": "MR", "ScanningSequence": ["GR", "IR"], "EchoTime": "2.5", "RepetitionTime": "2000"}
    save(tmp_path / "a", flat(1), SeriesDescription="Jane Doe, head", **extra)
    (volume,) = volumes(tmp_path)
    assert (volume.contrast, volume.units) == ("MR GR IR TE 2.5 TR 2000", "arbitrary")
    assert "Jane" not in repr(volume)
    save(tmp_path / "a", flat(1), Modality="CT", RescaleSlope=1, RescaleIntercept=-1024)
    assert volumes(tmp_path)[0].units == "HU"
