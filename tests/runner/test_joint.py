"""One training for all organs of a run: shared by their cells, on record, resumed, verified."""

from dataclasses import replace

import numpy as np
import pytest
from families import TOLD

import mribench
from mribench import files, results
from mribench.errors import InputError
from mribench.hub import client, data_names, drawing, layout, push, release, staging
from mribench.hub.cells import trained_cells
from mribench.hub.staging import PushRequest
from mribench.plugins import lookup
from mribench.runner import identity, run, runspec
from mribench.runner.cell import Cell
from mribench.runner.plan import resolve
from mribench.runner.trainings import trainings
from mribench.runner.verify import verify
from mribench.tasks import to_uint8

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


def test_every_organ_and_variant_draws_its_own_images(shared):
    cells = {cell.name: cell for cell in trained_cells(shared)}
    assert set(cells) == {f"{organ}-{name}-s0" for organ in ORGANS for name in OWN}
    drawn = set()
    for name, cell in cells.items():
        (result,) = cell.results
        with np.load(shared / "outputs" / result.provenance["outputs"] / "outputs.npz") as outputs:
            expected = outputs["images"]
        images = to_uint8(drawing.sample(str(shared), len(expected), cell=name))
        assert np.array_equal(images, expected)
        drawn.add(images.tobytes())
    assert len(drawn) == 4


def test_each_is_published_with_the_weights_that_they_share(shared, tmp_path):
    staged = staging.stage_cells(PushRequest(shared, "alice/joint"), tmp_path / "staged")
    assert {one.repo for one in staged} == {
        f"alice/joint-{organ}-{name}-s0" for organ in ORGANS for name in OWN
    }
    for one in staged:
        card, manifest = (one.folder / "README.md").read_text(), files.read_json(one.folder / layout.MANIFEST)
        _, other = sorted(ORGANS, key=lambda organ: organ not in one.name)
        assert "A conditional diffusion model" in card and f"the weights know `{other}` too" in card
        assert f"--modalities {','.join(sorted(ORGANS))} " in card and "pip install mribench" in card
        assert manifest["drawn"] == one.name.removesuffix("-s0")
        layout.restore(one.folder, tmp_path / "back", one.name)
    for cell in trained_cells(tmp_path / "back"):
        images = [
            to_uint8(drawing.sample(str(run), 2, cell=cell.name)) for run in (shared, tmp_path / "back")
        ]
        assert np.array_equal(*images)


def test_a_repository_of_another_organ_is_not_overwritten(shared, tmp_path, monkeypatch):
    ours, others = staging.stage_cells(PushRequest(shared, "alice/joint"), tmp_path)[::2]
    head = client.Head("c0ffee", False, frozenset({layout.MANIFEST}))
    monkeypatch.setattr(client, "snapshot", lambda *_: others.folder)
    manifest = files.read_json(ours.folder / layout.MANIFEST)
    with pytest.raises(InputError, match=f"{manifest['checkpoint']}, {manifest['drawn']}"):
        push._outdated("alice/joint", head, manifest)


def test_what_the_audit_found_of_one_organ_is_told_by_all(shared, monkeypatch, tmp_path):
    def audited(result):
        verdict = "MEMORISES" if result.modality == ORGANS[0] else "not detected"
        return replace(result, audit={"verdict": verdict, "reasons": ["copies"]})

    read = data_names.read_all
    monkeypatch.setattr(data_names, "read_all", lambda run: [*map(audited, read(run))])
    name = f"{ORGANS[1]}-{TOLD.name}-s0"
    (cell,) = trained_cells(shared, [name])
    audit = release.audit_of_weights(cell)
    assert audit["verdict"] == "MEMORISES"
    assert audit["reasons"] == [f"found of {ORGANS[0]}, which the same weights draw", "copies"]
    with pytest.raises(InputError, match=f"{name}: the audit says MEMORISES"):
        staging.stage_cells(PushRequest(shared, "alice/joint", cells=(name,)), tmp_path)
    # of an organ whose records are gone nobody knows
    alone = replace(cell, beside=tuple(r for r in cell.beside if r.modality == ORGANS[1]))
    assert release.audit_of_weights(alone)["verdict"] == "not audited"


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
    assert trainings(plan) == 1


def test_an_unknown_condition_is_refused(told, monkeypatch):
    monkeypatch.setitem(OWN, TOLD.name, replace(TOLD, conditions=("weather",)))
    with pytest.raises(InputError, match=r"'weather'.*expected modality"):
        resolve(runspec.make(modalities=ORGANS, variants=TOLD.name, profile="smoke"))
