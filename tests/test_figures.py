"""Pictures: where each pixel goes, and that nothing is cut off."""

import numpy as np
import pytest
from PIL import Image

from mribench import figures
from mribench.seeds import numpy_rng


def test_a_grid_places_every_image():
    images = np.arange(5, dtype=np.uint8)[:, None, None].repeat(3, 1).repeat(4, 2)
    grid = figures.grid(images, 2)
    assert grid.shape == (3 * 5 - 2, 2 * 6 - 2) and grid.dtype == np.uint8
    for i in range(5):
        top, left = i // 2 * 5, i % 2 * 6
        assert (grid[top : top + 3, left : left + 4] == i).all()
    assert (grid[3:5] == figures.BACKGROUND).all() and (grid[10:, 6:] == figures.BACKGROUND).all()


@pytest.mark.parametrize("caption", ["short", "a caption that is much wider than the picture below it"])
def test_a_caption_is_never_cut(caption):
    picture = np.zeros((6, 10), np.uint8)
    made = figures.captioned(picture, caption)
    assert (made[figures.MARGIN :, :20] == 0).all() and made.shape[0] == figures.MARGIN + 12
    assert (made[:, -1] == figures.BACKGROUND).all() or made.shape[1] == 20
    ink = np.flatnonzero((made[: figures.MARGIN] < 128).any(axis=0))
    wide = figures.captioned(np.zeros((6, 500), np.uint8), caption)
    assert ink.tolist() == np.flatnonzero((wide[: figures.MARGIN] < 128).any(axis=0)).tolist()


def test_pictures_side_by_side_keep_their_pixels():
    made = figures.side_by_side(np.full((4, 3), 7, np.uint8), np.full((2, 5), 9, np.uint8))
    assert made.shape == (4, 3 + 16 + 5)
    assert (
        (made[:, :3] == 7).all()
        and (made[:2, -5:] == 9).all()
        and (made[2:, -5:] == figures.BACKGROUND).all()
    )


@pytest.mark.parametrize(("n", "count"), [(1, 4), (3, 8), (12, 4), (1000, 64)])
def test_spread_is_even_and_within(n, count):
    chosen = figures.evenly_spaced(n, count)
    assert len(chosen) == min(n, count) == len(set(chosen.tolist()))
    assert chosen[0] == 0 and chosen[-1] == (n - 1 if min(n, count) > 1 else 0)


def test_the_forward_process_ends_in_noise():
    images = np.full((2, 16, 16), 200, np.uint8)
    levels = np.linspace(1, 0, 1000)
    strip = figures.forward_process(images, levels, 5, numpy_rng("test"))
    assert strip.shape == (2, 5, 16, 16) and strip.dtype == np.uint8
    assert np.abs(strip[:, 0].astype(int) - 200).max() <= 1
    assert strip[:, -1].std() > 60
    again = figures.forward_process(images, levels, 5, numpy_rng("test"))
    assert (strip == again).all()


def test_a_picture_is_saved_losslessly(tmp_path):
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16)
    figures.save(tmp_path / "x.png", picture)
    assert (np.asarray(Image.open(tmp_path / "x.png")) == picture).all()


@pytest.mark.parametrize("n", [1, 3, 40])
def test_the_overview_pairs_held_out_with_generated(n):
    real, made = np.full((n, 8, 8), 7, np.uint8), np.full((24, 8, 8), 9, np.uint8)
    picture = figures.overview({"One": (real, made), "Two": (real, made)})
    assert (picture == 7).sum() == (picture == 9).sum() == 2 * min(n, 4) * 16 * 16


def test_what_has_a_name_is_a_column_or_a_row_and_the_caption_names_it():
    real, made = (np.full((3, 8, 8), grey, np.uint8) for grey in (7, 9))
    columns = figures.captioned_columns({"real": real, "made": made}, "ddpm")
    cells = np.stack([real[0], made[0]] * 3)
    assert (columns == figures.captioned(figures.grid(cells, 2), "ddpm: real | made")).all()
    rows = figures.captioned_rows({"real": real, "made": made}, "ddpm")
    cells = np.concatenate([real, made])
    assert (rows == figures.captioned(figures.grid(cells, 3), "ddpm: real | made")).all()
