"""One picture of many methods: rows by average rank, columns by organ, each cell that method's images of that organ."""

from dataclasses import replace

import numpy as np
import pytest

from mribench import figures, results
from mribench.board import methods_picture, publish
from mribench.board.boards import boards

SIZE = 8
VALUES = {"worst": 300.0, "best": 90.0, "middle": 150.0}
ORGANS = ("brain", "heart")
KINDS = {"samples": 8, "beside": 4}  # columns of their grids


def grey(method, organ):
    return 20 * list(VALUES).index(method) + 100 * ORGANS.index(organ)


@pytest.fixture
def kept(run_folder, scored, controls, audited):
    """A folder of three methods on two organs, whose images are of one grey each; held-out ones are of 200."""

    def make(**same):
        found = []
        for organ in ORGANS:
            changes = {"modality": organ, "data": controls[0].data | {"title": organ.title()}}
            own = {"resolution": SIZE, "data": organ, **same}
            trained = [
                scored(
                    name, value + seed, seed, figures={k: f"figures/{organ}_{name}_{k}.png" for k in KINDS}
                )
                for name, value in VALUES.items()
                for seed in (0, 1)
            ]
            every = audited([*controls, *trained])
            found += [replace(one, **changes, comparability=one.comparability | own) for one in every]
        folder = run_folder("run", *found)
        for one in found:
            for kind, path in one.figures.items():
                shown = 200 if kind == "beside" else grey(one.variant, one.modality)
                images = np.full((8, SIZE, SIZE), shown, dtype=np.uint8)
                figures.save(folder / path, figures.captioned(figures.grid(images, KINDS[kind]), ""))
        return folder

    return make


def cells(picture):
    """A grey of each cell, by row and column."""
    pitch, column = SIZE + figures.GAP, 2 * SIZE + figures.GAP + figures.SIDE_GAP
    left = picture.shape[1] - 2 * column + figures.SIDE_GAP
    rows = range(figures.MARGIN + SIZE // 2, len(picture), pitch)
    return [[int(picture[row, left + j * column + 4]) for j in (0, 1)] for row in rows]


def test_the_best_method_is_drawn_first_below_held_out_images(kept):
    folder = kept()
    picture = methods_picture.draw(boards(results.read_all([folder])), [folder])
    order = [[grey(name, organ) for organ in ORGANS] for name in ("best", "middle", "worst")]
    assert cells(picture) == [[200, 200], *order]


def test_nothing_is_drawn_where_a_picture_is_absent_or_of_a_patient(kept, tmp_path):
    folder = kept()
    (folder / "figures" / "heart_middle_samples.png").unlink()
    assert methods_picture.draw(boards(results.read_all([folder])), [folder]) is None
    real = kept(data_kind="real")
    found = [one for one in results.read_all([real]) if one.comparability["data_kind"] == "real"]
    assert methods_picture.draw(boards(found), [real]) is None


def test_a_kept_board_has_it_and_its_page_of_tables_shows_it(kept, tmp_path):
    publish.publish([kept()], tmp_path / "kept", page=False)
    assert [path.name for path in (tmp_path / "kept" / "figures").iterdir()] == ["methods.png"]
    assert f"({methods_picture.PATH})" in (tmp_path / "kept" / "leaderboard.md").read_text()


def test_a_kept_picture_stays_where_later_folders_lack_some(kept, tmp_path):
    board, folder = tmp_path / "kept", kept()
    publish.publish([folder], board, page=False)
    before = (board / methods_picture.PATH).read_bytes()
    (folder / "figures" / "heart_middle_samples.png").unlink()
    publish.publish([board, folder], board, page=False)
    assert [path.name for path in (board / "figures").iterdir()] == ["methods.png"]
    assert (board / methods_picture.PATH).read_bytes() == before
