"""What several tests share: the command line in this process or another, and results made up for boards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

# before torch or a hub is imported: two cores are shared, and no test may reach the network
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")

from mribench import cli, results
from mribench.results import Result
from mribench.spec import Score


@pytest.fixture
def mribench(monkeypatch, capsys):
    """``mribench(*words)`` in this process: code, out and err of the command line."""

    def call(*words: object) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["mribench", *map(str, words)])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return call


@pytest.fixture
def sentence():
    """``sentence(err)``: the one on standard error, last of all; lines of progress may stand before it."""

    def find(said: str) -> str:
        *before, last = said.strip().splitlines()
        assert last.startswith("mribench: "), said
        assert all(re.match(r"[\w ]+: \d+/\d+", line) for line in before), said
        return last

    return find


@pytest.fixture
def refused(mribench, sentence):
    """``refused(*words)``: exit code 2 and one sentence, which is returned; before it, nothing but progress."""

    def call(*words: object) -> str:
        ended = mribench(*words)
        assert ended.code == 2, ended
        return sentence(ended.err)

    return call


@pytest.fixture
def python():
    """``python(code, path=...)`` in a fresh interpreter, with a folder put on sys.path: code, out and err."""

    def call(code: str, path: object = "") -> SimpleNamespace:
        paths = [str(path), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
        )
        return SimpleNamespace(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    return call


COMPARABILITY = {
    "modality": "brain",
    "data": "phantom",
    "data_kind": "phantom",
    "data_key": "a" * 64,
    "split": "test",
    "resolution": 32,
    "profile": "smoke",
    "budget": "0123456789ab",
    "task": "generation v1",
    "metrics": ["kd v1"],
    "feature_spaces": ["hc85-v1"],
    "n_generated": 24,
    "n_reference": 12,
}
KD = {"kd": {"title": "Kernel distance", "unit": "1e-3", "direction": "down", "paper": "a paper"}}
DATA = {
    "title": "Brain",
    "contrast": "T1w",
    "is_mri": True,
    "images": {"train": 48, "validation": 12, "test": 12},
    "subjects": {"train": 16, "validation": 4, "test": 4},
}
RESULT = Result(
    modality="brain",
    variant="ddpm",
    sampler="ddim-5",
    seed=0,
    task="generation",
    is_control=False,
    scores=(Score("kd", 10.0, 24, 4, 8.0, 12.0, 12, "hc85-v1"),),
    comparability=COMPARABILITY,
    data=DATA,
    provenance={"training": {"images_seen": 320, "seconds": 3.6}, "produced": {"nfe": [5]}},
    metrics=KD,
)


@pytest.fixture
def result():
    """``result(value=..., **changes)`` is like what a run writes; ``same`` changes comparability."""

    def make(value=10.0, low=None, high=None, same=None, reason=None, **changes) -> Result:
        score = replace(RESULT.scores[0], value=value, low=low, high=high, reason=reason)
        changes = {"scores": (score,), "comparability": COMPARABILITY | (same or {})} | changes
        if changes.get("is_control"):
            changes = {"sampler": None, "provenance": {"training": None, "produced": {"nfe": None}}} | changes
        return replace(RESULT, **changes)

    return make


@pytest.fixture
def run_folder(tmp_path):
    """``run_folder(name, *results)``: a folder as ``mribench run`` leaves it."""

    def make(name, *found):
        for one in found:
            results.write(tmp_path / name, one)
        return tmp_path / name

    return make
