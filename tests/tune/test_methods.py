"""`mribench tune --variants` and `mribench run --tuned`: equal trials for every method, and the best one is taken."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from families import GAN

from mribench import files
from mribench.data import prepare_data
from mribench.errors import Interrupted
from mribench.plugins import lookup
from mribench.runner import runspec, tuned
from mribench.runner.run import run_suite
from mribench.runner.verify import verify
from mribench.spec import GenerativeModel, Stage, Update
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
    plan = runspec.resolve(runspec.make(**ASKED, out=str(out)))
    return prepare_data(plan.modalities[0], "phantom", plan.profile, out)


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
    plan = runspec.resolve(runspec.make(**ASKED, variants=list(names), out=str(out)))
    return methods.tune_methods(plan, {ORGAN: prepared}, out, trials, share)


def distances(record, name):
    return tuned.mean_distances(record["families"][name]["runs"], record["data"], record["factors"])


def test_the_learning_rate_that_is_best_by_construction_is_chosen(tmp_path, prepared, images, install):
    """Of one inside the range, of one at its end, and of one that sets its own learning rate."""
    install(toy("inside", images, 0.25), toy("end", images, 4.0), toy("own", images, 0.5, lr=7e-4))
    record = tuning(tmp_path, prepared, "inside", "end", "own")
    found = {name: tuned.best_factor(distances(record, name)) for name in record["families"]}
    assert found == {"inside": 0.25, "end": 4.0, "own": 0.5}
    kds = list(distances(record, "inside").values())
    best = kds.index(min(kds))
    assert kds[:best] == sorted(kds[:best], reverse=True) and kds[best:] == sorted(kds[best:])
    assert len(kds) == 8 and {run["steps"] for run in record["families"]["own"]["runs"]} == {STEPS}
    table = {line.split(" | ")[0]: line for line in (tmp_path / "methods.md").read_text().splitlines()}
    assert "| 0.0005 | " in table["| inside"] and "| 0.008, highest of the range | " in table["| end"]
    assert table["| end"].endswith(", none |") and "the smoke" not in table
    assert files.read_json(tmp_path / "methods.json") == json.loads(json.dumps(record))
    assert not list((tmp_path / "train").iterdir()), "weights of trials are not kept"


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
    record = tuning(tmp_path, prepared, "fragile", trials=3)
    assert [kd is None for kd in distances(record, "fragile").values()] == [False, False, True]
    assert tuned.best_factor(distances(record, "fragile")) == 1.0
    assert "| - |" in (tmp_path / "methods.md").read_text()


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
    profile = runspec.resolve(runspec.make(**ASKED)).profile
    model, changed = tuned.with_learning_rate(GAN, profile, 0.5)
    assert [update.lr for update in model.stages[0].updates] == [5e-4, None]
    assert changed == replace(profile, lr=profile.lr / 2)
    assert tuned.with_learning_rate(GAN, profile, 1.0) == (GAN, profile)


def test_a_share_of_the_budget_is_one_of_its_whole_schedule():
    profile = replace(
        runspec.resolve(runspec.make(modalities=ORGAN, profile="quick")).profile, max_epochs=None
    )
    short = methods.shortened(profile, 1000, 0.25)
    assert (short.max_steps, short.coarse_steps, short.warmup_steps, short.eval_every) == (450, 315, 25, 150)
    epochs = replace(profile, max_steps=None, max_epochs=16)
    assert methods.shortened(epochs, 100, 0.5).max_steps == 50


@pytest.fixture
def tuned_run(tmp_path, prepared, images, install):
    """methods.json of ``one``, whose best factor is 2, and the settings of a run of it."""
    install(toy("one", images, 2.0), toy("other", images, 2.0))
    tuning(tmp_path / "tuning", prepared, "one", trials=3)
    asked = {**ASKED, "variants": ["one", "other"]}
    return tmp_path / "tuning" / "methods.json", asked


def trained(found, name):
    return next(result for result in found if result.variant == name)


def test_a_run_trains_with_the_best_learning_rate(tuned_run, tmp_path, mribench, capsys):
    path, asked = tuned_run
    plain = run_suite(runspec.make(**asked, out=str(tmp_path / "plain")))
    capsys.readouterr()
    made = run_suite(runspec.make(**asked, out=str(tmp_path / "made"), tuned=str(path)))
    assert "other (not tuned)" in capsys.readouterr().err
    one, before = trained(made, "one"), trained(plain, "one")
    profile = one.provenance["profile"]
    assert one.provenance["tuned"] == {
        "factor": 2.0,
        "lr": 2 * profile["lr"],
        "trials": 3,
        "share": 0.25,
        "modalities": [ORGAN],
        "sha256": tuned.hashing.file_sha256(path),
    }
    # the rows compare, the trainings are two; of the other method nothing has changed
    assert one.key == before.key and one.provenance["profile"] == before.provenance["profile"]
    assert one.provenance["checkpoint"] != before.provenance["checkpoint"]
    other, same = trained(made, "other"), trained(plain, "other")
    assert other.provenance["checkpoint"] == same.provenance["checkpoint"]
    assert other.provenance.keys() == same.provenance.keys() and "tuned" not in other.provenance["spec"]
    assert verify(tmp_path / "made", one, beside=[]).images == "bit-equal"
    text = (tmp_path / "made" / "leaderboard.md").read_text()
    assert "lr tuned, 3 trials" in text and "Learning rates were chosen in 2 ways" in text
    assert "Learning rates" not in (tmp_path / "plain" / "leaderboard.md").read_text()


def test_a_tuned_run_is_resumed_also_when_the_file_holds_more(tuned_run, tmp_path, prepared):
    path, asked = tuned_run
    spec = runspec.make(**asked, out=str(tmp_path / "made"), tuned=str(path))
    run_suite(spec)

    def written():
        return {p: p.stat().st_mtime_ns for p in (tmp_path / "made").glob("[a-z]*/**/*") if p.is_file()}

    before = written()
    run_suite(spec)
    tuning(path.parent, prepared, "other", trials=3)
    one_more = run_suite(replace(spec, variants=("one",)))
    assert written() == before and "tuned" in trained(one_more, "one").provenance
    assert "tuned" in trained(run_suite(spec), "other").provenance


def test_trials_whose_best_is_the_profile_s_own_are_on_record(tmp_path, prepared, images, install):
    """The weights are those of the run without trials; the record is not."""
    install(toy("one", images, 1.0))
    tuning(tmp_path / "tuning", prepared, "one", trials=3)
    spec = runspec.make(**ASKED, variants="one", out=str(tmp_path / "made"))
    (plain,) = run_suite(spec)
    (made,) = run_suite(replace(spec, tuned=str(tmp_path / "tuning" / "methods.json")))
    assert made.provenance["checkpoint"] == plain.provenance["checkpoint"]
    assert made.provenance["tuned"]["factor"] == 1.0
    (again,) = run_suite(spec)
    assert "tuned" not in again.provenance


def test_a_worker_takes_the_learning_rates_that_the_suite_has_read(tuned_run, tmp_path, prepared):
    from mribench.runner import worker
    from mribench.runner.cell import Cell

    path, asked = tuned_run
    plan = runspec.resolve(runspec.make(**asked, out=str(tmp_path / "made"), tuned=str(path)))
    data = prepare_data(plan.modalities[0], "phantom", plan.profile, plan.out)
    job = worker.Job.of([Cell(plan.modalities[0], data, plan.variants[0], 0)], plan)
    path.unlink()
    worker._plan.cache_clear()
    outcome = worker.run_job(job)
    assert outcome.error is None and outcome.results[0].provenance["tuned"]["factor"] == 2.0


def test_a_changed_method_is_not_tuned(tuned_run, images, install, capsys):
    path, asked = tuned_run
    install(toy("one", images, 0.5))
    assert runspec.resolve(runspec.make(**asked, tuned=str(path))).tuned == {}
    assert "one (its code has changed since it was tuned), other (not tuned)" in capsys.readouterr().err
    content = files.read_json(path)
    del content["families"]["one"]["runs"][0]
    install(toy("one", images, 2.0))
    files.write_json(path, content)
    assert runspec.resolve(runspec.make(**asked, tuned=str(path))).tuned == {}
    assert "one (2 of 3 trials are made)" in capsys.readouterr().err


def test_a_bad_file_is_said_in_a_sentence(tuned_run, tmp_path, refused):
    path, _ = tuned_run
    words = ("run", "--modalities", ORGAN, "--out", tmp_path / "run", "--tuned")
    assert "methods.json that mribench tune --variants has written" in refused(*words, tmp_path / "no.json")
    assert "of the profile smoke" in refused(*words, path, "--profile", "quick")
    content = files.read_json(path)
    for field, value in {"share": 2, "factors": [], "families": {"one": {}}, "profile": None}.items():
        bad = tmp_path / "bad.json"
        files.write_json(bad, {**content, field: value})
        assert field in refused(*words, bad, "--profile", "smoke")
    bad.write_text("{")
    assert "bad.json" in refused(*words, bad, "--profile", "smoke")
    assert not (tmp_path / "run").exists()
