"""The audit in a run: it reads what generation made, judges, draws pairs, and goes with the result."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mribench import results
from mribench.audit.examine import held_out as real
from mribench.audit.match import neighbours
from mribench.board import disclosure, publish
from mribench.plugins import lookup
from mribench.runner import runspec, stages
from mribench.runner.run import run_suite
from mribench.tasks.audit import AUDIT, pairs

SMALL = {
    "modalities": lookup.names("modalities")[:1],
    "variants": [],
    "controls": "train-replay",
    "profile": "smoke",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("audited")
    run_suite(runspec.make(**SMALL, tasks="audit", out=out))
    return out


def test_a_run_ends_with_a_verdict(folder):
    (found,) = results.read_all([folder])
    assert found.task == "audit" and found.scores == () and found.audit["verdict"] == "cannot say"
    assert found.audit["reasons"] == ["only 3 test subjects, 20 are needed"]
    assert found.audit["copy_rate"] == 1 and found.audit["findings"]["membership"]["auroc"] is None
    assert found.comparability["feature_spaces"] == ["hc85-v1"]
    assert (folder / found.figures["neighbours"]).exists()
    assert found.provenance["reads"] != found.provenance["outputs"]
    assert all((folder / "outputs" / found.provenance[word]).is_dir() for word in ("reads", "outputs"))


def test_generation_is_not_made_twice_and_a_verdict_not_again(folder, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("outputs.npz")}
    monkeypatch.setattr(stages, "_produce", lambda *_: pytest.fail("produced again"))
    judged = []
    watched = replace(AUDIT, judge=lambda *a: judged.append(a))
    monkeypatch.setattr(lookup, "load_all", _with(watched, lookup.load_all))
    run_suite(runspec.make(**SMALL, tasks="audit", out=folder))
    assert not judged and before == {path: path.stat().st_mtime_ns for path in folder.rglob("outputs.npz")}


def test_the_calibration_of_a_dataset_is_made_once_in_a_run(tmp_path, monkeypatch):
    from mribench.tasks import audit

    made = []
    monkeypatch.setattr(audit, "held_out", lambda data: made.append(data.key) or real(data))
    run_suite(runspec.make(**(SMALL | {"controls": ["noise", "train-replay"]}), tasks="audit", out=tmp_path))
    assert len(made) == 1 and len(results.read_all([tmp_path])) == 2


def _with(task, load_all):
    return lambda group, names: {"audit": task} if group == "tasks" else load_all(group, names)


def test_an_older_record_without_a_verdict_is_read(folder, tmp_path):
    (path,) = (folder / "results").rglob("*.json")
    record = json.loads(path.read_text())
    del record["audit"]
    (tmp_path / "old.json").write_text(json.dumps(record))
    assert results.read(tmp_path / "old.json").audit is None


def test_pairs_of_patients_stay_where_they_were_drawn(folder, tmp_path):
    """Of real data the picture shows patients: no list of what may be published names it."""
    assert "neighbours" not in disclosure.GENERATED
    (found,) = results.read_all([folder])
    for kind, out in (("real", tmp_path / "r"), ("phantom", tmp_path / "p")):
        run, shown = out / "run", dict(found.comparability) | {"data_kind": kind}
        results.write(run, replace(found, is_control=False, comparability=shown))
        (run / "figures").mkdir()
        (run / found.figures["neighbours"]).write_bytes(b"picture")
        publish.publish([run], out / "kept")
        assert (out / "kept" / found.figures["neighbours"]).exists() == (kind == "phantom")


def test_the_difference_of_a_hidden_copy_is_dark():
    rng = np.random.default_rng(0)
    train = np.pad(rng.integers(60, 200, (20, 24, 24), dtype=np.uint8), ((0, 0), (4, 4), (4, 4)))
    hidden = (np.roll(train[7], (2, -1), (0, 1))[:, ::-1] * 0.5 + 30).astype(np.uint8)
    near = neighbours(hidden[None], train, [f"s{i}" for i in range(20)])
    drawn = pairs(hidden[None], train, near, "a test")
    shown = drawn[-64:, :].reshape(32, 2, -1)[:, 0, ::2]
    assert (shown[:, :32] == hidden).all() and (shown[:, 34:66] == train[7]).all()
    assert shown[:, 68:100].max() <= 3
