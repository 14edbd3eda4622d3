"""`mribench tune RUN`: samplers of what is trained are weighed against the validation subjects, each once."""

import shutil

import numpy as np
import pytest

from mribench import files
from mribench.data import load
from mribench.features.hc85 import HC85, extract
from mribench.metrics.distribution import kernel_distance
from mribench.plugins import lookup
from mribench.runner import runspec
from mribench.runner.run import run_suite
from mribench.tune import samplers


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of one organ and two seeds, one trained step each, and one control."""
    out = tmp_path_factory.mktemp("run")
    asked = {"modalities": lookup.names("modalities")[0], "profile": "smoke", "train_steps": 1}
    asked |= {"controls": "mode-collapse", "seeds": [0, 1], "tasks": "generation", "samplers": "ddim-2"}
    run_suite(runspec.make(**asked, out=str(out)))
    return out


def test_the_distance_is_that_of_the_samples_to_the_validation_subjects(made, tmp_path):
    """The sampler of the run drew the same images: they are on disk."""
    record = samplers.compare_samplers(made, ["ddim-2", "dpm-solver-3"], tmp_path)
    assert [(run["seed"], run["sampler"], run["nfe"]) for run in record["runs"]] == [
        (seed, sampler, int(sampler[-1])) for seed in (0, 1) for sampler in ("ddim-2", "dpm-solver-3")
    ]
    data = load(next((made / "data").iterdir()))
    for run in record["runs"][::2]:
        (kept,) = made.glob(f"outputs/*ddpm_ddim-2_s{run['seed']}_generation_*/outputs.npz")
        samples = np.load(kept)["images"] / np.float32(255)
        features = [extract(x) for x in (samples, data.validation.unit(), data.train.unit())]
        assert run["kd"] == pytest.approx(1e3 * kernel_distance(*features, HC85), abs=0.01)
        assert (run["n_reference"], run["subjects"]) == (len(data.validation), data.validation.n_subjects)


def test_nothing_is_measured_twice(made, tmp_path, mribench, monkeypatch):
    words = ("tune", made, "--samplers", "ddim-2,dpm-solver-2", "--out", tmp_path)
    assert mribench(*words[:3], "ddim-2", *words[4:]).code == 0
    both = mribench(*words)
    assert both.code == 0 and "| dpm-solver-2 | 2 |" in both.out
    monkeypatch.setattr(samplers, "measure", lambda *_: pytest.fail("measured again"))
    again = mribench(*words)
    assert again.out == both.out and (tmp_path / "samplers.md").read_text() in again.out
    assert len(files.read_json(tmp_path / "samplers.json")["runs"]) == 4


def test_the_table_is_of_what_was_asked_for_and_best_first():
    def run(sampler, organ, seed, kd):
        about = {"variant": "ddpm", "profile": "quick", "data": "phantom", "n": 256, "nfe": 9, "seconds": 2.0}
        return about | {"sampler": sampler, "modality": organ, "seed": seed, "kd": kd}

    values = {"slow": (100, 100, 400, 100), "quick": (50, 50, 200, -3), "unfinished": (1,)}
    cells = [("brain", 0), ("brain", 1), ("heart", 0), ("heart", 1)]
    runs = [
        run(name, *cell, kd) for name, kds in values.items() for cell, kd in zip(cells, kds, strict=False)
    ]
    machine = {"device": "a machine", "threads": 1}
    *_, first, second = samplers.markdown({"machine": machine, "runs": runs}).splitlines()
    # geometric mean of 50, 50, 200 and 1, which stands for what is below it
    assert first == "| quick | 9 | 2.0 | 50.0 | 98.5 | 26.6 (7.1, 100.0) | 4 |"
    assert second == "| slow | 9 | 2.0 | 100.0 | 250.0 | 141.4 (100.0, 200.0) | 0 |"


def test_what_cannot_be_compared_is_said_in_a_sentence(made, tmp_path, refused):
    assert "--samplers compares samplers on what a run has trained" in refused("tune", "--samplers", "ddim-2")
    assert "no-such" in refused("tune", made, "--samplers", "no-such-5", "--out", tmp_path)
    assert "nowhere" in refused("tune", tmp_path / "nowhere")
    assert "no generation" in refused("tune", made, "--modalities", "elbow", "--out", tmp_path)
    copy = shutil.copytree(made, tmp_path / "copy")
    for weights in copy.rglob("*.safetensors"):
        weights.unlink()
    assert "bring the checkpoint back" in refused("tune", copy, "--out", tmp_path)
