"""mribench verify: a record's numbers come out again from its seed and checkpoint, and what does not is said."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mribench import hashing, results
from mribench.errors import InputError
from mribench.results import digest
from mribench.runner import runspec, verify
from mribench.runner.run import run_suite


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of one organ, one trained step, one control."""
    out = tmp_path_factory.mktemp("run")
    asked = {"modalities": "brain", "profile": "smoke", "train_steps": 1, "controls": "mode-collapse"}
    run_suite(runspec.make(**asked, out=str(out)))
    return out


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def flat(ended):
    """What was printed, without the line breaks of a narrow terminal."""
    return " ".join(ended.out.split())


def record(run, pattern):
    return next((run / "results" / "brain").glob(pattern))


def doctor(path, change):
    """Edit a record as somebody would who knows its key and its digest, and makes both anew."""
    content = json.loads(path.read_text())
    change(content)
    content["comparability_key"] = hashing.json_hash(content["comparability"])
    content["digest"] = digest.digest(content)
    path.write_text(json.dumps(content))
    return path


def edit(path, change):
    """Doctor the scores of a record that are not blank (three scales of SSIM do not fit 32 pixels)."""

    def change_each(content):
        for score in content["scores"]:
            if score["value"] is not None:
                change(score)

    return doctor(path, change_each)


def test_a_run_is_reproduced_to_the_bit(run, mribench):
    ended = mribench("verify", run)
    lines = [line for line in ended.out.splitlines() if line]
    assert ended.code == 0, ended.out
    assert len([line for line in lines if ": reproduced, images bit-equal" in line]) == 6
    assert lines[-1] == "6 results: 6 reproduced"
    assert "not checked: times, memory and machine; versions of packages; pictures; training (" in flat(ended)


def test_a_number_that_was_made_up_is_found(run, mribench):
    path = record(run, "ddpm*denoising*")
    edit(
        path,
        lambda score: score.update(value=score["value"] + 1, low=score["low"] + 1, high=score["high"] + 1),
    )
    ended = mribench("verify", path)
    assert ended.code == 1 and "not reproduced, images bit-equal; scores: 36 not reproduced" in ended.out


def test_a_verdict_that_was_made_up_is_found(run, mribench):
    path = record(run, "mode-collapse*audit*")
    doctor(path, lambda content: content["audit"].update(verdict="not detected"))
    ended = mribench("verify", path)
    assert ended.code == 1 and "audit.verdict not reproduced: 'cannot say', on record 'not detected'" in flat(ended)


def test_kept_outputs_that_differ_are_said(run):
    path = record(run, "mode-collapse*generation*")
    (out, result), *_ = verify.find(path)
    kept = run / "outputs" / result.provenance["outputs"] / "outputs.npz"
    images = dict(np.load(kept))["images"]
    images[3, 0, 0] ^= 4
    np.savez(kept, images=images)
    for found in (verify.verify(out, result), verify.verify(out, result, rescore=True)):
        assert found.answer == "not reproduced"
        assert "outputs are not those on record" in " ".join(check.said for check in found.fields)
    kept.unlink()
    # the record knows the hash of what it was made from
    assert verify.verify(out, result).images == "bit-equal"
    with pytest.raises(InputError, match="verify without rescoring"):
        verify.verify(out, result, rescore=True)


def test_data_are_prepared_again_where_they_are_gone(run, mribench):
    shutil.rmtree(run / "data")
    ended = mribench("verify", record(run, "mode-collapse*generation*"))
    assert ended.code == 0 and "reproduced, images bit-equal" in ended.out
    assert not (run / "data").exists()


def test_a_kept_board_is_verified_from_its_one_file(run, tmp_path, mribench):
    found = [results.read(record(run, f"mode-collapse*{task}*")) for task in ("generation", "audit")]
    results.add(tmp_path / "kept", found)
    for path in (tmp_path / "kept", tmp_path / "kept" / results.RECORDS):
        ended = mribench("verify", path)
        assert ended.code == 0 and "reproduced, images bit-equal" in flat(ended), ended.out


def test_another_checkpoint_or_none_is_refused(run, refused):
    path = record(run, "ddpm*generation*")
    weights = next((run / "train").glob("*/best/unet/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert "is not the checkpoint on record" in refused("verify", path)
    weights.unlink()
    assert "bring the checkpoint back" in refused("verify", path)


def test_a_plugin_that_is_missing_is_named_with_its_package(run, refused, tmp_path):
    ((_, found),) = verify.find(record(run, "mode-collapse*generation*"))
    comparability = dict(found.comparability) | {"modality": "wrist"}
    plugins = dict(found.provenance["plugins"]) | {"modality": "mribench-wrist 3.1"}
    provenance = dict(found.provenance) | {"plugins": plugins}
    theirs = replace(found, modality="wrist", comparability=comparability, provenance=provenance)
    said = refused("verify", results.write(tmp_path / "theirs", theirs))
    assert "unknown modality 'wrist'; " in said
    assert said.endswith("the record was made with mribench 0.1.0, mribench-wrist 3.1")


def test_other_data_are_refused(run, refused):
    """The same phantom with other settings: its content hash is another."""
    path = record(run, "mode-collapse*generation*")
    content = json.loads(path.read_text())
    content["provenance"]["profile"]["phantom_slices"] = 2
    path.write_text(json.dumps(content))
    shutil.rmtree(run / "data")
    assert "gives images with key" in refused("verify", path)
    content["comparability"]["data"] = "local:images"
    content["comparability_key"] = hashing.json_hash(content["comparability"])
    path.write_text(json.dumps(content))
    assert "give their source with --data" in refused("verify", path)


def test_a_record_names_no_folder_of_this_machine(run, refused, tmp_path):
    """Who verifies a stranger's record must not read what the stranger asks for."""
    path = record(run, "ddpm*generation*")
    content = json.loads(path.read_text())
    (tmp_path / "private").mkdir()
    content["comparability"]["data"] = str(tmp_path / "private")
    content["comparability_key"] = hashing.json_hash(content["comparability"])
    path.write_text(json.dumps(content))
    shutil.rmtree(run / "data")
    assert "give their source with --data" in refused("verify", path)


@pytest.mark.parametrize(
    "change", [{"unheard": 1}, {"network": {"channels": [8], "unheard": 1}}, {"size": None}]
)
def test_settings_of_another_version_are_refused(change, run, refused):
    path = record(run, "mode-collapse*generation*")
    content = json.loads(path.read_text())
    if change == {"size": None}:
        del content["provenance"]["profile"]["size"]
    else:
        content["provenance"]["profile"] |= change
    path.write_text(json.dumps(content))
    assert "use the version on record" in refused("verify", path)


def test_what_changed_since_is_named(run, mribench, monkeypatch):
    monkeypatch.setattr("mribench.runner.record.PRODUCE_VERSION", 99)
    ended = mribench("verify", "--rescore", record(run, "mode-collapse*generation*"))
    assert ended.code == 1
    assert "comparability.pipeline not reproduced: 'train v1, produce v99', on record 'train v1, produce v1'" in flat(ended)


def test_no_result_is_one_sentence(tmp_path, refused):
    assert "no folder" in refused("verify", tmp_path / "gone")
