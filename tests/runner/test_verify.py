"""mribench verify: a record's numbers come out again from its seed and checkpoint, and what does not is said."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mribench import hashing, manifest, results
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.results import digest
from mribench.runner import identity, outputs, runspec, verify
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


GENERATED, AUDITED = "ddpm*generation*", "ddpm*audit*"


def not_reproduced(run, path, *said, rescore=True):
    """What ``verify`` says of a record that was doctored: not reproduced, and by which words."""
    found = verify.verify(run, results.read(path), rescore=rescore)
    told = "\n".join(
        f"{check.label} {check.answer}: {check.said}" for check in (*found.fields, *found.checks)
    )
    assert found.answer == "not reproduced", told
    assert all(words in told for words in said), told
    return told


def kernel_distance(content):
    return next(s for s in content["scores"] if (s["metric"], s["space"]) == ("kd", "hc85-v1"))


def numbers(line):
    return [float(word) for word in line.split()]


def times(score, factor):
    """Value, interval and subsamples, multiplied."""
    score |= {name: score[name] * factor for name in ("value", "low", "high") if score[name] is not None}
    for name in ("per_subject", "subsamples"):
        score[name] = " ".join(repr(x * factor) for x in numbers(score[name]))


@pytest.mark.parametrize("how", ["the file", "null"])
def test_an_audit_that_was_removed_is_found(how, run, mribench):
    audit = record(run, AUDITED)
    if how == "null":
        doctor(audit, lambda content: content.update(audit=None))
        not_reproduced(run, audit, "audit not reproduced: absent on record")
    else:
        audit.unlink()
    not_reproduced(run, record(run, GENERATED), "no audit: no audit of the same checkpoint, seed and outputs")
    assert mribench("verify", "--rescore", record(run, GENERATED)).code == 1


def test_an_audit_of_another_checkpoint_is_none(run):
    def change(content):
        content["provenance"]["checkpoint_sha256"] = "0" * 64

    audit = results.read(record(run, AUDITED))
    doctor(record(run, AUDITED), change)
    result = results.read(record(run, GENERATED))
    assert identity.audits(audit, result)
    other = results.read(record(run, AUDITED))
    assert not identity.audits(other, result)
    found = verify.verify(run, result, rescore=True, beside=[result, other])
    assert [check.label for check in found.fields] == ["audit"]


def test_numbers_of_an_audit_are_compared(run):
    path = doctor(record(run, AUDITED), lambda content: content["audit"]["findings"]["gap"].update(p=0.9999))
    not_reproduced(run, path, "audit.findings.gap.p not reproduced")


@pytest.mark.parametrize("pattern", [GENERATED, "ddpm*denoising*"])
def test_numbers_that_are_all_a_tenth_better_are_found(pattern, run, mribench):
    path = edit(record(run, pattern), lambda score: times(score, 0.9))
    not_reproduced(run, path)
    assert mribench("verify", "--rescore", path).code == 1


def test_an_interval_on_record_does_not_judge_its_own_value(run, mribench):
    path = doctor(
        record(run, GENERATED),
        lambda content: kernel_distance(content).update(value=-50.0, low=-1e6, high=1e6),
    )
    not_reproduced(run, path, "kd[hc85-v1] not reproduced", "on record -50 [-1e+06, 1e+06]")
    assert mribench("verify", path).code == 1


EDITS = {
    "test subjects of a score": (lambda c: kernel_distance(c).update(subjects=4000), "on record 4000"),
    "images of a score": (lambda c: kernel_distance(c).update(n=9), "n 24, on record 9"),
    "references of a score": (lambda c: kernel_distance(c).update(n_reference=8), "on record 8"),
    "test subjects": (lambda c: c["data"]["subjects"].update(test=4000), "data.subjects.test not reproduced"),
    "known subjects": (
        lambda c: c["data"].update(subjects_known=False),
        "data.subjects_known not reproduced",
    ),
    "images": (lambda c: c["data"]["images"].update(test=4000), "data.images.test not reproduced"),
    "floor": (
        lambda c: c["floor"]["kd[hc85-v1]"].update(train_test=900.0),
        "floor.kd[hc85-v1].train_test not reproduced",
    ),
    "spread of the floor": (
        lambda c: c["floor"]["kd[hc85-v1]"].update(subsamples="1.0 2.0"),
        "floor.kd[hc85-v1].subsamples not reproduced",
    ),
    "floor left out": (
        lambda c: c["floor"].pop("kd[hc85-v1]"),
        "floor.kd[hc85-v1] not reproduced: absent on record",
    ),
    "trust": (
        lambda c: c["spaces"]["hc85-v1"].update(trusted=False),
        "spaces.hc85-v1.trusted not reproduced",
    ),
    "trust left out": (
        lambda c: c["spaces"].pop("hc85-v1"),
        "spaces.hc85-v1 not reproduced: absent on record",
    ),
    "a score left out": (lambda c: c["scores"].remove(kernel_distance(c)), "absent on record"),
    "a score of its own": (
        lambda c: c["scores"].append(kernel_distance(c) | {"level": 0.5}),
        "not reproduced: absent now",
    ),
    "a score made blank": (
        lambda c: kernel_distance(c).update(value=None, low=None, high=None, subsamples="", reason="no"),
        "kd[hc85-v1] not reproduced",
    ),
    "primary": (lambda c: c.update(primary="precision"), "primary not reproduced"),
    "direction": (lambda c: c["metrics"]["kd"].update(direction="up"), "metrics.kd.direction not reproduced"),
    "level name": (lambda c: c.update(level_name="R"), "level_name not reproduced"),
    "where it must land": (
        lambda c: c.update(expected={"place": "last", "because": "x"}),
        "expected not reproduced",
    ),
    "control": (lambda c: c.update(is_control=True), "is_control not reproduced"),
    "version": (lambda c: c["versions"].update(variant=7), "versions.variant not reproduced"),
    "profile": (
        lambda c: c["comparability"].update(profile="standard"),
        "comparability.profile not reproduced",
    ),
    "n": (lambda c: c["comparability"].update(n_generated=48), "comparability.n_generated not reproduced"),
}


@pytest.mark.parametrize("what", EDITS)
def test_whatever_a_rank_uses_is_compared(what, run):
    change, said = EDITS[what]
    not_reproduced(run, doctor(record(run, GENERATED), change), said)


@pytest.mark.parametrize("what", ["test subjects", "floor", "a score left out"])
def test_what_is_not_reproduced_ends_with_1(what, run, mribench):
    path = doctor(record(run, GENERATED), EDITS[what][0])
    assert mribench("verify", path).code == 1


def test_another_order_of_subjects_is_found(run):
    def change(score):
        score["per_subject"] = " ".join(reversed(score["per_subject"].split()))

    not_reproduced(run, edit(record(run, "ddpm*denoising*"), change), "values of single subjects")


def test_a_record_that_was_edited_and_not_sealed_again_is_found(run, mribench):
    path = record(run, GENERATED)
    content = json.loads(path.read_text())
    content["provenance"]["training"]["images_seen"] = 1
    path.write_text(json.dumps(content))
    not_reproduced(run, path, "digest not reproduced: the record was edited after it was written")
    del content["digest"]
    path.write_text(json.dumps(content))
    ended = mribench("verify", "--rescore", path)
    assert ended.code == 0 and "the record's digest (an older mribench wrote none)" in flat(ended)


@pytest.mark.parametrize("rescore", [True, False])
def test_outputs_that_were_exchanged_and_scored_again_are_found(rescore, run):
    """The record and its hash were made at another time than the outputs that lie there now."""
    path = record(run, GENERATED)
    result = results.read(path)
    theirs = run / "outputs" / result.provenance["outputs"] / "outputs.npz"
    copies = results.read(record(run, "mode-collapse*generation*")).provenance["outputs"]
    shutil.copyfile(run / "outputs" / copies / "outputs.npz", theirs)
    manifest.write(theirs.parent / manifest.NAME, [theirs, theirs.parent / "made.json"])
    path.unlink()
    asked = {"modalities": "brain", "profile": "smoke", "train_steps": 1, "controls": "mode-collapse"}
    run_suite(runspec.make(**asked, out=str(run)))
    told = not_reproduced(run, record(run, GENERATED), rescore=rescore)
    assert "outputs are not those on record" in told


@pytest.mark.parametrize("rescore", [True, False])
def test_a_seed_filed_as_another_is_found(rescore, run):
    result = results.read(record(run, "mode-collapse*generation*"))
    path = results.write(run, replace(result, seed=7))
    told = not_reproduced(run, path, "is of another cell than brain_mode-collapse_s7", rescore=rescore)
    assert rescore or "no audit" in told
    # with folders renamed as well, the kept outputs are all that there is, and what is not generated is not checked
    name = result.provenance["outputs"].replace("_s0_", "_s7_")
    shutil.copytree(run / "outputs" / result.provenance["outputs"], run / "outputs" / name)
    found = replace(result, seed=7, provenance={**result.provenance, "outputs": name})
    audit = results.read(record(run, "mode-collapse*audit*"))
    beside = [replace(audit, seed=7, provenance={**audit.provenance, "reads": name})]
    again = verify.verify(run, found, rescore=rescore, beside=beside)
    assert again.answer == ("reproduced" if rescore else "not reproduced")
    assert (outputs.NOT_GENERATED in again.not_checked) == rescore


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
