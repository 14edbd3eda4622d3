"""What is kept stays small: a page is a file that one opens, sends and commits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mribench import figures, results
from mribench.board.boards import boards
from mribench.board.html import pictures
from mribench.board.html.page import html
from mribench.board.html.view import views

KEPT = Path(__file__).parents[2] / "leaderboards"
MIB = 1 << 20

pytestmark = pytest.mark.skipif(not KEPT.is_dir(), reason="only in a checkout")


def test_no_kept_file_is_large():
    sizes = {p.relative_to(KEPT): p.stat().st_size for p in KEPT.rglob("*") if p.is_file()}
    assert {name: size for name, size in sizes.items() if size >= MIB} == {}


def test_the_page_of_a_kept_board_with_three_seeds_is_small():
    one = [result for result in results.read_all([KEPT / "real"]) if result.seed == 0]
    three = [replace(result, seed=seed) for result in one for seed in range(3)]
    page = html(boards(three), KEPT / "real")
    assert page.count("data:image/webp") > len({result.modality for result in one})
    assert len(page.encode()) < MIB


def test_pictures_of_noise_stay_within_the_budget(result, tmp_path, monkeypatch):
    """Nothing compresses worse, and of many rows not all fit; the first that does not is the last to be encoded."""
    encode, encoded = pictures.tiles.data_uri, []
    monkeypatch.setattr(pictures.tiles, "data_uri", lambda grid: encoded.append(grid) or encode(grid))
    noise = np.random.default_rng(0).integers(0, 250, (24, 64, 64), dtype=np.uint8)
    figures.save(tmp_path / "a.png", figures.captioned(figures.grid(noise, 8), "words"))
    many = [
        result(variant=f"ddpm{i}", figures={"samples": "a.png"}, same={"resolution": 64}) for i in range(12)
    ]
    (found,) = pictures.choose(views(boards(many)), tmp_path).values()
    sizes = [len(picture.image.uri) if picture.image else 0 for picture in found]
    assert len(found) == 12 and 0 in sizes and 0 < sum(sizes) <= pictures.BUDGET
    assert len(encoded) == 12 - sizes.count(0) + 1
