from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest

from mribench.data.readers.npz import read_npz
from mribench.errors import DataError


def test_volumes_are_subject_and_source(npz, pictures):
    path = npz(["a", "b", "a", "a"], source=np.array(["x", "x", "y", "x"]))
    volumes = {(v.subject, v.source): v.pixels for v in read_npz(path)}
    assert list(volumes) == [("a", "x"), ("b", "x"), ("a", "y")]
    np.testing.assert_array_equal(volumes["a", "x"], pictures(4)[[0, 3]])
    assert volumes["b", "x"].dtype == np.float32


def test_source_is_optional_and_subjects_may_be_numbers(npz):
    assert [(v.subject, v.source) for v in read_npz(npz([3, 1]))] == [("3", "brain.npz"), ("1", "brain.npz")]


@pytest.mark.parametrize("channels", [1, 3])
def test_channels(npz, pictures, channels):
    images = np.repeat(pictures(2)[..., None], channels, axis=-1)
    volumes = list(read_npz(npz(["a", "b"], images=images)))
    np.testing.assert_array_equal(volumes[1].pixels[0], pictures(2)[1])


def test_sixteen_bits_are_exact(npz):
    images = (np.arange(24 * 20) * 130).astype(np.uint16).reshape(1, 24, 20)
    np.testing.assert_array_equal(next(read_npz(npz(["a"], images=images))).pixels, images)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"images": np.zeros((2, 3, 8, 8))}, r"images has shape \(2, 3, 8, 8\)"),
        ({"images": np.zeros((0, 8, 8)), "subject": np.array([], str)}, r"images has shape \(0, 8, 8\)"),
        ({"images": np.full((2, 8, 8), "x")}, "images has dtype"),
        ({"subject": np.array(["a"])}, r"subject has shape \(1,\); expected \(2,\)"),
        ({"subject": np.array(["a", " "])}, "image 1 has an empty subject"),
        ({"source": np.array(["a"])}, r"source has shape \(1,\)"),
        ({"subject": np.array(["a", None], dtype=object)}, "cannot be read as NPZ"),
    ],
)
def test_bad_arrays_are_refused(npz, arrays, message):
    with pytest.raises(DataError, match=message):
        list(read_npz(npz(["a", "b"], **arrays)))


def test_a_missing_array_is_named(tmp_path, pictures):
    np.savez(tmp_path / "a.npz", images=pictures(2), patients=np.array(["a", "b"]))
    with pytest.raises(DataError, match=r"holds \['images', 'patients'\] but no subject"):
        list(read_npz(tmp_path / "a.npz"))


def test_no_pickle_is_ever_run(tmp_path):
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return (ran.write_text, ("x",))

    (tmp_path / "raw.npz").write_bytes(pickle.dumps(Trap()))
    np.savez(tmp_path / "object.npz", images=np.array([Trap()], dtype=object), subject=np.array(["a"]))
    for name in ("raw.npz", "object.npz"):
        with pytest.raises(DataError, match="cannot be read as NPZ"):
            list(read_npz(tmp_path / name))
    assert not ran.exists()


@pytest.mark.parametrize("keep", [0, 10, 200, 900])
def test_a_truncated_file_is_refused(npz, keep):
    path = npz(["a", "b"])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"brain\.npz cannot be read"):
        list(read_npz(path))


def test_a_header_that_claims_more_than_the_memory_is_refused(tmp_path):
    head = io.BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": (1 << 20, 1 << 10, 1 << 9)}
    np.lib.format.write_array_header_1_0(head, about)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", head.getvalue())
        archive.writestr("subject.npy", head.getvalue())
    with pytest.raises(DataError, match="cannot be read as NPZ"):
        list(read_npz(tmp_path / "a.npz"))
