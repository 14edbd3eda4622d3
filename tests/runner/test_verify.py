"""mribench verify: a record's numbers come out again from its seed and checkpoint, and what does not is said."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mribench import hashing, results
from mribench.errors import InputError
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


def record(run, pattern):
    return next((run / "results" / "brain").glob(pattern))


def edit(path, change):
    """Doctor the scores of a record that are not blank (three scales of SSIM do not fit 32 pixels)."""
    content = json.loads(path.read_text())
    for score in content["scores"]:
        if score["value"] is not None:
            change(score)
    path.write_text(json.dumps(content))


def test_a_run_is_reproduced_to_the_bit(run, mribench):
    ended = mribench("verify", run)
    lines = [line for line in ended.out.splitlines() if line]
    assert ended.code == 0 and len(lines) == 7
    assert all(": reproduced, images bit-equal" in line for line in lines[:-1])
    assert lines[-1] == "6 results: 6 reproduced"


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
    content = json.loads(path.read_text())
    content["audit"]["verdict"] = "not detected"
    path.write_text(json.dumps(content))
    ended = mribench("verify", path)
    assert ended.code == 1 and "on record 'not detected'" in ended.out


def test_a_number_inside_its_interval_passes_and_is_said(run, mribench):
    path = record(run, "ddpm*denoising*")
    edit(path, lambda score: score.update(value=(score["value"] + score["high"]) / 2))
    ended = mribench("verify", path)
    assert (
        ended.code == 0
        and ": within interval, images bit-equal; scores: 6 reproduced, 36 within interval" in ended.out
    )


def test_kept_outputs_that_differ_are_said(run):
    path = record(run, "mode-collapse*generation*")
    (out, result), *_ = verify.find(path)
    kept = run / "outputs" / result.provenance["outputs"] / "outputs.npz"
    images = dict(np.load(kept))["images"]
    images[3, 0, 0] ^= 4
    np.savez(kept, images=images)
    found = verify.verify(out, result)
    assert found.answer == "reproduced"
    assert found.images == "1 of 24 images differ, by 4 grey levels at most"
    assert verify.verify(out, result, rescore=True).images is None
    kept.unlink()
    assert (
        verify.verify(out, result).images
        == "not compared, no outputs are here (a published model brings none)"
    )
    with pytest.raises(InputError, match="verify without rescoring"):
        verify.verify(out, result, rescore=True)


def test_data_are_prepared_again_where_they_are_gone(run, mribench):
    shutil.rmtree(run / "data")
    ended = mribench("verify", record(run, "mode-collapse*generation*"))
    assert ended.code == 0 and "reproduced, images bit-equal" in ended.out
    assert not (run / "data").exists()


def test_a_kept_board_is_verified_from_its_one_file(run, tmp_path, mribench):
    ((_, found),) = verify.find(record(run, "mode-collapse*generation*"))
    results.add(tmp_path / "kept", [found])
    for path in (tmp_path / "kept", tmp_path / "kept" / results.RECORDS):
        ended = mribench("verify", path)
        assert ended.code == 0 and "reproduced, images not compared" in " ".join(ended.out.split())


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
    path.write_text(
        json.dumps(
            content
            | {
                "comparability_key": results.Result(
                    **{k: v for k, v in content.items() if k not in ("schema", "comparability_key")}
                ).key
            }
        )
    )
    assert refused("verify", path).endswith("give their source with --data")
    (run / "data").mkdir()
    (run / "data" / "sources.json").write_text('{"local:images": "/mnt/scans/images"}')
    said = refused("verify", path)
    assert said.endswith("give their source with --data, which was /mnt/scans/images")


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
    assert (
        ended.code == 0
        and "changed since: pipeline: train v" in ended.out
        and "produce v99 here" in ended.out
    )


def test_no_result_is_one_sentence(tmp_path, refused):
    assert "no folder" in refused("verify", tmp_path / "gone")
