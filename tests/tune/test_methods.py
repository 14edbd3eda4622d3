"""`mribench tune --variants` and `mribench run --tuned`: equal trials for every method, and the best one is taken."""

import json
import pickle
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from families import GAN

from mribench import files, profiles
from mribench.data import prepare_data
from mribench.errors import Interrupted
from mribench.hashing import file_sha256
from mribench.plugins import lookup
from mribench.runner import record, runspec, tuned, worker
from mribench.runner.cell import Cell
from mribench.runner.plan import resolve
from mribench.runner.run import run_suite
from mribench.runner.verify import verify
from mribench.spec import GenerativeModel, Stage, Update
from mribench.training import budget
from mribench.tune import methods

ORGAN = lookup.names("modalities")[0]
ASKED = {
    "modalities": ORGAN,
    "profile": "smoke",
    "controls": (),
    "tasks": "generation",
    "features": "hc85-v1",
}
STEPS = 10  # a quarter of those of smoke


class Distance(ModelMixin, ConfigMixin):
    """One number, which starts at 0."""

    @register_to_config
    def __init__(self):
        super().__init__()
        self.moved = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.moved


def downhill(net, batch, earlier, draws):
    """Its gradient is 1 everywhere: Adam moves the number by the learning rate at each step, whatever it is."""
    return -net.moved.expand(len(batch.x))


def toy(name, images, factor, lr=None):
    """Gives images of the training set, the better the nearer the learning rate times the steps is to one value.

    images: float32 (N, H, W) in [-1, 1].
    factor: of the profile's learning rate (``lr``: of the model's own), by which that value is reached exactly.
    """

    def generate(nets, profile, draws):
        moved = nets["toy"].moved.abs().clamp(min=1e-9) / (STEPS * factor * (lr or profile.lr))
        x = torch.from_numpy(images)[draws.integers(len(images))].unsqueeze(1)
        # a factor of two adds noise of a tenth of the range
        return x + 0.2 * moved.log2().abs() * draws.normal(1, *x.shape[2:])

    stage = Stage("toy", lambda profile: Distance(), (Update(downhill, lr=lr),), average=False)
    return GenerativeModel(name, name, "", stages=(stage,), generate=generate)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    out = tmp_path_factory.mktemp("organ")
    plan = resolve(runspec.make(**ASKED, out=str(out)))
    return prepare_data(plan.modalities[0], "phantom", plan.profile, out)


@pytest.fixture(autouse=True)
def equal_costs(monkeypatch):
    """No FLOPs are counted: a toy has none, and counting those of a U-Net takes longer than all its training."""
    monkeypatch.setattr(budget, "reference_cost", lambda profile: budget.StepCost(1, 1))


@pytest.fixture
def install(monkeypatch):
    """``install(*models)``: the models under their names, as if a package had brought them."""
    own = {}
    load, names = lookup.load, lookup.names
    monkeypatch.setattr(lookup, "load", lambda group, name: own.get(name) or load(group, name))
    monkeypatch.setattr(lookup, "names", lambda group: [*names(group), *(own if group == "variants" else ())])

    def add(*models):
        own.update({model.name: model for model in models})
        methods._plan.cache_clear()  # of the models under their names before

    yield add
    methods._plan.cache_clear()


@pytest.fixture
def images(prepared):
    return prepared.train.images.astype(np.float32) / 127.5 - 1


def tuning(out, prepared, *names, trials=8, share=0.25):
    plan = resolve(runspec.make(**ASKED, variants=list(names), out=str(out)))
    return methods.tune_methods(plan, {ORGAN: prepared}, out, trials, share)


def distances(found, name):
    return tuned.mean_distances(found["families"][name]["runs"], found["data"], found["factors"])


