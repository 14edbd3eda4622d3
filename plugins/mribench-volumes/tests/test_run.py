"""Both tasks through a whole run: boards with both ends, no prior trained, and organs that do not beat."""

import csv

import pytest

from mribench import load, run

SETTINGS = {"profile": "smoke", "train_steps": 2, "variants": ""}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_networks_and_baselines_stand_between_both_ends(tmp_path):
    pytest.importorskip("mribench_heart")
    solvers = "voxelmorph,neighbour-diffusion"
    run(modalities="heart", tasks="registration,neighbours", solvers=solvers, out=str(tmp_path), **SETTINGS)
    assert not (tmp_path / "train").exists(), "no prior is asked"
    with (tmp_path / "leaderboard.csv").open() as file:
        rows = {(row["variant"], row["metric"]): float(row["value"]) for row in csv.DictReader(file)}
    errors = {variant: value for (variant, metric), value in rows.items() if metric == "registration_error"}
    assert set(errors) == {"voxelmorph", "tv-l1", "demons", "no-motion", "true-motion"}
    assert errors["true-motion"] == 0 < errors["tv-l1"] < errors["no-motion"]
    found = {variant: value for (variant, metric), value in rows.items() if metric == "neighbours_score"}
    assert set(found) == {
        "neighbour-diffusion", "closest-subject", "repeated-slice", "another-subject", "true-slices"
    }  # fmt: skip
    assert found["true-slices"] == 0
    assert {board.comparability["track"] for board in load(tmp_path).boards} == {"registration", "neighbours"}


@pytest.mark.slow
def test_organs_that_do_not_beat_are_not_asked(tmp_path):
    pytest.importorskip("mribench_knee")
    found = run(modalities="knee", tasks="registration", solvers="tv-l1", out=str(tmp_path), **SETTINGS)
    fields = "end-systole, end-diastole, end-systole-labels, end-diastole-labels, motion"
    assert {one.not_applicable for one in found} == {f"the data have no field {fields}"}
