from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
import pytest

from mribench.data.readers.nifti import contrast_of, read_nifti
from mribench.errors import DataError


def save(path, data, affine=None, **header):
    image = nib.Nifti1Image(data, np.eye(4) if affine is None else affine)
    for name, value in header.items():
        getattr(image.header, name)(*value)
    nib.save(image, path)
    return path


def landmark(axes: str, shape=(10, 11, 12), zooms=(1, 1, 1)) -> tuple[np.ndarray, np.ndarray]:
    """A volume in orientation ``axes`` with one bright voxel at the right, anterior, superior corner."""
    data = np.zeros(shape, np.float32)
    data[-1, -1, -1] = 1
    ras = nib.Nifti1Image(data, np.diag([*zooms, 1]))
    turned = ras.as_reoriented(
        nib.orientations.ornt_transform(
            nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axes)
        )
    )
    return np.asarray(turned.dataobj), turned.affine


@pytest.mark.parametrize("axes", ["RAS", "LPS", "LSP", "PSR", "AIL"])
@pytest.mark.parametrize(
    "plane, corner", [("axial", (-1, 0, 0)), ("coronal", (-1, 0, 0)), ("sagittal", (-1, 0, 0))]
)
def test_orientation_on_disk_does_not_matter(tmp_path, axes, plane, corner):
    data, affine = landmark(axes)
    pixels, *_ = read_nifti(save(tmp_path / "a.nii", data, affine), "a", plane)
    shapes = {"axial": (12, 11, 10), "coronal": (11, 12, 10), "sagittal": (10, 12, 11)}
    assert pixels.shape == shapes[plane]
    assert np.argwhere(pixels).tolist() == [[pixels.shape[0] - 1, 0, 0]] and pixels[corner] == 1


@pytest.mark.parametrize(
    "zooms, plane",
    [
        ((1, 1, 1), "axial"),
        ((1.4, 1, 1), "axial"),
        ((4, 1, 1), "sagittal"),
        ((3, 5, 3), "coronal"),
        ((1, 1, 6), "axial"),
    ],
)
def test_slices_are_taken_across_the_thick_axis(tmp_path, zooms, plane):
    data, affine = landmark("LPS", zooms=zooms)
    _, spacing, found, _ = read_nifti(save(tmp_path / "a.nii.gz", data, affine), "a")
    assert found == plane
    axis = ("sagittal", "coronal", "axial").index(plane)
    assert spacing[0] == pytest.approx(zooms[axis])


def test_scale_is_applied(tmp_path):
    image = nib.Nifti1Image(np.full((8, 8, 8), 10, np.int16), np.eye(4))
    # nibabel computes a scale of its own when it saves, so the header is changed behind its back
    nib.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = np.array([0.5, -3], dtype="<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    assert set(read_nifti(tmp_path / "a.nii", "a")[0].ravel()) == {2.0}


def test_big_endian_is_read(tmp_path):
    data = np.arange(8 * 8 * 8, dtype=">i2").reshape(8, 8, 8)
    image = nib.Nifti1Image(data, np.eye(4), nib.Nifti1Header(endianness=">"))
    nib.save(image, tmp_path / "a.nii")
    assert read_nifti(tmp_path / "a.nii", "a")[0].max() == 511


def test_the_first_frame_of_four_dimensions(tmp_path):
    data = np.stack([np.full((8, 8, 8), i, np.float32) for i in (5, 6, 7)], axis=-1)
    pixels, *_ = read_nifti(save(tmp_path / "a.nii", data), "a")
    assert pixels.shape == (8, 8, 8) and set(pixels.ravel()) == {5}


def test_two_dimensions_are_one_slice(tmp_path):
    pixels, _, plane, _ = read_nifti(save(tmp_path / "a.nii", np.ones((9, 8), np.float32)), "a")
    assert pixels.shape == (1, 8, 9) and plane == "axial"


def test_complex_and_colour_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.nii holds complex64"):
        read_nifti(save(tmp_path / "a.nii", np.ones((8, 8, 8), np.complex64)), "a.nii")
    colour = np.zeros((8, 8, 8), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(DataError, match=r"b\.nii holds colour"):
        read_nifti(save(tmp_path / "b.nii", colour), "b.nii")


@pytest.mark.parametrize(
    "text, hint",
    [
        ("../../.git/annex/objects/xx", "git annex get"),
        ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("hello", "is not a NIfTI file; fetch"),
    ],
)
@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii"])
def test_a_pointer_is_named(tmp_path, text, hint, name):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=hint):
        read_nifti(tmp_path / name, name)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii"])
def test_a_truncated_file_is_refused(tmp_path, name):
    path = save(tmp_path / name, np.random.default_rng(0).random((20, 20, 20)).astype(np.float32))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataError, match=rf"{name} is damaged or cut off"):
        read_nifti(path, name)