def test_the_learning_rate_that_is_best_by_construction_is_chosen(tmp_path, prepared, images, install):
    install(toy("inside", images, 0.25))
    made = tuning(tmp_path, prepared, "inside")
    kds = list(distances(made, "inside").values())
    assert len(kds) == 8 and tuned.best_factor(distances(made, "inside")) == 0.25
    best = kds.index(min(kds))
    assert kds[:best] == sorted(kds[:best], reverse=True) and kds[best:] == sorted(kds[best:])
    assert {run["steps"] for run in made["families"]["inside"]["runs"]} == {STEPS}
    around = ", ".join(f"{kd:.1f}" for kd in kds[best - 1 : best + 2])
    assert f" | 0.0005 | {around} |" in (tmp_path / "methods.md").read_text()
    assert files.read_json(tmp_path / "methods.json") == json.loads(json.dumps(made))
    assert not list((tmp_path / "train").iterdir()), "weights of trials are not kept"


def test_a_best_at_an_end_of_the_range_is_said(tmp_path, prepared, images, install):
    """Of one that trains with the profile's learning rate, and of one that sets its own."""
    install(toy("end", images, 2.0), toy("own", images, 0.5, lr=7e-4))
    made = tuning(tmp_path, prepared, "end", "own", trials=3)
    found = {name: tuned.best_factor(distances(made, name)) for name in made["families"]}
    assert found == {"end": 2.0, "own": 0.5}
    table = {line.split(" | ")[0]: line for line in (tmp_path / "methods.md").read_text().splitlines()}
    assert "| 0.004, highest of the range | " in table["| end"] and table["| end"].endswith(", none |")
    assert "| 0.001, lowest of the range | none, " in table["| own"]


def test_of_an_unchanged_method_nothing_is_repeated(tmp_path, prepared, images, install, monkeypatch):
    install(toy("one", images, 0.5), toy("two", images, 2.0))
    first = tuning(tmp_path, prepared, "one", "two", trials=3)
    install(toy("two", images, 0.5))
    trained = []
    real = methods.train
    monkeypatch.setattr(
        methods, "train", lambda model, *rest: trained.append(model.name) or real(model, *rest)
    )
    again = tuning(tmp_path, prepared, "one", "two", trials=3)
    assert trained == ["two"] * 3
    assert again["families"]["one"] == first["families"]["one"]
    assert tuned.best_factor(distances(again, "two")) == 0.5 != tuned.best_factor(distances(first, "two"))
    assert set(tuning(tmp_path, prepared, "two", trials=3)["families"]) == {"one", "two"}


def test_a_tuning_that_is_stopped_goes_on_with_the_next_trial(
    tmp_path, prepared, images, install, monkeypatch
):
    install(toy("one", images, 0.5))
    whole = tuning(tmp_path / "whole", prepared, "one", trials=3)
    scored, real = [], methods.measure

    def stopped(*args):
        if len(scored) == 2:
            raise Interrupted("stopped")
        scored.append(1)
        return real(*args)

    monkeypatch.setattr(methods, "measure", stopped)
    with pytest.raises(Interrupted):
        tuning(tmp_path, prepared, "one", trials=3)
    assert "2 of 3 trials" in (tmp_path / "methods.md").read_text()
    monkeypatch.setattr(methods, "measure", real)
    # the third was trained, and is scored now
    monkeypatch.setattr(methods, "train", lambda *_: pytest.fail("trained again"))
    found = tuning(tmp_path, prepared, "one", trials=3)
    assert distances(found, "one") == distances(whole, "one")


def test_a_trial_without_images_is_never_the_best(tmp_path, prepared, images, install):
    def generate(nets, profile, draws):
        x = toy_like.generate(nets, profile, draws)
        return x if nets["toy"].moved < 0.03 else x / 0  # the larger learning rates

    toy_like = toy("fragile", images, 2.0)
    install(replace(toy_like, generate=generate))
    made = tuning(tmp_path, prepared, "fragile", trials=3)
    assert [kd is None for kd in distances(made, "fragile").values()] == [False, False, True]
    assert tuned.best_factor(distances(made, "fragile")) == 1.0
    assert "| failed |" in (tmp_path / "methods.md").read_text()


