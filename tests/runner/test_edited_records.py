"""mribench verify: whoever edits a record, and knows its key and its digest, is found out."""

import json
import shutil
from dataclasses import replace

import pytest
from edited import AUDITED, GENERATED, doctor, edit, flat, not_reproduced, record

from mribench import manifest, results
from mribench.runner import identity, outputs, runspec, verify
from mribench.runner.run import run_suite


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
