"""The task through a whole run: the board, the verdict on a record, and organs that have no lesions."""

import csv

import pytest

from mribench import run

SETTINGS = {"tasks": "anomaly", "profile": "smoke", "train_steps": 2}


@pytest.mark.slow
def test_an_organ_without_lesions_is_not_asked_and_nothing_is_trained(tmp_path):
    pytest.importorskip("mribench_knee")
    found = run(modalities="knee", solvers="anoddpm", out=str(tmp_path), **SETTINGS)
    assert found and not (tmp_path / "train").exists()
    assert {one.not_applicable for one in found} == {"the data have no field abnormal, lesion, healthy"}


@pytest.mark.slow
def test_priors_of_white_and_of_coarse_noise_stand_beside_baselines_and_both_ends(tmp_path):
    pytest.importorskip("mribench_score")
    run(
        modalities="brain",
        variants="ddpm,coarse,vae",
        solvers="anoddpm,one-step",
        out=str(tmp_path),
        **SETTINGS,
    )
    rows = list(csv.DictReader((tmp_path / "leaderboard.csv").open()))
    named = {(row["variant"], row["sampler"]): row["value"] for row in rows if row["metric"] == "anomaly_ap"}
    for row in [*((prior, way) for prior in ("ddpm", "coarse") for way in ("anoddpm", "one-step"))]:
        assert float(named[row]) >= 0
    assert {"darkness", "brightness", "pca-residual", "healthy-twin", "unchanged"} <= {
        name for name, _ in named
    }
    assert float(named["healthy-twin", ""]) > float(named["pca-residual", ""]) and named["vae", ""] == ""
