from __future__ import annotations

import zlib

import nibabel as nib
import numpy as np
import pytest

from mribench.data.readers.folder import companions, find_files, read_volumes
from mribench.data.readers.metaimage import TYPES, read_metaimage
from mribench.data.readers.nifti import read_nifti
from mribench.errors import DataError

DATA = np.arange(8 * 9 * 10).reshape(8, 9, 10)
HEADER = "ObjectType = Image\nNDims = 3\nDimSize = 8 9 10\nElementType = MET_SHORT\n"


def write(path, fields="", data="LOCAL", raw=None, header=HEADER):
    raw = DATA.astype("<i2").T.tobytes() if raw is None else raw
    path.write_bytes(
        f"{header}{fields}ElementDataFile = {data}\n".encode() + (raw if data == "LOCAL" else b"")
    )
    return path


def rotation(degrees):
    turn = np.radians(degrees)
    return np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])


@pytest.mark.parametrize("axes", [np.eye(3), np.eye(3)[[2, 0, 1]], np.diag([1, -1, -1.0]), rotation(20)])
def test_orientation_is_that_of_the_same_nifti(tmp_path, axes):
    matrix = " ".join(f"{cosine:.12f}" for cosine in axes.T.ravel())
    read = read_metaimage(
        write(tmp_path / "a.mha", f"TransformMatrix = {matrix}\nElementSpacing = 1 2 5\n"), "a"
    )
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1, -1, 1]) @ axes @ np.diag([1, 2, 5])
    nib.save(nib.Nifti1Image(DATA.astype(np.int16), affine), tmp_path / "a.nii")
    expected = read_nifti(tmp_path / "a.nii", "a")
    np.testing.assert_array_equal(read.pixels, expected.pixels)
    assert read.pixels.dtype == np.float32 and read.plane == expected.plane
    assert read.spacing == pytest.approx(expected.spacing) and read.tilt == pytest.approx(
        expected.tilt, abs=0.1
    )


@pytest.mark.parametrize("kind", ["int16", "uint8", "float32", "float64", "int32", "uint16"])
@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "packed.mha", "packed.mhd"])
def test_against_simpleitk(tmp_path, kind, name):
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 200, (10, 9, 8)).astype(kind))
    image.SetSpacing((0.5, 0.75, 4))
    image.SetDirection((0, 0, 1, 1, 0, 0, 0, 1, 0))
    sitk.WriteImage(image, str(tmp_path / name), useCompression=name.startswith("packed"))
    read = read_metaimage(tmp_path / name, name)
    stored = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name)))
    axes = np.array(image.GetDirection()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1, -1, 1]) @ axes @ np.diag(image.GetSpacing())
    nib.save(nib.Nifti1Image(stored.T.astype(np.float32), affine), tmp_path / "a.nii")
    expected = read_nifti(tmp_path / "a.nii", "a")
    np.testing.assert_array_equal(read.pixels, expected.pixels)
    assert read.spacing == pytest.approx(expected.spacing) and read.plane == expected.plane


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_and_both_byte_orders(tmp_path, kind):
    data = (DATA % 100).astype(TYPES[kind])
    for order, told in (("<", "False"), (">", "True")):
        header = HEADER.replace("MET_SHORT", kind) + f"BinaryDataByteOrderMSB = {told}\n"
        raw = data.astype(data.dtype.newbyteorder(order)).T.tobytes()
        read = read_metaimage(write(tmp_path / "a.mha", raw=raw, header=header), "a")
        np.testing.assert_array_equal(read.pixels, DATA.transpose(2, 1, 0) % 100)


def test_first_frame_and_one_slice(tmp_path):
    raw = np.stack([DATA, DATA + 1]).astype("<i2")
    header = HEADER.replace("NDims = 3", "NDims = 4").replace("8 9 10", "8 9 10 2")
    read = read_metaimage(
        write(tmp_path / "a.mha", raw=b"".join(f.T.tobytes() for f in raw), header=header), "a"
    )
    assert read.pixels.shape == (10, 9, 8) and read.pixels.max() == DATA.max()
    header = HEADER.replace("NDims = 3", "NDims = 2").replace("8 9 10", "8 9") + "ElementSpacing = 0.5 2\n"
    read = read_metaimage(
        write(tmp_path / "b.mha", raw=DATA[:, :, 0].astype("<i2").T.tobytes(), header=header), "b"
    )
    np.testing.assert_array_equal(read.pixels[0], DATA[:, :, 0].T)
    assert read.spacing[1:] == (2.0, 0.5)


def test_a_raw_file_beside_the_header_is_part_of_the_input(tmp_path):
    for subject in "pqr":
        (tmp_path / subject).mkdir()
        write(tmp_path / subject / "a.mhd", data="a.raw")
        (tmp_path / subject / "a.raw").write_bytes(DATA.astype("<i2").T.tobytes())
    files = find_files(tmp_path)
    assert [f.name for f in companions(tmp_path, files)] == ["a.raw"] * 3
    volumes = list(read_volumes(tmp_path, files))
    assert [(v.subject, v.source, v.plane) for v in volumes] == [
        (s, f"{s}/a.mhd:axial", "axial") for s in "pqr"
    ]


@pytest.mark.parametrize(
    "fields, data, raw, message",
    [
        ("", "LOCAL", b"x" * 9, "damaged MetaImage file .1440 bytes of voxels promised"),
        ("CompressedData = True\n", "LOCAL", b"no zlib", "damaged MetaImage file"),
        ("CompressedData = True\n", "LOCAL", zlib.compress(bytes(5000)), "1440 bytes of voxels promised"),
        ("DimSize = 99999 99999 99999\n", "LOCAL", None, "voxels promised"),
        ("DimSize = 99999 99999 99999\nCompressedData = True\n", "LOCAL", None, "voxels promised"),
        ("DimSize = 8 9\n", "LOCAL", None, "DimSize is '8 9', NDims 3"),
        ("ElementType = MET_OTHER\n", "LOCAL", None, "ElementType is 'MET_OTHER'"),
        ("ElementNumberOfChannels = 3\n", "LOCAL", None, "several channels"),
        ("TransformMatrix = 0 0 0 0 0 0 0 0 0\n", "LOCAL", None, "damaged MetaImage"),
        ("", "missing.raw", None, "put missing.raw beside it"),
        ("", "../../etc/passwd", None, "save it as .mha"),
        ("", "LIST", None, "save it as .mha"),
        ("", "slice%03d.raw 1 10 1", None, "save it as .mha"),
    ],
)
def test_damage_is_one_sentence(tmp_path, fields, data, raw, message):
    with pytest.raises(DataError, match=message) as caught:
        read_metaimage(write(tmp_path / "a.mha", fields, data, raw), "p/a.mha")
    assert str(caught.value).startswith("p/a.mha ") and "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" * 500, b"a = b\n" * 5000])
def test_what_is_no_metaimage_is_one_sentence(tmp_path, content):
    (tmp_path / "a.mha").write_bytes(content)
    with pytest.raises(DataError, match=r"a is a damaged MetaImage file .no ElementDataFile"):
        read_metaimage(tmp_path / "a.mha", "a")
