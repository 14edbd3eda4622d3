"""One training for all organs of a run: shared by their cells, on record, resumed, verified."""

from dataclasses import replace

import pytest
from families import TOLD

import mribench
from mribench import results
from mribench.errors import InputError
from mribench.hub.cells import trained_cells
from mribench.plugins import lookup
from mribench.runner import identity, run, runspec
from mribench.runner.cell import Cell
from mribench.runner.plan import resolve
from mribench.runner.verify import verify

ORGANS = lookup.names("modalities")[:2]
GUIDED = replace(TOLD, name="tiny-guided", guidance=2.0, trained_as=TOLD.name)
OWN = {variant.name: variant for variant in (TOLD, GUIDED)}

pytestmark = pytest.mark.skipif(len(ORGANS) < 2, reason="needs two modality plugins")


@pytest.fixture(scope="module")
def told():
    """The variants of this file under their names, as if a package had brought them."""
    with pytest.MonkeyPatch.context() as patch:
        load, names = lookup.load, lookup.names
        patch.setattr(lookup, "load", lambda group, name: OWN.get(name) or load(group, name))
        patch.setattr(lookup, "names", lambda group: [*names(group), *(OWN if group == "variants" else ())])
        yield


SETTINGS = {
    "controls": "noise",
    "tasks": "generation",
    "features": "hc85-v1",
    "profile": "smoke",
    "train_steps": 6,
}


@pytest.fixture(scope="module")
def shared(told, tmp_path_factory):
    """A run of two organs and two variants that share a training."""
    out = tmp_path_factory.mktemp("joint")
    mribench.run(modalities=ORGANS[::-1], variants=list(OWN), out=str(out), **SETTINGS)
    return out


def records(out):
    return [result for result in results.read_all([out]) if not result.is_control]


def test_one_training_serves_all_organs_and_both_weights(shared):
    found = records(shared)
    assert {(r.modality, r.variant) for r in found} == {(organ, name) for organ in ORGANS for name in OWN}
    (folder,) = (shared / "train").iterdir()
    assert folder.name.startswith(f"organs-2_{TOLD.name}_s0_")
    assert {r.provenance["checkpoint"] for r in found} == {folder.name}


def test_each_record_says_which_organs_shared_it_and_at_what_cost(shared):
    for result in records(shared):
        training = result.provenance["training"]
        assert result.organs == tuple(sorted(ORGANS))
        # as many steps, and so FLOPs, as two trainings of one organ
        assert training["steps"] == 12 and training["tflop"] > 0
        assert len(training["conditions"]["modality"]["images"]) == 2


def test_the_row_says_so(shared):
    text = (shared / "leaderboard.md").read_text()
    assert text.count("1 training for 2 organs") == 4
    assert f"{GUIDED.name}, {TOLD.name}: one training for {', '.join(sorted(ORGANS))}: 12 steps" in text


def test_guidance_costs_two_evaluations(shared):
    nfe = {r.variant: r.provenance["produced"]["nfe"] for r in records(shared)}
    assert nfe == {TOLD.name: [5], GUIDED.name: [10]}


def test_it_is_reproduced_without_the_other_organ(shared):
    guided = next(r for r in records(shared) if r.variant == GUIDED.name)
    for path in (shared / "data").glob(f"{next(o for o in ORGANS if o != guided.modality)}*"):
        assert path.rename(path.with_name(f".hidden-{path.name}"))
    try:
        found = verify(shared, guided, beside=[])
    finally:
        for path in (shared / "data").glob(".hidden-*"):
            path.rename(path.with_name(path.name.removeprefix(".hidden-")))
    assert found.images == "bit-equal" and not [c for c in found.fields if c.label != "audit"]


def test_a_checkpoint_of_other_organs_is_noticed(shared):
    result = records(shared)[0]
    other = {**result.provenance, "checkpoint": "organs-3_tiny-told_s0_0123456789ab"}
    assert "checkpoint" in {c.label for c in identity.checks(replace(result, provenance=other), [])}


def test_a_finished_suite_trains_and_draws_nothing(shared, told):
    before = {p: p.stat().st_mtime_ns for p in shared.glob("*/**/*") if p.is_file()}
    mribench.run(modalities=ORGANS[::-1], variants=list(OWN), out=str(shared), **SETTINGS)
    assert before == {p: p.stat().st_mtime_ns for p in shared.glob("*/**/*") if p.is_file()}


def test_it_is_not_pushed_as_a_model(shared):
    with pytest.raises(InputError, match="is told its organ"):
        trained_cells(shared)


@pytest.fixture
def cells(told, shared, tmp_path):
    plan = resolve(runspec.make(modalities=ORGANS, variants=list(OWN), out=str(tmp_path), **SETTINGS))
    data = {modality.name: run._prepared(modality, replace(plan, out=shared)) for modality in plan.modalities}
    return plan, data


def test_its_folder_depends_on_the_data_of_every_organ_and_on_no_order(cells):
    plan, data = cells
    organs = tuple(sorted(data.items()))

    def name(organs, modality, variant=TOLD):
        return Cell(
            plan.modalities[modality], data[ORGANS[modality]], variant, 0, organs=organs
        ).train_folder(plan)

    assert name(organs, 0) == name(organs, 1) == name(organs, 1, GUIDED)
    edited = ((organs[0][0], replace(organs[0][1], key="f" * 64)), organs[1])
    alone = organs[:1]
    assert len({name(part, 0) for part in (organs, edited, alone)}) == 3
    assert name(organs, 0, replace(TOLD, version=2)) != name(organs, 0)


def test_workers_are_given_the_cells_of_a_training_together(cells):
    plan, data = cells
    (together,) = run._joint_cells(data, plan)
    assert [(c.modality.name, c.variant.name) for c in together] == [(o, v) for o in ORGANS for v in OWN]
    assert run.trainings(plan) == 1


def test_an_unknown_condition_is_refused(told, monkeypatch):
    monkeypatch.setitem(OWN, TOLD.name, replace(TOLD, conditions=("weather",)))
    with pytest.raises(InputError, match=r"'weather'.*expected modality"):
        resolve(runspec.make(modalities=ORGANS, variants=TOLD.name, profile="smoke"))
