"""A task that does not apply to a variant: nothing is trained, and the record says why."""

import dataclasses

import pytest

from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.results import record
from mribench.runner import run, runspec, verify
from mribench.runner.cell import Cell
from mribench.runner.plan import resolve
from mribench.sampling.offers import NEEDS, not_applicable, offers
from mribench.spec import GenerativeModel, Task
from mribench.tasks.audit import AUDIT
from mribench.tasks.denoising import DENOISING
from mribench.tasks.generation import GENERATION
from mribench.tasks.likelihood import LIKELIHOOD
from mribench.testing.fixtures import toy_data
from mribench.variants.controls import NOISE
from mribench.variants.ddpm import DDPM

CODES = dataclasses.replace(DDPM, name="codes", encode=lambda x: x, decode=lambda z: z)
COLOURED = dataclasses.replace(DDPM, name="coloured", noise=lambda white: white)
SAMPLES = GenerativeModel("samples", "Samples", "", stages=(), generate=None)


@pytest.mark.parametrize(
    ("variant", "needs"),
    [
        (DDPM, set(NEEDS)),
        (dataclasses.replace(CODES, orthonormal=True), {"samples", "denoising", "likelihood"}),
        (CODES, {"samples"}),
        (COLOURED, {"samples", "process"}),
        (dataclasses.replace(DDPM, path=lambda scheduler: None), {"samples", "denoising"}),
        (SAMPLES, {"samples"}),
        (dataclasses.replace(SAMPLES, log_likelihood=len), {"samples", "likelihood"}),
        (NOISE, {"samples", "denoising"}),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_a_variant_offers_is_read_from_what_it_declares(variant, needs):
    assert offers(variant) == needs


def test_the_tasks_of_the_core_say_what_they_need_and_a_reason_is_one_clause():
    assert not any(not_applicable(task, NOISE) for task in (GENERATION, DENOISING, AUDIT))
    assert not_applicable(LIKELIHOOD, NOISE) == "it gives no likelihood of an image, being a control"
    assert not_applicable(DENOISING, COLOURED).endswith("as its noise is not white")
    assert not_applicable(DENOISING, SAMPLES) == NEEDS["denoising"]
    # a task of before there were needs is asked of everything
    assert not_applicable(Task("old", "", 1, (), None, None), SAMPLES) is None


@pytest.fixture
def nothing_to_train(tmp_path):
    """A run whose task does not apply to anything, and its folder."""
    out = tmp_path / "run"
    asked = {"variants": ["ddpm"], "controls": ["noise"], "tasks": ["likelihood"], "modalities": "brain"}
    return runspec.make(**asked, profile="smoke", out=out), out


def test_nothing_is_trained_where_nothing_is_asked(nothing_to_train, monkeypatch):
    spec, out = nothing_to_train
    monkeypatch.setattr("mribench.sampling.offers.offers", lambda variant: frozenset({"samples"}))
    found = run.run_suite(spec)
    assert [(r.variant, r.scores, bool(r.not_applicable)) for r in found] == [
        ("ddpm", (), True),
        ("noise", (), True),
    ]
    assert not list((out / "train").glob("*/*/*")) and not list((out / "outputs").glob("*"))
    assert found[0].provenance["checkpoint"] is None and found[0].sampler == "ddim-5"
    # a finished run is left as it is
    files = {path: path.stat().st_mtime_ns for path in (out / "results").rglob("*.json")}
    assert [r.not_applicable for r in run.run_suite(spec)] == [r.not_applicable for r in found]
    assert files == {path: path.stat().st_mtime_ns for path in (out / "results").rglob("*.json")}
    (_, noise) = found
    assert verify.verify(out, noise).answer == "reproduced"
    tampered = dataclasses.replace(noise, not_applicable="it was not in the mood")
    assert verify.verify(out, tampered).answer == "not reproduced"


def test_a_variant_is_trained_where_one_task_applies():
    plan = resolve(runspec.make(modalities="brain", variants="ddpm", tasks=["generation"], profile="smoke"))
    (modality,) = plan.modalities
    cell = Cell(modality, toy_data(), plan.variants[0], 0)
    assert cell.with_training(plan).trained == cell.train_folder(plan)
    assert dataclasses.replace(cell, variant=NOISE).with_training(plan).trained is None


def test_a_record_of_before_reads_and_writes_as_it_was(result):
    made = result()
    assert made.not_applicable is None and "not_applicable" not in record.to_json(made)


def test_a_task_on_a_track_of_its_own_has_its_own_key():
    from mribench.runner.record import empty_result

    plan = resolve(runspec.make(modalities="brain", variants="ddpm", tasks=["generation"], profile="smoke"))
    cell = Cell(plan.modalities[0], toy_data(), plan.variants[0], 0)
    plain, other = (
        empty_result(cell, task, plan)
        for task in (GENERATION, dataclasses.replace(GENERATION, track="k-space"))
    )
    assert "track" not in plain.comparability and other.comparability["track"] == "k-space"
    assert plain.key != other.key


def test_without_samplers_each_variant_has_one_that_fits():
    names = [
        name
        for name in ("ddpm", "edm", "coarse", "iddpm", "flow", "ldm-kl")
        if name in lookup.names("variants")
    ]
    plan = resolve(runspec.make(modalities="brain", variants=names, profile="quick"))
    chosen = {v.name: [c.name for c in plan.samplers_of(v)] for v in plan.variants if not v.is_control}
    assert chosen["ddpm"] == ["dpm-solver-16"]
    assert chosen.get("edm", ["heun-8"]) == ["heun-8"] == chosen.get("coarse", ["heun-8"])
    assert chosen.get("iddpm", ["iddpm-16"]) == ["iddpm-16"]
    assert chosen.get("flow", ["flow-euler-16"]) == ["flow-euler-16"]
    # what is written down means the same when it is read again
    assert resolve(plan.spec).own_samplers == plan.own_samplers
    # who names samplers is told what is missing
    with pytest.raises(InputError, match="'edm' has the forward process 'edm'"):
        resolve(dataclasses.replace(plan.spec, variants=("edm",), samplers=("ddim-5",)))
