"""Original files of many sources against nibabel, pydicom and Pillow. Skipped where they are absent."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image

from mribench.data import describe, prepare_data
from mribench.data.readers.dicom import read_series
from mribench.data.readers.image import read_image
from mribench.data.readers.nifti import read_nifti
from mribench.data.slices import prepare_volume
from mribench.errors import DataError
from mribench.spec import Volume

SHARED = Path(__file__).parents[3] / "shared" / "data"
FORMATS = SHARED / "formats"
pytestmark = [
    pytest.mark.skipif(not FORMATS.is_dir(), reason="needs shared/data/formats beside the checkout"),
    # the direct pydicom call of the comparison
    pytest.mark.filterwarnings("ignore:The pixel data is:UserWarning"),
]


def files(pattern: str) -> list:
    return [pytest.param(path, id=path.name) for path in sorted(FORMATS.glob(pattern))]


BROKEN_DICOM = {
    "MR_truncated": "damaged",
    "badVR": "damaged",
    "meta_missing_tsyntax": "damaged",
    "no_meta": "no DICOM header",
    "reportsi": "without pixels",
}
# readable only where an optional decoder is installed
COMPRESSED = {"MR_small_jpeg_ls_lossless", "bad_sequence"}


@pytest.mark.parametrize("path", files("nifti/*"))
def test_nifti_against_nibabel(path):
    image = nib.load(path)
    pixels, spacing, plane, _ = read_nifti(path, path.name)
    frame = nib.Nifti1Image(image.get_fdata().reshape(*image.shape[:3], -1)[..., 0], image.affine)
    ras = nib.as_closest_canonical(frame).get_fdata()
    turned = {
        "axial": ras.transpose(2, 1, 0)[:, ::-1, ::-1],
        "coronal": ras.transpose(1, 2, 0)[:, ::-1, ::-1],
        "sagittal": ras.transpose(0, 2, 1)[:, ::-1, ::-1],
    }
    np.testing.assert_allclose(pixels, turned[plane], rtol=1e-6, atol=1e-4)
    assert sorted(spacing) == pytest.approx(sorted(nib.affines.voxel_sizes(image.affine)))


def test_the_plane_of_acquisition_is_found():
    kidney, dmri = FORMATS / "nifti/kidney_coronal_int16_LSP.nii.gz", FORMATS / "nifti/spine_4d_dmri.nii.gz"
    assert read_nifti(kidney, "k")[2] == "coronal" and read_nifti(kidney, "k")[0].shape == (11, 128, 128)
    assert read_nifti(dmri, "d")[2] == "axial" and read_nifti(dmri, "d")[0].shape == (5, 42, 40)


@pytest.mark.parametrize("path", files("dicom_*/*.dcm"))
def test_dicom_against_pydicom(path):
    if path.stem in COMPRESSED:
        pytest.importorskip("gdcm", reason="needs an optional decoder")
    if path.stem in BROKEN_DICOM:
        with pytest.raises(DataError, match=BROKEN_DICOM[path.stem]) as caught:
            list(read_series({path.name: path}, "s"))
        assert path.name in str(caught.value) and "\n" not in str(caught.value)
        return
    dataset = pydicom.dcmread(path)
    (volume,) = read_series({path.name: path}, "s")
    assert volume.pixels.ndim == 3 and np.isfinite(volume.pixels).all()
    assert volume.pixels.shape[1:] == (dataset.Rows, dataset.Columns)
    if dataset.PhotometricInterpretation == "MONOCHROME2":
        slope, intercept = (float(dataset.get(f"Rescale{k}", d)) for k, d in (("Slope", 1), ("Intercept", 0)))
        expected = dataset.pixel_array * slope + intercept
        np.testing.assert_allclose(volume.pixels, expected.reshape(volume.pixels.shape), rtol=1e-6)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        np.testing.assert_array_equal(volume.pixels[0], dataset.pixel_array.max() - dataset.pixel_array)


@pytest.mark.parametrize("name", sorted(COMPRESSED))
def test_a_missing_decoder_is_one_sentence(name, monkeypatch):
    path = FORMATS / "dicom_odd" / f"{name}.dcm"
    syntax = pydicom.dcmread(path).file_meta.TransferSyntaxUID
    monkeypatch.setattr(pydicom.pixels.get_decoder(syntax), "_available", {})
    with pytest.raises(DataError, match=r"no installed decoder reads .* install mribench\[dicom\]") as caught:
        list(read_series({path.name: path}, "s"))
    assert "\n" not in str(caught.value)


TWINS = ("RLE", "bigendian", "implicit", "padded", "jp2klossless", "jpeg_ls_lossless")


@pytest.mark.parametrize("twin", [f"MR_small_{kind}" for kind in TWINS])
def test_encodings_of_one_image_agree(twin):
    if twin.removesuffix("_lossless").removeprefix("MR_small_") == "jpeg_ls":
        pytest.importorskip("gdcm", reason="needs an optional decoder")
    first, second = (
        next(read_series({n: FORMATS / "dicom_odd" / f"{n}.dcm"}, "s")).pixels for n in ("MR_small", twin)
    )
    np.testing.assert_array_equal(first, second)


def test_a_series_of_several_planes_becomes_several_volumes():
    folder = FORMATS / "dicom_series_SCD0004501"
    volumes = list(read_series({p.name: p for p in folder.iterdir()}, "s"))
    assert sum(len(v.pixels) for v in volumes) == 9 and len(volumes) > 1


def test_a_series_of_one_plane_is_one_sorted_volume():
    folder = FORMATS / "dicom_series_example_structural"
    (volume,) = read_series({p.name: p for p in folder.iterdir()}, "s")
    order = [float(pydicom.dcmread(p).ImagePositionPatient[0]) for p in sorted(folder.iterdir())]
    assert volume.pixels.shape == (8, 384, 274) and order in (sorted(order), sorted(order, reverse=True))
    ends = [pydicom.dcmread(sorted(folder.iterdir())[i]).pixel_array for i in (0, -1)]
    same = [np.array_equal(volume.pixels[i], end) for i, end in zip((0, -1), ends, strict=True)]
    crossed = [np.array_equal(volume.pixels[i], end) for i, end in zip((-1, 0), ends, strict=True)]
    assert all(same) or all(crossed)


@pytest.mark.parametrize("path", files("png_*/*.png") + files("tiff/*"))
def test_images_against_pillow(path):
    if path.name == "multipage_rgb.tif":
        with pytest.raises(DataError, match=r"multipage_rgb\.tif is not an image that Pillow can read"):
            read_image(path, path.name)
        return
    pixels = read_image(path, path.name)
    with Image.open(path) as image:
        first = np.asarray(image)
        assert len(pixels) == getattr(image, "n_frames", 1)
    np.testing.assert_array_equal(pixels[0], first[..., 0] if first.ndim == 3 else first)
    assert prepare_volume(Volume("s", pixels, None, path.name), 32).window["slices"] == len(pixels)


@pytest.mark.parametrize(
    "name, message",
    [
        ("git_annex_pointer_not_an_image.nii.gz", "git annex get"),
        ("analyze_header_without_img.hdr", r"put analyze_header_without_img\.img beside it"),
    ],
)
def test_what_is_no_image_is_one_sentence(name, message):
    with pytest.raises(DataError, match=message) as caught:
        read_nifti(FORMATS / "odd" / name, name)
    assert name in str(caught.value)


def test_a_folder_named_by_subject_and_slice(tmp_path, modality, profile):
    prepared = prepare_data(modality, str(FORMATS / "png_folder_spider"), profile, tmp_path)
    assert {prepared.train.n_subjects, prepared.validation.n_subjects, prepared.test.n_subjects} == {1}
    with pytest.raises(DataError, match=r"Found 1 subject\(s\) \(spine\)"):
        prepare_data(modality, str(FORMATS / "png_folder_rgb_encoded_gray"), profile, tmp_path)


@pytest.mark.skipif(not (SHARED / "real").is_dir(), reason="needs shared/data/real beside the checkout")
def test_real_brains(tmp_path, modality, profile):
    prepared = prepare_data(modality, str(SHARED / "real"), profile, tmp_path)
    assert sum(prepared.manifest["subjects"].values()) == 6 and prepared.name == f"local-{prepared.key[:8]}"
    assert prepared.manifest["adjusted"] and "few subjects" in describe(prepared)
