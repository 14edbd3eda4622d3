"""What several tests share: the command line in this process or another, and results made up for boards."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

# before torch or a hub is imported: two cores are shared, and no test may reach the network
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
# what a shell runs in the background ignores Ctrl-C, and so would every process that a test starts and interrupts
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from mribench import results
from mribench.cli import app
from mribench.metrics.uncertainty import round_for_record
from mribench.results import Result
from mribench.spec import Score

# with --dist loadfile a file that begins last keeps one core busy while the others wait
LONGEST = ("test_resume.py", "test_every_plugin.py", "test_conformance.py", "test_scaffold.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture
def mribench(monkeypatch, capsys):
    """``mribench(*words)`` in this process: code, out and err of the command line."""

    def call(*words: object) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["mribench", *map(str, words)])
        capsys.readouterr()
        try:
            app.main()
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


@pytest.fixture
def no_toys(monkeypatch):
    """Checks of a plugin but for the training on a toy, which slow tests and test_known_answers see."""
    from mribench.testing import kit, known

    few = tuple(check for check in kit.CHECKS["variants"] if check.run != known.it_learns_a_toy)
    assert len(few) == len(kit.CHECKS["variants"]) - 1
    monkeypatch.setitem(kit.CHECKS, "variants", few)


COMPARABILITY = {
    "modality": "brain",
    "data": "phantom",
    "data_kind": "phantom",
    "data_key": "a" * 64,
    "split": "test",
    "resolution": 32,
    "profile": "quick",
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


def of_training(result):
    """Provenance of a trained cell: each variant and seed has a checkpoint of its own."""
    checkpoint = f"{result.modality}_{result.variant}_s{result.seed}"
    return RESULT.provenance | {
        "checkpoint": checkpoint,
        "checkpoint_sha256": hashlib.sha256(checkpoint.encode()).hexdigest(),
        "outputs": f"{checkpoint}_{result.task}",
    }


def audit_of(result, verdict="not detected", **changes):
    """The audit of what one result produced."""
    fields = result.comparability | {"task": "audit v2", "metrics": [], "feature_spaces": []}
    provenance = dict(result.provenance)
    provenance |= {"reads": provenance.get("outputs"), "outputs": f"{provenance.get('checkpoint')}_audit"}
    made = {"task": "audit", "scores": (), "metrics": {}, "floor": {}, "spaces": {}, "comparability": fields}
    return replace(result, **made, provenance=provenance, audit={"verdict": verdict}, **changes)


@pytest.fixture
def audited():
    """``audited(results)``: the same and, of every trained result, an audit that says what the result says, or that
    nothing was detected."""

    def make(found):
        found = list(found)
        trained = {}
        for one in sorted(found, key=lambda one: one.task != "generation"):
            if not one.is_control:
                board = one.modality, one.comparability["data"], one.comparability["profile"]
                trained.setdefault((*board, one.name, str(one.versions), one.seed), one)
        verdicts = [((one.audit or {}).get("verdict", "not detected"), one) for one in trained.values()]
        return [*found, *(audit_of(one, verdict) for verdict, one in verdicts)]

    return make


@pytest.fixture
def result():
    """``result(value=..., **changes)`` is like what a run writes; ``same`` changes comparability."""

    def make(value=10.0, low=None, high=None, same=None, reason=None, **changes) -> Result:
        score = replace(RESULT.scores[0], value=value, low=low, high=high, reason=reason)
        changes = {"scores": (score,), "comparability": COMPARABILITY | (same or {})} | changes
        if changes.get("is_control"):
            known = results.CONTROLS.get(changes.get("variant"))
            changes = {"expected": known and asdict(known)} | changes
            changes = {"sampler": None, "provenance": {"training": None, "produced": {"nfe": None}}} | changes
        made = replace(RESULT, **changes)
        return (
            made
            if made.is_control or "provenance" in changes
            else replace(made, provenance=of_training(made))
        )

    return make


FLOOR = {
    "train_test": 2.0,
    "train_low": -4.0,
    "train_high": 6.0,
    "half_mean": 5.0,
    "half_low": -1.0,
    "half_high": 12.0,
    "n": 24,
    "n_reference": 12,
    "n_half": 6,
    "splits": 20,
    "subsamples": " ".join(
        map(repr, round_for_record(2 + 5 * np.random.default_rng(0).standard_normal(200)))
    ),
}


@pytest.fixture
def scored(result):
    """``scored(variant, value)``: a result of a board that ranks: 40 test subjects, floor, paired subsamples.

    Subsamples share the deviations of the test subjects and have some of their own: the standard error of a single
    value is 5, of a difference of two variants 1.4.
    """

    def make(variant="ddpm", value=100.0, seed=0, same=None, own=1.0, **changes) -> Result:
        shared = np.random.default_rng(0).standard_normal(200)
        alone = np.random.default_rng([seed, *variant.encode()]).standard_normal(200)
        drawn = value + 5 * shared + own * (alone - alone.mean())
        score = Score(
            "kd", value, 24, 40, value - 10, value + 10, 12, "hc85-v1", subsamples=round_for_record(drawn)
        )
        data = DATA | {"subjects": {"train": 80, "validation": 20, "test": 40}}
        about = {"scores": (score,), "data": data, "floor": {"kd[hc85-v1]": FLOOR}, "seed": seed}
        return result(same=same, variant=variant, **(about | changes))

    return make


@pytest.fixture
def controls(scored):
    """Results of all controls where they must land: a valid board, given trained rows beside them."""
    values = {"noise": 1300.0, "gaussian": 600.0, "train-replay": 3.0, "mode-collapse": 150.0, "blur": 900.0}
    return [
        scored(
            name, value, is_control=True, audit={"verdict": "MEMORISES"} if name == "train-replay" else None
        )
        for name, value in values.items()
    ]


@pytest.fixture
def run_folder(tmp_path):
    """``run_folder(name, *results)``: a folder as ``mribench run`` leaves it."""

    def make(name, *found):
        for one in found:
            results.write(tmp_path / name, one)
        return tmp_path / name

    return make


@pytest.fixture
def known_training(monkeypatch):
    """Rows of one seed are ranked as those of many: for tests of what else decides a rank."""
    monkeypatch.setattr("mribench.board.rows.Row.knows_training", lambda row, address: True)
