"""Raw data beside images become k-space, coil maps and noise of a set, in which all fits together."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from scanner_files import body, coil_maps, fastmri, ismrmrd, kspace_of, root_sum_of_squares, scan

from mribench import profiles
from mribench.data import coils
from mribench.data.prepare import prepare_target
from mribench.data.readers.dicom import pseudonym
from mribench.data.readers.hdf5 import read_hdf5, read_kspace, read_patient
from mribench.data.store import fields as store
from mribench.errors import DataError
from mribench.spec.field import COIL_MAPS, KSPACE, NOISE

FIELDS = (KSPACE, COIL_MAPS, NOISE)
PROFILE = replace(profiles.SMOKE, size=48, max_images=100)


def prepared(folder, size=48, fields=FIELDS, **more):
    profile = replace(PROFILE, size=size)
    return prepare_target(str(folder), "brain", profile, folder.parent / "out", fields=fields, **more)


@pytest.fixture(scope="module")
def four_coils(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans") / "scans"
    for subject in range(6):
        # images and k-space of a file may be on two scales
        fastmri(folder / f"s{subject}.h5", scan(subject), scale=3e-4)
    return folder


@pytest.fixture(scope="module")
def one_coil(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans") / "scans"
    for subject in range(6):
        fastmri(folder / f"s{subject}.h5", scan(subject, coils=1))
    return folder


def images_of_coils(split):
    return np.fft.ifft2(np.asarray(split.fields[KSPACE]), norm="ortho")


def test_k_space_is_read_only_where_something_asks_for_it(four_coils):
    plain = prepared(four_coils, fields=())
    before = {path: path.read_bytes() for path in plain.path.rglob("*.*")}
    assert not store.root(plain.path).exists() and plain.fields == {}
    found = prepared(four_coils)
    assert set(found.fields) == set(FIELDS) and (found.path, found.key) == (plain.path, plain.key)
    assert before == {path: path.read_bytes() for path in plain.path.rglob("*.*")}
    for split in (found.train, found.validation, found.test):
        assert split.fields[KSPACE].shape == split.fields[COIL_MAPS].shape == (len(split), 4, 48, 48)
        assert split.fields[KSPACE].dtype == np.complex64 and isinstance(split.fields[KSPACE], np.memmap)
        assert split.fields[NOISE].shape == (len(split),) and split.fields[NOISE].dtype == np.float32
    assert prepared(four_coils).field_keys == found.field_keys


@pytest.mark.parametrize("scans", ["one_coil", "four_coils"])
@pytest.mark.parametrize("size", [48, 64])
def test_all_of_k_space_gives_the_prepared_image(scans, size, request):
    """What is left: noise that a magnitude turns over in air, and at edges a low end of the window that is known at the
    resolution of the maps alone."""
    found = prepared(request.getfixturevalue(scans), size)
    for split in (found.train, found.test):
        maps = np.asarray(split.fields[COIL_MAPS])
        np.testing.assert_allclose(np.square(np.abs(maps)).sum(1), 1, atol=1e-4)
        image = (maps.conj() * images_of_coils(split)).sum(1).real.clip(0, 1)
        error = np.abs(image - split.unit())
        assert np.sqrt(np.square(error).mean()) < 2 / 255 and np.median(error) < 0.25 / 255


def test_maps_times_the_image_are_the_coil_images(four_coils):
    found = prepared(four_coils).train
    expected = np.asarray(found.fields[COIL_MAPS]) * found.unit()[:, None]
    error = np.abs(images_of_coils(found) - expected)
    assert np.sqrt(np.square(error).mean()) < 0.015


def test_maps_of_a_known_object_are_those_that_it_was_seen_with():
    image, maps = body(0, 0), coil_maps(4)
    found, _ = coils.sensitivities((maps * image).astype(np.complex64))
    inside = image > 200
    assert np.abs(found - maps)[:, inside].mean() < 0.05
    # what counts for the image: the part of the signal that the maps find
    assert np.abs((found.conj() * maps).sum(0))[inside].min() > 0.98


@pytest.mark.parametrize("shift", [(0, 0), (3, -5)])
def test_a_shift_of_k_space_changes_phase_and_nothing_else(shift):
    kspace = np.roll(kspace_of(body(1, 0), coil_maps(2)), shift, (-2, -1))
    found = coils.coil_images(kspace)
    expected = coil_maps(2) * body(1, 0)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=0.05)
    smooth = np.abs(np.diff(np.angle(found[0, 20:40, 32])))
    assert smooth.max() < 0.5


def test_noise_is_that_of_the_scanner_on_the_grey_scale_of_the_images(one_coil):
    found = prepared(one_coil, size=64)
    expected = np.mean([5.0 / (row["high"] - row["low"]) for row in found.manifest["windows"]])
    assert found.train.fields[NOISE].mean() == pytest.approx(expected, rel=0.05)
    # nearly all that is imaginary is noise
    imaginary = (np.asarray(found.train.fields[COIL_MAPS]).conj() * images_of_coils(found.train)).sum(1).imag
    assert 1 < imaginary.std() / found.train.fields[NOISE].mean() < 1.3


def test_a_smaller_side_has_less_noise_on_the_same_grey_scale(one_coil):
    large, small = (prepared(one_coil, size).train.fields[NOISE].mean() for size in (64, 32))
    # the mean of four pixels, by a window that weighs them unlike
    assert 0.3 < small / large < 0.6


def test_few_coils_are_kept_as_they_are_and_many_become_eight(tmp_path):
    for subject in range(6):
        fastmri(tmp_path / f"scans/s{subject}.h5", scan(subject, coils=12 if subject else 3, slices=2))
    found = prepared(tmp_path / "scans")
    assert found.train.fields[KSPACE].shape[1] == coils.COILS == 8
    of_three = [
        s.fields[COIL_MAPS][i] for s in (found.train, found.validation, found.test) for i in range(len(s))
    ]
    empty = [int((np.abs(maps).max((-2, -1)) == 0).sum()) for maps in of_three]
    assert sorted(set(empty)) == [0, 5] and empty.count(5) == 2
    image = (np.asarray(found.train.fields[COIL_MAPS]).conj() * images_of_coils(found.train)).sum(1).real
    assert np.sqrt(np.square(image.clip(0, 1) - found.train.unit()).mean()) < 0.01


def test_an_ismrmrd_file_is_put_in_order(tmp_path):
    """Lines at random, readouts to and fro, averages, a second phase and readouts of noise."""
    kspace = scan(0, coils=2, slices=2)
    path = ismrmrd(tmp_path / "a.h5", kspace)
    for found, expected in zip(read_kspace(path, "a.h5"), kspace, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)
    volume = read_hdf5(path, "a.h5", "s")
    np.testing.assert_allclose(volume.pixels, root_sum_of_squares(kspace, (64, 72)), rtol=1e-4, atol=1e-2)
    assert volume.spacing == (5.0, 1.0, 1.0)
    assert read_patient(path, "a.h5") == pseudonym("a")


def test_an_asymmetric_echo_lies_where_its_centre_says(tmp_path):
    kspace = scan(0, coils=1, slices=1)
    (found,) = read_kspace(ismrmrd(tmp_path / "a.h5", kspace, asymmetric=40), "a.h5")
    np.testing.assert_allclose(found[:, 40:], kspace[0, :, 40:], rtol=1e-5, atol=1e-3)
    assert not found[:, :40].any()


def test_a_set_of_ismrmrd_files_has_the_fields_too(tmp_path):
    for subject in range(6):
        ismrmrd(tmp_path / f"scans/s{subject}.h5", scan(subject, coils=2, slices=1))
    found = prepared(tmp_path / "scans", size=32)
    image = (np.asarray(found.train.fields[COIL_MAPS]).conj() * images_of_coils(found.train)).sum(1).real
    assert np.sqrt(np.square(image.clip(0, 1) - found.train.unit()).mean()) < 0.01


def undersample(path):
    with h5py.File(path, "a") as file:
        file["kspace"][..., 10:20] = 0


def turn(path):
    with h5py.File(path, "a") as file:
        file["reconstruction_rss"][:] = file["reconstruction_rss"][:][:, ::-1]


def empty(path):
    with h5py.File(path, "a") as file:
        file["kspace"][1] = 0


def drop(path):
    with h5py.File(path, "a") as file:
        del file["kspace"]


def real(path):
    with h5py.File(path, "a") as file:
        found = np.abs(file["kspace"][:])
        del file["kspace"]
        file["kspace"] = found


def shorten(path):
    with h5py.File(path, "a") as file:
        found = file["kspace"][:1]
        del file["kspace"]
        file["kspace"] = found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (undersample, r"s2\.h5 has k-space with 10 of 72 columns empty, expected every one of them"),
        (turn, r"s2\.h5 has k-space whose images differ from its own by \d+%, expected at most 10%"),
        (empty, r"s2\.h5 has empty k-space, from which neither coil maps nor an image follow; remove it"),
        (drop, r"s2\.h5 has no k-space beside its images; give files with raw data"),
        (real, r"s2\.h5: /kspace has shape .* and type float32; expected complex numbers"),
        (shorten, r"s2\.h5 has k-space of fewer slices than images; fetch it again"),
    ],
)
def test_k_space_that_cannot_be_used_is_refused_in_one_sentence(tmp_path, change, said):
    for subject in range(6):
        fastmri(tmp_path / f"scans/s{subject}.h5", scan(subject, coils=2, slices=2))
    change(tmp_path / "scans/s2.h5")
    with pytest.raises(DataError, match=said) as caught:
        prepared(tmp_path / "scans")
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"trajectory": "radial"}, "is measured along a radial trajectory, expected cartesian"),
        ({"lines": range(0, 72, 2)}, "has k-space with 35 of 71 columns empty"),
    ],
)
def test_an_ismrmrd_file_without_an_image_is_refused_in_one_sentence(tmp_path, more, said):
    path = ismrmrd(tmp_path / "a.h5", scan(0, coils=1, slices=1), **more)
    with pytest.raises(DataError, match=said):
        read_hdf5(path, "a.h5", "s")


def test_data_without_k_space_have_no_field_of_it(tmp_path):
    for subject in range(6):
        drop(fastmri(tmp_path / f"scans/s{subject}.h5", scan(subject, coils=1, slices=1)))
    assert prepared(tmp_path / "scans", size=32).fields == {}