def test_trials_of_another_kind_are_not_mixed(tmp_path, prepared, images, install, refused, mribench):
    install(toy("one", images, 0.5))
    tuning(tmp_path, prepared, "one", trials=3)
    words = ("tune", "--variants", "one", "--modalities", ORGAN, "--profile", "smoke", "--out", tmp_path)
    assert "other --trials than asked for" in refused(*words)
    assert "other --share than asked for" in refused(*words, "--trials", 3, "--share", 0.5)
    assert "--share is 1.5" in refused(*words, "--share", 1.5)
    assert "--trials is 2" in refused(*words, "--trials", 2)
    assert "'noise' is not trained" in refused(*words[:2], "noise", *words[3:], "--trials", 3)
    assert "give the variants" in refused("tune", "--trials", 3)
    assert "takes neither RUN" in refused("tune", tmp_path, "--variants", "one")
    made = mribench(*words, "--trials", 3)
    assert made.code == 0 and (tmp_path / "methods.md").read_text() in made.out


def test_all_learning_rates_of_a_model_are_multiplied():
    profile = profiles.get("smoke")
    model, changed = tuned.with_learning_rate(GAN, profile, 0.5)
    assert [update.lr for update in model.stages[0].updates] == [5e-4, None]
    assert changed == replace(profile, lr=profile.lr / 2)
    assert tuned.with_learning_rate(GAN, profile, 1.0) == (GAN, profile)


def test_a_share_of_the_budget_is_one_of_its_whole_schedule():
    profile = profiles.get("quick")
    short = methods.shortened(profile, 1000, 0.25)
    assert (short.max_steps, short.coarse_steps, short.warmup_steps, short.eval_every) == (450, 315, 25, 150)
    epochs = replace(profile, max_steps=None, max_epochs=16)
    assert methods.shortened(epochs, 100, 0.5).max_steps == 50


@pytest.fixture
def asked(tmp_path, images, install):
    """The settings of a run of two methods."""
    install(toy("one", images, 2.0), toy("other", images, 2.0))
    return {**ASKED, "variants": ["one", "other"], "out": str(tmp_path / "run")}


@pytest.fixture
def chosen(tmp_path, asked):
    """``chosen(one=2.0)``: a methods.json of three trials, of which that factor was the best."""

    def write(**best):
        plan = resolve(runspec.make(**asked))
        factors = [0.5, 1.0, 2.0]

        def family(model):
            kds = {factor: 10 * factor / best[model.name] for factor in factors}
            kds |= {factor: 10 * best[model.name] / factor for factor in factors if factor < best[model.name]}
            runs = [
                {"modality": ORGAN, "factor": factor, "lr": factor * plan.profile.lr, "kd": kd}
                for factor, kd in kds.items()
            ]
            return {**methods._about(model, plan), "runs": runs}

        content = {"schema": 1, "profile": asdict(plan.profile), "share": 0.25, "factors": factors, "seed": 0}
        families = {model.name: family(model) for model in plan.variants if model.name in best}
        path = tmp_path / "methods.json"
        files.write_json(path, content | {"data": {ORGAN: "a" * 64}, "families": families})
        return str(path)

    return write


def of(results, name):
    return next(result for result in results if result.variant == name)


def test_a_run_trains_with_the_best_learning_rate(asked, chosen, prepared, capsys):
    path = chosen(one=2.0)
    made = run_suite(runspec.make(**asked, tuned=path))
    assert "other (not tuned)" in capsys.readouterr().err
    one, other, plan = of(made, "one"), of(made, "other"), resolve(runspec.make(**asked))
    assert one.provenance["tuned"] == {
        "factor": 2.0,
        "lr": 2 * plan.profile.lr,
        "trials": 3,
        "share": 0.25,
        "modalities": [ORGAN],
        "sha256": file_sha256(Path(path)),
    }
    # it was trained as far as only that learning rate goes
    net = Distance.from_pretrained(Path(asked["out"], "train", one.provenance["checkpoint"], "toy", "best"))
    assert net.moved.item() == pytest.approx(plan.profile.max_steps * 2 * plan.profile.lr, rel=1e-3)
    # the records compare with those of a run without trials, the trainings are two; the other method is as it was
    plain = {model.name: Cell(plan.modalities[0], prepared, model, 0) for model in plan.variants}
    assert one.key == record.empty_result(plain["one"], plan.tasks[0], plan).key
    folders = {name: cell.train_folder(plan).name for name, cell in plain.items()}
    assert one.provenance["checkpoint"] != folders["one"]
    assert other.provenance["checkpoint"] == folders["other"] and "tuned" not in other.provenance
    assert not [r for r in made if "tuned" in r.provenance["spec"]]
    assert verify(Path(asked["out"]), one, beside=[]).images == "bit-equal"
    text = Path(asked["out"], "leaderboard.md").read_text()
    assert "lr tuned, 3 trials" in text and "Learning rates were chosen in 2 ways" in text


