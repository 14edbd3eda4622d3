"""What spaces make of generators that learn nothing, beside trained rows of the same images and of no others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mribench import files, profiles, results
from mribench.calibration import gaming
from mribench.data import prepare_data
from mribench.features import Extractor
from mribench.features.hc85 import HC85
from mribench.plugins import lookup

SMOKE = profiles.get("smoke")
KEPT = Path(__file__).parents[2] / "leaderboards" / "gaming"


@pytest.fixture(scope="module")
def heart():
    return lookup.load("modalities", "heart")


@pytest.fixture(scope="module")
def prepared(heart, tmp_path_factory):
    return prepare_data(heart, "phantom", SMOKE, tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def kept(tmp_path, result, prepared):
    """``kept(**provenance)``: a run folder that holds one trained row on the prepared images, of KD 7."""

    def make(data_key=prepared.key, outputs="absent"):
        said = {"data_key": data_key, "metrics": [f"kd v{gaming.KD.version}"]}
        row = result(7.0, same=said, modality="heart", provenance={"outputs": outputs})
        results.write(tmp_path, replace(row, scores=(replace(row.scores[0], metric="kd", space="hc85-v1"),)))
        return tmp_path

    return make


def trained(path, heart, prepared):
    return gaming._trained(path, heart, prepared, SMOKE, Extractor({"hc85-v1": HC85}))


def test_a_recorded_row_of_the_same_images_is_shown(kept, heart, prepared):
    (row,) = trained(kept(), heart, prepared)
    assert row["name"].endswith(", recorded") and row["spaces"]["hc85-v1"]["value"] == 7.0


def test_a_row_of_other_images_is_not(kept, heart, prepared):
    assert trained(kept(data_key="another"), heart, prepared) == []


def test_what_a_run_made_is_scored_anew(kept, heart, prepared, tmp_path):
    path = kept(outputs="made")
    (path / "outputs" / "made").mkdir(parents=True)
    np.savez(path / "outputs" / "made" / "outputs.npz", images=255 - prepared.test.images)
    (row,) = trained(path, heart, prepared)
    assert "recorded" not in row["name"] and row["spaces"]["hc85-v1"]["value"] > 100


def test_a_number_below_every_trained_row_is_bold(prepared):
    def row(name, value):
        spaces = {"hc85-v1": {"value": value, "low": value - 1, "high": value + 1}}
        return {"name": name, "n": 24, "seeds": 1, "spaces": spaces}

    about = {"title": "Heart", "data": "phantom", "profile": "smoke", "n_reference": 9, "test_subjects": 3}
    record = {**about, "cheats": [row("copies", 5.0), row("noise", 50.0)], "trained": [row("ddpm", 20.0)]}
    text = gaming._table(record)
    assert "| **5.0** [4.0, 6.0] |" in text and "| 50.0 [49.0, 51.0] |" in text and "| 20.0 [19" in text


@pytest.mark.parametrize(
    "path", sorted(KEPT.glob("*/*.json")), ids=lambda path: f"{path.parent.name} {path.stem}"
)
def test_a_kept_record_has_every_cheat_beside_trained_rows(path):
    record = files.read_json(path)
    assert [row["name"] for row in record["cheats"]] == list(gaming.CHEATS)
    assert record["trained"] and not any("None" in row["name"] for row in record["trained"])
    value = {row["name"]: row["spaces"]["hc85-v1"]["value"] for row in record["cheats"]}
    assert value["copies of test images"] < 0 < value["Gaussian"]
    assert value["Gaussian, histogram and spectrum matched"] < value["Gaussian"]
    assert gaming._table(record) in (KEPT / "gaming.md").read_text()


def test_the_command_plays_every_cheat_and_copies_of_test_are_nearest(mribench, tmp_path):
    asked = ("--modalities", "heart", "--profile", "smoke", "--seeds", "2", "--features", "hc85-v1")
    ended = mribench("audit", "gaming", *asked, "--out", tmp_path)
    assert ended.code == 0 and "**Heart**" in ended.out
    record = files.read_json(tmp_path / "phantom" / "heart.json")
    value = {row["name"]: row["spaces"]["hc85-v1"]["value"] for row in record["cheats"]}
    assert list(value) == list(gaming.CHEATS) and record["seeds"] == [0, 1]
    assert min(value, key=value.get) == "copies of test images"
    assert value["Gaussian, histogram and spectrum matched"] < value["Gaussian"]
    assert [len(row["spaces"]["hc85-v1"]["values"]) for row in record["cheats"]] == [2] * len(value)
