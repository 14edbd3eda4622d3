"""The level of a score is a number of what its task says: alpha-bar, an acceleration."""

from dataclasses import asdict

import numpy as np
import pytest

from mribench import results
from mribench.board import columns, sentences
from mribench.board.boards import boards, in_one_line
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.cli import console
from mribench.hub import card
from mribench.results import record as records
from mribench.spec import Score

pytestmark = pytest.mark.usefixtures("known_training")

PSNR = {"psnr": {"title": "PSNR", "unit": "dB", "direction": "up", "paper": "a paper"}}


@pytest.fixture
def kspace(scored):
    """kspace(variant, value): scores at R = 4 and R = 8 by a task that ranks by them."""

    def make(variant="ddpm", value=20.0, **changes):
        own = np.random.default_rng(list(variant.encode())).standard_normal(40)
        drawn = tuple(float(x) for x in value + np.arange(40) / 40 + 0.1 * own)
        scores = tuple(
            Score("psnr", value - r, 40, 40, value - r - 1, value - r + 1, level=r, per_subject=drawn)
            for r in (8, 4)
        )
        same = {"task": "kspace v1"}
        about = {"metrics": PSNR, "floor": {}, "primary": "psnr", "level_name": "R", "task": "kspace"}
        return scored(variant, same=same, **({"scores": scores} | about | changes))

    return make


@pytest.fixture
def denoised(kspace):
    """denoised(variant): a score at alpha-bar 0.52 by a task that ranks nothing."""

    def make(variant="ddpm", **changes):
        scores = (Score("psnr", 30.0, 40, 40, level=0.52409, per_subject=(30.0,) * 40),)
        about = {"task": "denoising", "primary": None, "level_name": "ᾱ", "scores": scores}
        return kspace(variant, **(about | changes))

    return make


def test_an_acceleration_is_called_by_its_name_in_every_form(kspace, tmp_path, capsys):
    made = boards([kspace(), kspace("other", 25.0)])
    console.boards(made)
    shown = [capsys.readouterr().out, markdown(made, tmp_path), html(made, tmp_path), card._scores(made)]
    for text in shown:
        assert "@R 4" in text and "@ᾱ" not in text and "denoised from" not in text
    assert "R = 8" in shown[1] and "restored from R = 8" in shown[2]
    assert in_one_line(kspace()).startswith("psnr@R 8 12")


def test_both_kinds_of_level_are_in_one_headline(kspace, denoised):
    (board,) = boards([kspace(), denoised()])
    assert {"PSNR @R 4 (dB) ↑", "PSNR @ᾱ 0.52 (dB) ↑"} <= set(columns.headline(board).titles)
    restored = {line[0] for line in columns.levels(board).texts()}
    assert restored == {"ᾱ = 0.524", "R = 4", "R = 8"}


def test_a_task_ranks_by_its_own_levels(kspace, denoised, audited):
    """Another task reports the same metric nearer to the level of the headline."""
    controls = [kspace("gaussian", 15.0, is_control=True), kspace("train-replay", 35.0, is_control=True)]
    (board,) = boards(audited([kspace(), kspace("other", 25.0), denoised(), denoised("other"), *controls]))
    assert board.primary == ("psnr", None, 4)
    assert [board.ranks[name].text for name in ("other ddim-5", "ddpm ddim-5")] == ["1", "2"]


def test_a_record_of_before_is_of_alpha_bar(denoised):
    record = records.to_json(denoised())
    assert record.pop("level_name") == "ᾱ"
    (board,) = boards([records.from_json(record)])
    assert columns.headline(board).titles[3] == "PSNR @ᾱ 0.52 (dB) ↑"


def test_a_level_name_is_kept(kspace, run_folder):
    (read,) = results.read_all([run_folder("run", kspace())])
    assert asdict(read) == asdict(kspace())


def test_many_blanks_of_one_reason_are_one_note(scored):
    levels = [i / 20 for i in range(10)]
    scores = tuple(Score("kd", None, 40, 40, level=level, reason="no such thing") for level in levels)
    (few,), (many,) = (boards([scored(scores=found)]) for found in (scores[:2], scores))
    count = [sum("no such thing" in note for note in sentences.notes(board)) for board in (few, many)]
    assert count == [2, 1]