def test_a_header_without_pixels_is_refused(tmp_path):
    pair = nib.Nifti1Pair(np.zeros((8, 8, 8), np.float32), np.eye(4))
    nib.save(pair, tmp_path / "a.hdr")
    assert read_nifti(tmp_path / "a.hdr", "a.hdr")[0].shape == (8, 8, 8)
    (tmp_path / "a.img").unlink()
    with pytest.raises(DataError, match=r"put a\.img beside it"):
        read_nifti(tmp_path / "a.hdr", "a.hdr")


@pytest.mark.parametrize("degrees, plane", [(0, "axial"), (20, "axial"), (44, "axial"), (46, "coronal")])
def test_an_oblique_volume_is_named_after_the_nearest_plane(tmp_path, degrees, plane):
    turn = np.radians(degrees)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    affine[:3, 2] *= 5
    data = np.arange(8 * 9 * 10, dtype=np.float32).reshape(8, 9, 10)
    read = read_nifti(save(tmp_path / "a.nii", data, affine), "a")
    assert read.plane == plane and read.spacing[0] == pytest.approx(5)
    assert read.tilt == pytest.approx(min(degrees, 90 - degrees), abs=0.1)
    # its own slices, as they were acquired: permuted and flipped, never interpolated
    assert sorted(set(read.pixels[0].ravel()) - set(data[..., 0].ravel())) in (
        [],
        sorted(set(read.pixels[0].ravel())),
    )
    assert set(np.unique(read.pixels)) == set(np.unique(data))
    assert (f"{plane}, {min(degrees, 90 - degrees)} degrees oblique" if degrees else plane) == read.title


@pytest.mark.parametrize("unit, factor", [("mm", 1), ("micron", 0.001), ("meter", 1000)])
def test_lengths_become_millimetres(tmp_path, unit, factor):
    image = nib.Nifti1Image(np.ones((8, 8, 8), np.float32), np.diag([1, 2, 3, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "a.nii")
    assert sorted(read_nifti(tmp_path / "a.nii", "a").spacing) == pytest.approx(
        [factor, 2 * factor, 3 * factor]
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_analyze_in_both_byte_orders(tmp_path, order):
    data = np.arange(8 * 9 * 10, dtype=np.int16).reshape(8, 9, 10)
    header = nib.AnalyzeHeader(endianness=order)
    header.set_data_dtype(np.int16)
    header.set_data_shape(data.shape)
    header.set_zooms((1.0, 1.0, 1.25))
    image = nib.AnalyzeImage(data, None, header)
    nib.save(image, tmp_path / "a.hdr")
    assert (tmp_path / "a.hdr").read_bytes()[:4] == (348).to_bytes(4, "big" if order == ">" else "little")
    read = read_nifti(tmp_path / "a.hdr", "a")
    # Analyze counts x from the patient's left: shown as it is stored, and the other two turned
    expected = np.flip(data[::-1].transpose(2, 1, 0), axis=(1, 2))
    np.testing.assert_array_equal(read.pixels, expected)
    assert read.spacing == (1.25, 1.0, 1.0)


@pytest.mark.parametrize(
    "name, contrast", [("sub-1_ses-2_T2w.nii.gz", "T2w"), ("a_FLAIR.nii", "FLAIR"), ("a.nii", "")]
)
def test_contrast_of_a_bids_name(name, contrast):
    assert contrast_of(name) == contrast


def test_a_flipped_bit_is_seen_by_the_checksum(tmp_path):
    """In a stored block it changes one voxel, and nothing but the end of the file tells."""
    plain = save(tmp_path / "a.nii", np.arange(512, dtype=np.int16).reshape(8, 8, 8)).read_bytes()
    packed = bytearray(gzip.compress(plain, compresslevel=0))
    packed[len(packed) // 2] ^= 1
    (tmp_path / "b.nii.gz").write_bytes(packed)
    with pytest.raises(DataError, match=r"b is damaged or cut off \(CRC check failed"):
        read_nifti(tmp_path / "b.nii.gz", "b")
