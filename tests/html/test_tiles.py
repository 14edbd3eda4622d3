"""A saved grid comes apart into the images it was made of, and anything else is refused."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mribench import figures
from mribench.board.html import tiles


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 250, (10, 16, 16), dtype=np.uint8)


def saved(path, picture):
    figures.save(path, picture)
    return path


def test_images_come_back_as_they_were(images, tmp_path):
    path = saved(
        tmp_path / "a.png", figures.captioned(figures.grid(images, 4), "a caption wider than the grid is")
    )
    found = tiles.read(path, 16, 4)
    assert (found.images == images).all() and found.columns == 4


def test_of_two_grids_side_by_side_the_left_is_read(images, tmp_path):
    sides = [figures.captioned(figures.grid(half, 4), "x") for half in (images[:8], images[2:])]
    found = tiles.read(saved(tmp_path / "a.png", figures.side_by_side(*sides)), 16, 4)
    assert (found.images == images[:8]).all()


@pytest.mark.parametrize("content", [None, b"", b"picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_none(content, tmp_path):
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    assert tiles.read(tmp_path / "a.png", 16, 4) is None


def test_a_short_strip_under_a_long_caption_has_the_columns_it_has(images, tmp_path):
    path = saved(tmp_path / "a.png", figures.captioned(figures.grid(images[:6], 3), "a caption " * 9))
    found = tiles.read(path, 16, 10)
    assert found.columns == 3 and (found.images == images[:6]).all()


@pytest.mark.parametrize(("size", "columns"), [(15, 4), (7, 4), (34, 2), (64, 4)])
def test_another_layout_is_none(size, columns, images, tmp_path):
    path = saved(tmp_path / "a.png", figures.captioned(figures.grid(images, 4), "x"))
    assert tiles.read(path, size, columns) is None


def test_a_part_is_the_first_rows_and_spreads_over_each(images):
    found = tiles.part(tiles.Grid(images, 4), 2, 2)
    assert found.columns == 2 and (found.images == images[[0, 3, 4, 7]]).all()
    everything = tiles.part(tiles.Grid(images, 4), 9, 9)
    assert everything.columns == 4 and (everything.images == images).all()
    # of the last row, which is short, what there is
    assert (tiles.part(tiles.Grid(images, 4), 3, 2).images == images[[0, 3, 4, 7, 8]]).all()


def test_a_picture_on_the_page_is_the_grid_but_for_a_few_greys():
    # smooth, as anatomy is; noise alone would be far off
    rows, columns = np.mgrid[:64, :64] / 64
    images = np.stack([100 + 90 * np.sin(6 * rows + i) * np.cos(5 * columns) for i in range(10)]).astype(
        np.uint8
    )
    grid = tiles.Grid(images, 4)
    uri = tiles.data_uri(grid)
    head, _, body = uri.partition(",")
    assert head == "data:image/webp;base64" and uri == tiles.data_uri(grid)
    with Image.open(io.BytesIO(base64.b64decode(body))) as picture:
        assert picture.size == grid.shape[::-1] == (4 * 66 - 2, 3 * 66 - 2)
        pixels = np.asarray(picture.convert("RGBA"))
    assert np.abs(pixels[66:130, 66:130, 0].astype(int) - images[5]).max() <= 20
    assert np.abs(pixels[66:130, 66:130, 0].astype(int) - images[5]).mean() <= 3
    assert (pixels[:64, :64, 3] == 255).all() and (pixels[64:66, :, 3] == 0).all()


def test_large_images_are_shrunk(images):
    large = tiles.Grid(images.repeat(8, 1).repeat(8, 2)[:2], 2)
    assert tiles.smaller(large).images.shape == (2, tiles.MOST, tiles.MOST)
    assert tiles.smaller(tiles.Grid(images, 4)).images is images
