"""Named suites, all variants that fit, and what a run would take."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import mribench as package
from mribench import device, profiles
from mribench.errors import PluginError
from mribench.plugins import lookup
from mribench.runner import runspec, suite
from mribench.runner.plan import resolve
from mribench.runner.resources import Execution
from mribench.sampling import forward_process, samplers
from mribench.speed import forecast as forecasting
from mribench.speed import step as timed
from mribench.speed import within

BRAIN = {"modalities": "brain", "profile": "smoke"}


@pytest.mark.parametrize("name", suite.names())
def test_every_suite_of_the_package_resolves_and_draws_from_every_variant_with_a_denoiser(name):
    spec = suite.read(name)
    plan = resolve(runspec.make(spec, **BRAIN))
    assert plan.samplers and not set(spec.variants) - {"all", *lookup.names("variants")}
    if spec.variants == ("all",):
        installed = lookup.load_all("variants", lookup.names("variants"))
        assert {v.name for v in plan.variants} == set(installed)


def test_the_default_stays_small():
    assert runspec.RunSpec().variants == ("ddpm",)


def test_all_variants_are_those_that_a_sampler_asked_for_draws_from(capsys):
    choices = [samplers.resolve("ddim-5")]
    plan = resolve(runspec.make(**BRAIN, variants="all", samplers="ddim-5", controls=[]))
    found = {variant.name for variant in plan.variants}
    assert {"ddpm", "gan"} <= found and "edm" not in found and not any(v.is_control for v in plan.variants)
    said = capsys.readouterr().err
    assert re.search(
        r"left out of all variants: .*edm.*, from which ddim-5 cannot draw; samplers that can: ", said
    )
    trained = [v for v in plan.variants if hasattr(v, "process")]
    assert all(forward_process.compatible(v, choices[0].sampler) for v in trained)
    assert resolve(plan.spec) == plan, "a resumed run names them, whatever is installed since"


def test_a_broken_package_stops_all_variants_of_no_other(monkeypatch, capsys):
    load = lookup.load

    def broken(group, name):
        if name == "gan":
            raise PluginError("cannot load variant 'gan'; repair or uninstall it")
        return load(group, name)

    monkeypatch.setattr(lookup, "load", broken)
    plan = resolve(runspec.make(**BRAIN, variants="all"))
    assert "ddpm" in plan.spec.variants and "gan" not in plan.spec.variants
    assert "left out of all variants: cannot load variant 'gan'" in capsys.readouterr().err
    with pytest.raises(PluginError):
        resolve(runspec.make(**BRAIN, variants=["all", "gan"]))


def test_a_word_replaces_that_of_the_file_and_a_file_that_of_the_suite(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('modalities = ["heart"]\nseeds = [0, 1]\n')
    assert suite.read(file) == suite.read(str(file))
    both = runspec.make(runspec.from_toml(file, suite.read("samplers")), seeds=[7])
    assert both.samplers == suite.read("samplers").samplers
    assert both.modalities == ("heart",) and both.seeds == (7,)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("method", "unknown suite 'method'; did you mean 'methods'?"),
        ("qqq", "unknown suite 'qqq'; expected methods, samplers, or the path of a .toml file"),
        ("absent.toml", "cannot read absent.toml: No such file"),
    ],
)
def test_a_wrong_suite_is_one_sentence(name, said, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refused("run", "--suite", name) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('variant = "ddpm"', "unknown setting 'variant'; did you mean 'variants'?"),
        ('variants = "nope"', "unknown variant 'nope'"),
        ('variants = "ddpm"\nsamplers = "ddim-0"', "asks for 0 steps; expected 1 to 1000"),
        ("seeds = 1.5", "setting 'seeds' is 1.5; expected a whole number"),
    ],
)
def test_a_wrong_word_of_a_suite_is_one_sentence(text, said, refused, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(f'modalities = "brain"\nprofile = "smoke"\n{text}\n')
    assert said in refused("run", "--suite", file, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def taking(minutes, training=0.0, **named):
    known = {
        "organs": 1,
        "trainings": 2,
        "rows": 8,
        "records": 48,
        "finished": 0,
        "processes": 2,
        "gigabytes": 1.0,
    }
    return forecasting.Forecast(minutes=minutes, training=training, **{**known, **named})


def test_a_dry_run_counts_and_runs_nothing(mribench, monkeypatch, tmp_path):
    monkeypatch.setattr(forecasting, "_seconds", lambda *given: (0.5, 0.25, 10**6))
    monkeypatch.setattr(
        forecasting,
        "in_other_processes",
        lambda plan, execution: forecasting.forecast(plan, execution.jobs, 1),
    )
    words = [
        "--modalities",
        "brain,heart",
        "--variants",
        "ddpm",
        "--samplers",
        "ddim-5,ddim-10",
        "--jobs",
        "1",
    ]
    words += ["--profile", "smoke", "--controls", "noise", "--seeds", "0,1", "--out", tmp_path / "out"]
    said = mribench("run", *words, "--dry-run").out
    # 2 organs x 2 seeds: 2 rows of ddpm and one control, 3 tasks each
    assert "organs: 2, rows of each: 3 (controls included), trainings: 4, records: 36\n" in said
    # 40 steps of 0.5 s, and 2 x 24 images x 15 evaluations of 0.25 s: 200 s for each of 4
    assert "about 13 min with 1 at once" in said and "GB" in said
    assert not (tmp_path / "out").exists()


def test_python_takes_the_same_suite(monkeypatch):
    seen = []
    monkeypatch.setattr("mribench.runner.run.run_suite", lambda spec, execution: seen.append(spec))
    package.run(suite="samplers", modalities="brain")
    assert seen[0] == runspec.make(suite.read("samplers"), modalities="brain")


def test_a_dry_run_knows_what_is_done(run_folder, result):
    folder = run_folder("run", result(same={"profile": "smoke"}), result(variant="other"))
    plan = resolve(runspec.make(modalities="brain", profile="smoke", out=str(folder)))
    assert forecasting._finished(plan) == 1
    assert forecasting._finished(SimpleNamespace(out=folder / "absent")) == 0


def test_a_forecast_times_steps_of_both_sides(monkeypatch):
    """Coarse ones on half the side, all others on the whole, whatever steps the profile begins with."""
    sides = []

    def step(profile, images, precision):
        sides.append((images.shape[1], profile.coarse_steps))
        return SimpleNamespace(raw=torch.nn.Conv2d(1, 1, 1))

    def advance(models, steps):
        time.sleep(0.02 if sides[-1] == (8, 0) else 0.04)

    monkeypatch.setattr(timed, "training_step", step)
    monkeypatch.setattr(timed, "advance", advance)
    monkeypatch.setattr(forecasting, "PROBE", 0.1)
    monkeypatch.setattr(torch.nn.Conv2d, "forward", lambda net, x, t: x)
    profile = replace(profiles.get("smoke"), size=16, coarse_steps=10)
    train, _, _ = forecasting._seconds(profile, 0.5, 1)
    assert sides == [(8, 0), (16, 0)] and 0.03 <= train < 0.06


def test_as_many_processes_are_timed_together_as_will_run_and_the_slowest_counts(monkeypatch, tmp_path):
    minutes = iter([5.0, 9.0, 7.0])

    class Pool(ThreadPoolExecutor):
        def __init__(self, count, threads):
            assert (count, threads) == (3, 2)
            super().__init__(count)

        def kill(self):
            pass

    def probed(spec, processes, threads):
        return taking(next(minutes), processes=processes)

    monkeypatch.setattr(forecasting, "Processes", Pool)
    monkeypatch.setattr(device, "hardware", lambda: device.Hardware(gpu=False, bf16=True, threads=6))
    monkeypatch.setattr(forecasting, "_of_spec", probed)
    plan = resolve(runspec.make(modalities="brain", profile="smoke", out=str(tmp_path)))
    assert forecasting.in_other_processes(plan, Execution(jobs=3)).minutes == 9.0
    assert next(minutes, None) is None


def test_a_run_of_several_threads_says_where_one_is_faster():
    """Beside other work two threads of a small network train 40 times as slowly as one: they wait by spinning."""
    assert taking(20.0, one_thread=0.9).sentence == "about 20 min here, 2 at once"
    said = taking(600.0, one_thread=0.02).sentence
    assert said.startswith("about 10.0 hours here, because other work shares the cores")
    assert said.endswith("; about 12 min with OMP_NUM_THREADS=1")
    assert taking(600.0, one_thread=0.02).lines[-1] == said and len(taking(20.0).lines) == 3


def test_threads_are_compared_with_one_thread_where_there_are_several(monkeypatch, tmp_path):
    steps = {1: 0.5, 4: 2.0}
    monkeypatch.setattr(forecasting, "_seconds", lambda profile, coarse, threads: (steps[threads], 0.1, 10))
    monkeypatch.setattr(device, "hardware", lambda: device.Hardware(gpu=False, bf16=True, threads=4))
    plan = resolve(runspec.make(modalities="brain", profile="smoke", out=str(tmp_path)))
    assert forecasting.forecast(plan, 1, 4).one_thread == 0.25
    assert forecasting.forecast(plan, 2, 1).one_thread == 1.0


def test_nothing_is_timed_where_nothing_is_trained(monkeypatch, tmp_path):
    monkeypatch.setattr(forecasting, "Processes", lambda *given: pytest.fail("it starts processes"))
    monkeypatch.setattr(forecasting, "_seconds", lambda *given: pytest.fail("it times steps"))
    plan = resolve(runspec.make(modalities="brain", variants="", out=str(tmp_path)))
    found = forecasting.in_other_processes(plan, Execution(jobs=2))
    assert (found.trainings, found.training) == (0, 0.0) and found.records > 0 and found.minutes > 0


def test_a_run_says_first_what_it_will_take(monkeypatch, capsys, tmp_path):
    from mribench.cli import run as command

    asked = []

    def probed(plan, execution):
        asked.append(plan)
        return taking(12.4, organs=2)

    monkeypatch.setattr(forecasting, "in_other_processes", probed)

    def said(profile="quick", executor="local"):
        settings = runspec.make(modalities="brain,heart", profile=profile, out=str(tmp_path))
        command._say_cost(resolve(settings), Execution(executor))
        return capsys.readouterr().err

    assert said() == "2 organs take about 12 min here, 2 at once; one of them about 6 min\n"
    assert said("smoke") == said(executor="slurm") == "" and len(asked) == 1
    (tmp_path / "results").mkdir()
    assert said() == "" and len(asked) == 1, "a run that goes on costs no probe"


@pytest.mark.parametrize(
    ("minutes", "steps", "said"),
    [
        (25, None, "6 organs take about 19 min here, 2 at once; one of them about 3 min\n"),
        (15, 900, "; 900 of its 1800 training steps about 11 min: profile quick@900\n"),
        (10, 450, "; 450 of its 1800 training steps about 7 min: profile quick@450\n"),
    ],
)
def test_fewer_steps_are_trained_where_a_run_would_take_longer(
    minutes, steps, said, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(forecasting, "in_other_processes", lambda *given: taking(19.0, 16.0, organs=6))
    settings = runspec.make(modalities="brain", profile="quick", out=str(tmp_path))
    assert within.shortened(settings, Execution(), minutes) == replace(settings, train_steps=steps)
    assert capsys.readouterr().err.endswith(said)


def test_a_run_that_goes_on_keeps_the_steps_that_it_began_with(monkeypatch, tmp_path):
    monkeypatch.setattr(forecasting, "in_other_processes", lambda *given: taking(1.0))
    settings = runspec.make(modalities="brain", profile="quick", out=str(tmp_path))
    (tmp_path / "spec.toml").write_text(runspec.to_toml(replace(settings, train_steps=900)))
    assert within.shortened(settings, Execution(), 15).train_steps == 900
    other = replace(settings, profile="smoke")
    assert within.shortened(other, Execution(), 15).train_steps is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--within", "0"], "--within is 0; expected minutes above 0"),
        (["--within", "nan"], "--within is nan; expected minutes above 0"),
        (["--within", "9", "--train-steps", "3"], "leave --train-steps out, or --within"),
        (["--within", "9", "--profile", "paper"], "profile paper has no number of training steps"),
        (
            ["--within", "2"],
            "about 5 min with an eighth of the training steps, more than 2; name fewer organs",
        ),
    ],
)
def test_what_cannot_end_in_time_is_refused(words, expected, refused, monkeypatch, tmp_path):
    monkeypatch.setattr(forecasting, "in_other_processes", lambda *given: taking(19.0, 16.0))
    assert expected in refused(
        "run", "--modalities", "brain", "--profile", "quick", "--out", tmp_path, *words
    )
    assert not (tmp_path / "results").exists()
