"""mribench verify: a record's numbers come out again from its seed and checkpoint, and what does not is said."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from edited import AUDITED, GENERATED, doctor, edit, flat, not_reproduced, record
from PIL import Image

from mribench import hashing, results
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.runner import runspec, verify
from mribench.runner.run import run_suite


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
    assert ended.code == 1 and "audit.verdict not reproduced: 'cannot say', on record 'not detected'" in flat(
        ended
    )


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


def test_a_kept_board_is_verified_from_its_folder_and_from_a_file(run, tmp_path, mribench):
    found = [results.read(record(run, f"mode-collapse*{task}*")) for task in ("generation", "audit")]
    results.add(tmp_path / "kept", found)
    for path in (tmp_path / "kept", results.kept.path_of(tmp_path / "kept", "brain")):
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


def test_a_feature_space_that_a_run_would_refuse_is_refused(run, refused, monkeypatch):
    """Before anything is scored: what a space checks may only show in its numbers."""
    load = lookup.load

    def no_good():
        raise InputError("these are other weights: bring back those on record.")

    def checked(group, name):
        found = load(group, name)
        return replace(found, check=no_good) if group == "features" else found

    monkeypatch.setattr(lookup, "load", checked)
    assert "these are other weights" in refused("verify", "--rescore", record(run, GENERATED))


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
    (run / "data").mkdir()
    (run / "data" / "sources.json").write_text('{"local:images": "/mnt/scans/images"}')
    assert "give their source with --data, which was /mnt/scans/images" in refused("verify", path)


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


def test_the_files_that_a_run_chose_are_chosen_again(tmp_path, mribench, refused):
    """A record does not hold the patterns: they may name a patient."""
    source, brain = tmp_path / "scans", lookup.load("modalities", "brain")
    for subject in range(6):
        (source / f"sub-{subject}").mkdir(parents=True)
        for place in (1, 2):
            image = Image.fromarray((255 * brain.phantom(0, subject, place, size=32).image).astype("uint8"))
            image.save(source / f"sub-{subject}" / f"{place}_T1w.png")
            image.rotate(90).save(source / f"sub-{subject}" / f"{place}_turned.png")
    asked = {"modalities": "brain", "variants": [], "controls": "mode-collapse", "tasks": "generation,audit"}
    out, chosen = tmp_path / "run", ("--include", "*_T1w.png")
    run_suite(runspec.make(**asked, profile="smoke", data=source, include=chosen[1:], out=out))
    shutil.rmtree(out / "data")
    assert "with the --include and --exclude that the run had" in refused("verify", out, "--data", source)
    ended = mribench("verify", out, "--data", source, *chosen)
    assert ended.code == 0 and "2 results: 2 reproduced" in ended.out


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
    assert (
        "comparability.pipeline not reproduced: 'train v1, produce v99', on record 'train v1, produce v1'"
        in flat(ended)
    )


def test_no_result_is_one_sentence(tmp_path, refused):
    assert "no folder" in refused("verify", tmp_path / "gone")


def test_scoring_again_needs_no_plugin_of_the_model_or_organ(run, mribench, monkeypatch, refused):
    """Whoever has the outputs and the data can check a score, whatever made them."""
    gone = {"modalities": "brain", "variants": "ddpm", "samplers": "ddim"}
    load = lookup.load

    def missing(group, name):
        if gone.get(group) == name:
            raise InputError(f"unknown {group} {name!r}")
        return load(group, name)

    monkeypatch.setattr(lookup, "load", missing)
    shutil.rmtree(run / "train")
    for path in (record(run, GENERATED), record(run, "ddpm*denoising*"), record(run, AUDITED)):
        ended = mribench("verify", "--rescore", path)
        assert ended.code == 0 and ": reproduced" in ended.out, ended
        assert "data.title; data.contrast; data.is_mri; reported; versions.variant;" in flat(ended)
        assert "the record was made with mribench" in refused("verify", path)
    shutil.rmtree(run / "data")
    assert "unknown modalities 'brain'" in refused("verify", "--rescore", record(run, GENERATED))


def test_further_metrics_of_a_run_are_scored_again(run, monkeypatch):
    """``--metrics``: the record names what the task alone would not report."""
    path = record(run, "mode-collapse*denoising*")
    load = lookup.load

    def without_nmse(group, name):
        found = load(group, name)
        if (group, name) == ("tasks", "denoising"):
            return replace(found, metrics=tuple(metric for metric in found.metrics if metric != "nmse"))
        return found

    monkeypatch.setattr(lookup, "load", without_nmse)
    assert "nmse at 0.52409 not reproduced: absent now" in not_reproduced(run, path)
    doctor(path, lambda content: content["provenance"]["spec"].update(metrics=["nmse"]))
    found = verify.verify(run, results.read(path), rescore=True)
    assert not [check for check in found.checks if check.answer != "reproduced"]