def test_a_tuned_run_is_resumed_also_when_the_file_holds_more(asked, chosen):
    """Where the profile's own learning rate is the best, weights stay and the record says how it was found."""
    spec = runspec.make(**asked, tuned=chosen(one=2.0))
    first = run_suite(spec)

    def written():
        return {p: p.stat().st_mtime_ns for p in Path(asked["out"]).glob("[a-z]*/**/*") if p.is_file()}

    before = written()
    chosen(one=2.0, other=1.0)
    (again,) = run_suite(replace(spec, variants=("one",)))
    assert again.provenance["tuned"] == of(first, "one").provenance["tuned"] and written() == before
    second = run_suite(spec)
    assert of(second, "other").provenance["tuned"]["factor"] == 1.0
    assert of(second, "other").provenance["checkpoint"] == of(first, "other").provenance["checkpoint"]
    chosen(one=2.0)
    assert "tuned" not in of(run_suite(spec), "other").provenance


def test_a_worker_takes_the_learning_rates_that_the_suite_has_read(asked, chosen):
    path = chosen(one=2.0)
    plan = resolve(runspec.make(**asked, tuned=path))
    data = prepare_data(plan.modalities[0], "phantom", plan.profile, plan.out)
    job = worker.Job.of([Cell(plan.modalities[0], data, plan.variants[0], 0)], plan)
    Path(path).unlink()
    worker._plan.cache_clear()
    outcome = worker.run_job(pickle.loads(pickle.dumps(job)))
    assert outcome.error is None and outcome.results[0].provenance["tuned"]["factor"] == 2.0


def test_a_method_without_all_trials_is_not_tuned(asked, chosen, images, install, capsys):
    path = chosen(one=2.0)
    assert set(resolve(runspec.make(**asked, tuned=path)).tuned) == {"one"}
    content = files.read_json(Path(path))
    del content["families"]["one"]["runs"][0]
    files.write_json(Path(path), content)
    assert resolve(runspec.make(**asked, tuned=path)).tuned == {}
    assert "one (2 of 3 trials are made)" in capsys.readouterr().err
    chosen(one=2.0)
    install(toy("one", images, 0.5))
    assert resolve(runspec.make(**asked, tuned=path)).tuned == {}
    assert "one (its code has changed since it was tuned), other (not tuned)" in capsys.readouterr().err


def test_a_bad_file_is_said_in_a_sentence(chosen, tmp_path, refused):
    path = Path(chosen(one=2.0))
    words = ("run", "--modalities", ORGAN, "--out", tmp_path / "run", "--tuned")
    assert "methods.json that mribench tune --variants has written" in refused(*words, tmp_path / "no.json")
    assert "of the profile smoke" in refused(*words, path, "--profile", "quick")
    content, bad = files.read_json(path), tmp_path / "bad.json"
    for field, value in {"share": 2, "factors": [], "families": {"one": {}}, "profile": None}.items():
        files.write_json(bad, {**content, field: value})
        assert field in refused(*words, bad, "--profile", "smoke")
    bad.write_text("{")
    assert "bad.json" in refused(*words, bad, "--profile", "smoke")
    assert not (tmp_path / "run").exists()
