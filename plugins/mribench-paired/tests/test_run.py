"""The task through a whole run: one board with every kind of row, and an organ without other contrasts."""

import csv

import pytest

from mribench import load, run

SETTINGS = {"tasks": "translation", "profile": "smoke", "train_steps": 2}


@pytest.mark.slow
def test_an_organ_without_other_contrasts_is_not_asked_and_nothing_is_trained(tmp_path):
    pytest.importorskip("mribench_chromatin")
    found = run(modalities="chromatin", solvers="palette,sdedit", out=str(tmp_path), **SETTINGS)
    assert found and not (tmp_path / "train").exists()
    assert {one.not_applicable for one in found} == {
        "the data have none of the fields t2w, t1w, flair, stir, pdw, t1gd, adc"
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_priors_networks_of_pairs_and_baselines_stand_on_one_board_with_both_ends(tmp_path):
    pytest.importorskip("mribench_brain")
    run(modalities="brain", variants="ddpm", solvers="palette,sdedit", out=str(tmp_path), **SETTINGS)
    with (tmp_path / "leaderboard.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "psnr"]
    psnr = {(row["variant"], row["sampler"], row["level"]): float(row["value"]) for row in rows}
    for level in ("1.0", "2.0"):
        for row in (("ddpm", "sdedit"), ("palette", ""), ("identity", ""), ("patch-regression", "")):
            assert psnr[*row, level] > 0
        others = [
            value for (name, *_, at), value in psnr.items() if at == level and name != "signal-equation"
        ]
        assert psnr["signal-equation", "", level] > max(others)
    (board,) = load(tmp_path).boards
    assert board.comparability["track"] == "translation"
    assert set(board.comparability["translation.fields"]) == {"t2w", "flair", "pdw"}, (
        "those that the phantom has"
    )
