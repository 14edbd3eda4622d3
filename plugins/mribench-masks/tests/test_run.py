"""The task through a whole run: one board with networks, baselines and both ends, and no prior trained."""

import csv

import pytest

from mribench import load, run

SETTINGS = {"tasks": "delineation", "profile": "smoke", "train_steps": 2, "variants": ""}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_networks_and_baselines_stand_on_one_board_with_both_ends(tmp_path):
    pytest.importorskip("mribench_brain")
    run(modalities="brain", solvers="bernoulli-diffusion,dynunet", out=str(tmp_path), **SETTINGS)
    assert not (tmp_path / "train").exists(), "no prior is asked"
    with (tmp_path / "leaderboard.csv").open() as file:
        rows = {(row["variant"], row["metric"]): float(row["value"]) for row in csv.DictReader(file)}
    names = {name for name, _ in rows}
    baselines = {"multi-otsu", "probabilistic-atlas", "label-majority", "true-labels"}
    assert names == {"bernoulli-diffusion", "dynunet"} | baselines
    assert all(rows["true-labels", "delineation_dice"] >= rows[name, "delineation_dice"] for name in names)
    assert rows["true-labels", "delineation_ged"] == rows["true-labels", "delineation_hd95"] == 0
    (board,) = load(tmp_path).boards
    assert board.comparability["track"] == "delineation"


@pytest.mark.slow
def test_data_without_label_maps_are_not_asked(tmp_path):
    pytest.importorskip("mribench_knee")
    found = run(modalities="knee", solvers="dynunet", out=str(tmp_path), **SETTINGS)
    assert {one.not_applicable for one in found} == {"the data have no field labels"}
