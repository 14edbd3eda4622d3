"""A trained run made up in milliseconds, a Hub of this machine, and the command line in a process that talks to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hub_server import ALICE, Hub
from safetensors.numpy import save_file

from mribench import files, profiles, results
from mribench.data import prepare_data
from mribench.data.cards import terms
from mribench.plugins import lookup
from mribench.spec import Score
from mribench.training.folder import checkpoint_files, checkpoint_sha256

CHECKPOINT = "brain_ddpm_s0_0123456789ab"
SAMPLED = "brain_ddpm_ddim-5_s0_generation_aaaaaaaaaaaa"
TRAINING = {"steps": 40, "images_seen": 320, "seconds": 1.7, "parameters": 6, "prediction": "v_prediction"}
# runs each line of standard input as one command line, as many as there are: importing the client costs a second
DRIVER = """
import contextlib, io, json, os, sys, traceback
from mribench.cli import app
from mribench.hub import client
client.WAITS = (0.01, 0.01)
for line in sys.stdin:
    asked = json.loads(line)
    for name, value in asked["environment"].items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    os.chdir(asked["folder"])
    sys.argv = ["mribench", *asked["words"]]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            app.main()
        except SystemExit as end:
            code = end.code or 0
        except Exception:
            code = 99
            traceback.print_exc()
    sys.__stdout__.write(json.dumps([code, out.getvalue(), err.getvalue()]) + "\\n")
    sys.__stdout__.flush()
"""


@pytest.fixture(scope="session")
def server():
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def hub(server, surroundings):
    """Nothing published, and nothing in the client's cache."""
    server.clear()
    shutil.rmtree(surroundings["HF_HOME"], ignore_errors=True)
    return server


@pytest.fixture(scope="session")
def surroundings(server, tmp_path_factory):
    """Environment of a process whose Hub is ours; constants of the client are read when it is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return kept | {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path_factory.mktemp("hf")),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_ETAG_TIMEOUT": "5",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="session")
def driver(surroundings):
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings,
    )
    yield process
    process.stdin.close()
    process.wait(timeout=30)


@pytest.fixture
def shared(driver, hub, tmp_path):
    """``shared(*words, token=ALICE, **environment)``: code, out and err of a command that reaches our Hub."""

    def call(*words, token=ALICE, **environment) -> SimpleNamespace:
        asked = {
            "words": [*map(str, words)],
            "folder": str(tmp_path),
            "environment": {"HF_TOKEN": token} | environment,
        }
        driver.stdin.write(json.dumps(asked) + "\n")
        driver.stdin.flush()
        code, out, err = json.loads(driver.stdout.readline())
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture
def sentence_of(shared, sentence):
    """``sentence_of(*words)``: exit code 2 and the last line on standard error, which is one sentence."""

    def call(*words, **about) -> str:
        ended = shared(*words, **about)
        assert ended.code == 2, ended
        *_, last = ended.err.strip().splitlines()
        return sentence(last)

    return call


@pytest.fixture
def trained(tmp_path, result):
    """``trained(name="run", ...)``: a run folder with one trained cell and a control.

    weights: further numbers in its file; write: makes another pipeline in the folder that it is given; stages: makes
    all networks in the folder of the training, and returns those with a folder of their own; budget: its profile, whose
    first sampler is that of the records; conditions: of the training.
    """

    def make(
        name="run",
        rows=None,
        data=None,
        value=10.0,
        checkpoint=CHECKPOINT,
        seed=0,
        weights=0,
        write=None,
        stages=None,
        variant="ddpm",
        budget=profiles.SMOKE,
        conditions=None,
    ) -> Path:
        run = tmp_path / name
        rows = rows if rows is not None else [terms.of_phantom()]
        pipeline = run / "train" / checkpoint / "best"
        (pipeline / "unet").mkdir(parents=True)
        (pipeline / "scheduler").mkdir()
        tensors = {"conv_in.weight": np.arange(6, dtype=np.float32).reshape(2, 3) + seed}
        if weights:
            tensors["large"] = np.full(weights, seed, dtype=np.float32)
        save_file(tensors, pipeline / "unet" / "diffusion_pytorch_model.safetensors", {"format": "pt"})
        files.write_json(
            pipeline / "model_index.json", {"_class_name": "DDPMPipeline", "unet": ["diffusers", "U"]}
        )
        files.write_json(
            pipeline / "unet" / "config.json", {"_class_name": "U", "_name_or_path": "/home/x/y"}
        )
        files.write_json(pipeline / "scheduler" / "scheduler_config.json", {"_class_name": "DDPMScheduler"})
        if write:
            write(pipeline)
        training = TRAINING | ({"stages": stages(pipeline.parent)} if stages else {})
        training |= {"conditions": conditions} if conditions else {}
        files.write_json(run / "train" / checkpoint / "train.json", training)
        files.write_json(run / "train" / checkpoint / terms.TERMS, rows)
        sampled = run / "outputs" / SAMPLED
        sampled.mkdir(parents=True, exist_ok=True)
        np.savez(sampled / "outputs.npz", images=np.zeros((4, 8, 8), np.uint8))
        same, about = {}, {"terms": rows}
        if data is not None:
            same = {"data": data.name, "data_kind": data.kind, "data_key": data.key}
        provenance = {
            "checkpoint": checkpoint,
            "checkpoint_sha256": checkpoint_sha256(checkpoint_files(pipeline.parent, "best")),
            "training": training,
            "produced": {"nfe": [5]},
            "outputs": SAMPLED,
            "profile": asdict(budget),
            "spec": {"profile": budget.name, "train_steps": None, "precision": None, "data": "phantom"},
            "plugins": {"modality": "mribench-brain 0.1.0", "variant": lookup.owner("variants", variant)},
            "data_key": data.key if data else "a" * 64,
        }
        one = result(value, value - 2, value + 2, seed=seed, same=same, provenance=provenance)
        blank = Score("fid", None, 24, 4, reason="no weights in /home/jdoe/inception.pth", space="inception")
        metrics = dict(one.metrics) | {"fid": one.metrics["kd"]}
        one = replace(
            one,
            variant=variant,
            sampler=next(iter(budget.samplers), None),
            data=dict(one.data) | about,
            scores=(*one.scores, blank),
            metrics=metrics,
        )
        control = result(value=50.0, variant="gaussian", is_control=True, same=same)
        for record in (one, replace(control, data=dict(control.data) | about)):
            results.write(run, record)
        return run

    return make


@pytest.fixture
def clinic(tmp_path):
    """A prepared set of a user's own files in the run folder ``run``: its subjects must never be seen."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:24j, -1:1:24j]
    images = ((x**2 + y**2 < 0.7) * rng.integers(60, 250, (36, 24, 24))).astype(np.uint8)
    subjects = [f"PAT-{i // 3:04d}-Mueller" for i in range(36)]
    np.savez(tmp_path / "scans.npz", images=images, subject=np.array(subjects))
    profile = replace(profiles.SMOKE, size=16)
    return prepare_data(
        lookup.load("modalities", "brain"), str(tmp_path / "scans.npz"), profile, tmp_path / "run"
    )
