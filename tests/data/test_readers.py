from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from mribench.data.readers.folder import companions, find_files, read_volumes
from mribench.errors import DataError


def read(path, pattern=None):
    return list(read_volumes(path, find_files(path), pattern))


def put(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def test_a_folder_of_pictures(tmp_path, pictures):
    images = pictures(4)
    for name, image in zip(["p1/s10.png", "p1/s2.png", "p2/x.png", "p1/t2/a.png"], images, strict=True):
        put(tmp_path / name, image)
    volumes = {(v.subject, v.source): v.pixels for v in read(tmp_path)}
    assert list(volumes) == [("p1", "p1"), ("p1", "p1/t2"), ("p2", "p2")]
    # s2 before s10
    np.testing.assert_array_equal(volumes["p1", "p1"], images[[1, 0]])


def test_images_of_one_subject_may_differ_in_size(tmp_path, pictures):
    put(tmp_path / "p_1.png", pictures(1)[0])
    put(tmp_path / "p_2.png", pictures(1)[0][:20])
    assert sorted(v.pixels.shape for v in read(tmp_path)) == [(1, 20, 20), (1, 24, 20)]


def test_slice_numbers_of_metadata_order_the_volume(tmp_path, pictures):
    images = pictures(2)
    put(tmp_path / "a.png", images[0])
    put(tmp_path / "b.png", images[1])
    (tmp_path / "metadata.csv").write_text("file_name,subject,slice\na.png,p,2\nb.png,p,1\n")
    (volume,) = read(tmp_path)
    np.testing.assert_array_equal(volume.pixels, images[::-1])
    assert companions(tmp_path, find_files(tmp_path)) == [tmp_path / "metadata.csv"]


def test_formats_may_be_mixed(tmp_path, pictures):
    put(tmp_path / "p1/a.png", pictures(1)[0])
    (tmp_path / "p2").mkdir()
    nib.save(
        nib.Nifti1Image(np.ones((9, 8, 10), np.float32), np.diag([1, 1, 3, 1])), tmp_path / "p2/t1.nii.gz"
    )
    volumes = {v.subject: (v.source, v.pixels.shape) for v in read(tmp_path)}
    assert volumes == {"p1": ("p1", (1, 24, 20)), "p2": ("p2/t1.nii.gz:axial", (10, 8, 9))}


def test_what_is_no_image_is_left_out(tmp_path, pictures):
    put(tmp_path / "p1/a.png", pictures(1)[0])
    for name in ("README.md", "p1/notes.txt", "p1/.hidden.png", ".git/x.png", "p1/noextension"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [f.name for f in find_files(tmp_path)] == ["a.png"]


def test_a_glob_chooses(tmp_path, pictures):
    put(tmp_path / "p1/images/a.png", pictures(1)[0])
    put(tmp_path / "p1/masks/a.png", pictures(1)[0])
    (tmp_path / "p1/masks/b.mat").write_text("x")
    assert find_files(tmp_path, "**/images/*.png") == [tmp_path / "p1/images/a.png"]


def test_nothing_to_read_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match="holds no image; expected NPZ"):
        find_files(tmp_path)


def test_formats_that_are_not_read_are_named(tmp_path):
    (tmp_path / "p1").mkdir()
    (tmp_path / "p1/1_t1.nrrd").write_text("x")
    with pytest.raises(DataError, match=r"p1/1_t1\.nrrd has a format that is not read"):
        find_files(tmp_path)


def test_a_broken_link_is_named(tmp_path):
    (tmp_path / "a.nii.gz").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"a\.nii\.gz is a broken link"):
        find_files(tmp_path)
