"""A run's words: typed, suggested, kept beside the results, resolved before any work."""

import inspect
from dataclasses import replace

import pytest

import mribench
from mribench import profiles
from mribench.cli import run as command
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.runner import runspec
from mribench.runner.cell import Cell
from mribench.runner.plan import resolve
from mribench.runner.record import empty_result
from mribench.runner.runspec import RunSpec
from mribench.testing.fixtures import toy_data


def test_one_is_as_good_as_a_list_of_one():
    assert runspec.make(modalities="brain", seeds=3) == RunSpec(modalities=("brain",), seeds=(3,))
    assert runspec.make(seeds=[1, 1, 2]).seeds == (1, 2)
    assert runspec.make(controls=[]).controls == ()
    assert runspec.make(RunSpec(data="x"), out=None).data == "x"


def test_every_control_of_the_core_stands_on_a_board():
    own = [e.name for e in lookup.entries("variants") if e.distribution == "mribench"]
    loaded = lookup.load_all("variants", own)
    assert set(runspec.CONTROLS) == {name for name, variant in loaded.items() if variant.is_control}


def test_paths_are_taken(tmp_path):
    spec = runspec.make(data=tmp_path, out=tmp_path)
    assert (spec.data, spec.out) == (str(tmp_path), str(tmp_path))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"modality": "brain"}, "unknown setting 'modality'; did you mean 'modalities'?"),
        ({"qqq": 1}, "unknown setting 'qqq'; expected one of modalities"),
        ({"modalities": 5}, "setting 'modalities' is 5; expected a string or a list of them"),
        ({"modalities": {"brain": 1}}, "setting 'modalities'"),
        ({"seeds": "one"}, "seeds are 'one'; expected whole numbers such as 0,1,2"),
        ({"seeds": ["0"]}, "setting 'seeds' is ['0']; expected a whole number or a list of them"),
        ({"seeds": 1.5}, "setting 'seeds' is 1.5"),
        ({"seeds": [True]}, "setting 'seeds'"),
        ({"train_steps": "10"}, "setting 'train_steps' is '10'; expected a whole number"),
        ({"profile": ["quick"]}, "setting 'profile' is ['quick']; expected a string"),
    ],
)
def test_a_wrong_word_or_type_is_refused(given, said):
    with pytest.raises(InputError) as raised:
        runspec.make(**given)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "spec",
    [
        RunSpec(),
        RunSpec(("brain",), samplers=("ddim-5", "ddpm"), seeds=(0, 12), train_steps=7, track="wandb"),
        RunSpec(data='a "quoted" \\ folder', out="früh/ü", controls=(), profile="paper"),
    ],
)
def test_toml_reads_back_equal(spec, tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(runspec.to_toml(spec), encoding="utf-8")
    assert runspec.from_toml(path) == spec


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"modalities = [", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"epochs = 3", "unknown setting 'epochs'"),
        (b"[modalities]\nbrain = 1", "setting 'modalities'"),
        (b"seeds = 2020-01-01", "setting 'seeds'"),
    ],
)
def test_a_bad_toml_file_is_refused(content, said, tmp_path):
    path = tmp_path / "spec.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        runspec.from_toml(path)


def test_resolved_means_spelled_out():
    plan = resolve(runspec.make(modalities="all", profile="smoke", train_steps=2))
    assert list(plan.spec.modalities) == lookup.names("modalities")
    assert plan.spec.samplers == plan.profile.samplers
    assert plan.profile.name == "smoke@2" and plan.profile.max_steps == 2
    assert resolve(plan.spec) == plan
    assert {m for task in plan.tasks for m in task.metrics} == set(plan.metrics)
    assert {s for metric in plan.metrics.values() for s in metric.features} == set(plan.spaces)


def test_all_may_stand_beside_a_name():
    plan = resolve(runspec.make(modalities=["all", "brain"], profile="smoke"))
    assert [m.name for m in plan.modalities] == lookup.names("modalities")


def test_controls_alone_are_a_run():
    plan = resolve(runspec.make(modalities="brain", variants=[], profile="smoke"))
    assert [variant.name for variant in plan.variants] == list(runspec.CONTROLS)


def test_without_modalities_the_sentence_says_so(monkeypatch):
    monkeypatch.setattr(lookup, "_points", lambda group: [])
    with pytest.raises(InputError, match="no modality is installed; each comes in a package"):
        resolve(RunSpec(profile="smoke"))


def test_an_absent_tracker_is_refused_not_dropped(monkeypatch):
    monkeypatch.setattr("mribench.runner.plan.find_spec", lambda name: None)
    with pytest.raises(InputError, match="tracker 'tensorboard' needs the package tensorboard"):
        resolve(RunSpec(profile="smoke", track="tensorboard"))
    monkeypatch.setattr("mribench.runner.plan.find_spec", lambda name: name == "tensorboardX" or None)
    assert resolve(RunSpec(("brain",), profile="smoke", track="tensorboard"))


def test_the_trackers_are_those_of_accelerate():
    from accelerate.utils import LoggerType

    assert sorted(runspec.TRACKERS) == sorted(kind.value for kind in LoggerType if kind.value != "all")


def test_precision_is_settled_before_any_work():
    """What the machine does best enters hashes and keys; fp16 without a GPU is refused at once."""
    import torch

    resolved = resolve(runspec.make(modalities="brain", profile="smoke"))
    assert resolved.profile.precision in ("fp32", "bf16", "fp16") and resolved.profile.name == "smoke"
    assert resolve(runspec.make(profile="smoke", precision="fp32")).profile.precision == "fp32"
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="fp16 needs a GPU"):
            resolve(runspec.make(profile="smoke", precision="fp16"))


def test_further_metrics_join_the_tasks_of_their_kind(monkeypatch):
    load = lookup.load
    more = {"paired-too": replace(load("metrics", "mse"), name="paired-too")}
    more["apart"] = replace(load("metrics", "kd"), name="apart")
    monkeypatch.setattr(lookup, "load", lambda group, name: more.get(name) or load(group, name))
    plan = resolve(runspec.make(modalities="brain", profile="smoke", metrics=["apart", "paired-too", "mse"]))
    generation, denoising, *_ = plan.tasks
    assert generation.metrics[-1] == "apart" and "paired-too" not in generation.metrics
    assert denoising.metrics[-1] == "paired-too" and denoising.metrics.count("mse") == 1
    assert {"apart", "paired-too"} <= plan.metrics.keys()


def test_a_metric_that_no_task_reports_is_refused():
    words = {"modalities": "brain", "profile": "smoke", "tasks": "generation", "metrics": "psnr"}
    with pytest.raises(InputError, match="'psnr' is paired, and no task asked for reports such"):
        resolve(runspec.make(**words))


def test_a_task_that_has_another_name_now_is_told():
    with pytest.raises(InputError, match="'reconstruction' is called 'denoising'"):
        resolve(runspec.make(tasks="reconstruction"))


def test_nfe_are_spelled_out_as_steps_of_each_sampler():
    spec = runspec.make(modalities="brain", profile="smoke", samplers=["ddim", "dpm-solver"], nfe=[5, 20])
    plan = resolve(spec)
    assert (
        plan.spec.samplers == ("ddim-5", "ddim-20", "dpm-solver-5", "dpm-solver-20") and plan.spec.nfe == ()
    )
    assert resolve(plan.spec) == plan
    for wrong, said in (
        ({"samplers": ["ddim-5"], "nfe": [5]}, "leave out one of the two"),
        ({"nfe": [5]}, "NFE are asked for and no samplers"),
        ({"samplers": ["ddim"], "nfe": [0]}, "expected 1 to 1000"),
        ({"n_generated": 1}, "at least 2 generated images"),
    ):
        with pytest.raises(InputError, match=said):
            resolve(runspec.make(modalities="brain", profile="smoke", **wrong))


def test_fewer_generated_images_train_nothing_anew_and_share_no_board():
    plain, few = (
        resolve(runspec.make(modalities="brain", profile="smoke", n_generated=n)) for n in (None, 8)
    )
    assert few.profile.n_generated == 8
    assert profiles.training_budget(few.profile) == profiles.training_budget(plain.profile)
    modality, variant = plain.modalities[0], plain.variants[0]
    cell = Cell(modality, toy_data(), variant, 0)
    assert cell.train_folder(few).name == cell.train_folder(plain).name
    keys = {empty_result(cell, plan.tasks[0], plan).key for plan in (plain, few)}
    assert len(keys) == 2


@pytest.mark.parametrize("function", [mribench.run, command.run], ids=["Python", "command line"])
def test_every_setting_can_be_given(function):
    """``runspec.among`` takes them out of the arguments by name."""
    assert set(RunSpec.__dataclass_fields__) <= set(inspect.signature(function).parameters)
