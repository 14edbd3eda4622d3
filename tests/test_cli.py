"""The command line: light, its exit codes, its words in all three places."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from typer.main import get_command

import mribench as package
from mribench import errors, profiles, results
from mribench.cli import app
from mribench.data import prepare_data
from mribench.plugins import lookup, scaffold
from mribench.runner import run, runspec
from mribench.runner.resources import Execution

HEAVY = ("torch", "diffusers", "datasets", "accelerate", "numpy", "PIL", "pyarrow")
COMMANDS = (
    [],
    ["run"],
    ["list"],
    ["leaderboard"],
    ["doctor"],
    ["data"],
    ["data", "list"],
    ["data", "show"],
    ["push"],
    ["pull"],
)
DOCUMENTS = (["data", "list"], ["data", "show", "amos22_mr"], ["doctor"])


@pytest.mark.parametrize(
    "words",
    [["--help"], ["run", "--help"], ["list"], ["data", "show", "--help"], ["push", "--help"]],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(words, python):
    code = f"""
import sys
sys.argv = ["mribench", *{words!r}]
from mribench.cli import app
try:
    app.main()
except SystemExit as end:
    print("LEFT", end.code, [name for name in {HEAVY!r} if name in sys.modules])
"""
    assert python(code).out.splitlines()[-1] == "LEFT 0 []"


@pytest.mark.parametrize("words", [[], ["data"], ["audit"], ["plugin"]], ids=" ".join)
def test_a_list_of_commands_cuts_no_sentence(words, mribench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    commands = mribench(*words, "--help").out.partition("Commands:")[2]
    assert commands and "..." not in commands


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "none")
def test_every_command_has_help(words, mribench):
    ended = mribench(*words, "--help")
    assert ended.code == 0 and ended.out.startswith("Usage: mribench")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rn"], "No such command 'rn'"),
        (["run", "--seed", "1"], "No such option: --seed"),
        (["run", "--train-steps", "many"], "--train-steps"),
        (["run", "--seeds", "one"], "seeds are 'one'; expected whole numbers"),
        (["run", "--modalities", "brian"], "unknown modality 'brian'; did you mean 'brain'?"),
        (["run", "--modalities", ""], "no modalities asked for; give at least one"),
        (["run", "--variants", "dppm"], "unknown variant 'dppm'; did you mean 'ddpm'?"),
        (["run", "--samplers", "ddim-0"], "asks for 0 steps; expected 1 to 1000"),
        (["run", "--samplers", "dim-5"], "unknown sampler 'dim'; did you mean 'ddim'?"),
        (["run", "--tasks", "generating"], "unknown task 'generating'; did you mean 'generation'?"),
        (["run", "--tasks", ""], "no tasks asked for"),
        (["run", "--profile", "qick"], "unknown profile 'qick'; did you mean 'quick'?"),
        (["run", "--profile", "smoke", "--train-steps", "0"], "at least 1, found 0"),
        (
            ["run", "--profile", "smoke", "--track", "tensorbord"],
            "unknown tracker 'tensorbord'; expected one of",
        ),
        (["run", "--spec", "absent.toml"], "cannot read absent.toml"),
        (
            ["run", "--modalities", "brain", "--executor", "cloud"],
            "unknown executor 'cloud'; expected local, slurm",
        ),
        (["run", "--modalities", "brain", "--jobs", "0"], "jobs must be at least 1, found 0"),
        (["list", "organs"], "unknown group 'organs'; expected one of modalities"),
        (["leaderboard"], "no run folder given; name one, or --from"),
        (["push"], "Missing argument"),
        (
            ["push", "absent", "--repo", "me/x", "--dry-run"],
            "no folder absent; give the --out folder of a run",
        ),
        (["pack", "absent"], "no folder absent; give the --out folder of a run"),
        (["unpack", "absent.tar"], "no file absent.tar; expected what `mribench pack` wrote"),
        (["leaderboard", "absent"], "no folder absent; give the --out folder of a run"),
        (["data", "show", "absent"], "'absent' is no dataset card; see `mribench data list`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence_and_exit_code_2(words, said, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refused(*words)
    assert list(tmp_path.iterdir()) == []


def test_version_and_short_help(mribench):
    assert mribench("--version").out == f"mribench {package.__version__}\n"
    for words in COMMANDS:
        assert mribench(*words, "-h").out == mribench(*words, "--help").out


def test_maintainers_commands_have_a_heading_of_their_own(mribench):
    users, _, maintainers = mribench("-h").out.partition("Commands:")[2].partition("For maintainers:")
    listed = [
        {line.split()[0] for line in part.splitlines() if line[:3].strip()} for part in (users, maintainers)
    ]
    assert listed[1] == {"trust", "coverage", "shift", "speed", "tune", "audit"}
    assert {"run", "score", "data", "plugin"} <= listed[0]


def test_help_names_every_group_and_every_kind_of_plugins():
    commands = get_command(app.app).commands
    group, kind = commands["list"].params[0], commands["plugin"].commands["new"].params[0]
    assert set(re.split(", | or ", group.help)) == set(lookup.GROUPS)
    assert set(re.split(", | or ", kind.help)) == set(scaffold.KINDS)


def test_help_says_what_is_taken_where_an_option_is_left_out():
    """And says it as the settings have it."""
    options = {option.name: option for option in get_command(app.app).commands["run"].params}
    for option in options.values():
        said = option.is_flag or option.show_default or "default: " in option.help
        assert said or option.name == "modalities", option.name
    for name in ("variants", "seeds", "tasks", "features", "controls", "data", "out"):
        value = getattr(runspec.RunSpec(), name)
        value = ",".join(map(str, value)) if isinstance(value, tuple) else value
        assert f"default: {value}" in options[name].help


def test_a_run_that_names_no_organ_shows_the_plan_and_runs_nothing(mribench, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "run_suite", lambda *given, **hooks: pytest.fail("it runs"))
    ended = mribench("run", "--profile", "smoke", "--variants", "")
    assert ended.code == 2 and ended.out.startswith("organs: ") and "trainings: " in ended.out
    assert "name them: --modalities all" in ended.err and len(ended.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_plan_is_one_json_document(mribench, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = ["--modalities", "brain", "--profile", "smoke", "--variants", ""]
    ended = mribench("run", *words, "--dry-run", "--format", "json")
    assert json.loads(ended.out)["organs"] == 1 and ended.code == 0


@pytest.mark.parametrize("words", DOCUMENTS, ids=" ".join)
def test_standard_output_is_one_json_document(words, mribench):
    table, ended = mribench(*words), mribench(*words, "--format", "json")
    assert json.loads(ended.out) and table.out != ended.out
    assert "unknown format 'xml'" in mribench(*words, "--format", "xml").err


def test_boards_as_json_are_the_file_beside_the_page(mribench, run_folder, result):
    folder = run_folder("run", result(), result(20.0, variant="gaussian", is_control=True))
    ended = mribench("leaderboard", folder, "--format", "json")
    assert ended.out == (folder / "leaderboard.json").read_text() and "leaderboard.html" in ended.err


def test_quiet_and_verbose_exclude_each_other(refused):
    assert "give one" in refused("run", "--modalities", "brain", "--quiet", "--verbose")


def test_no_command_shows_the_usage(mribench):
    ended = mribench()
    assert ended.code == 2 and ended.err.startswith("Usage: mribench")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (errors.InputError("bad."), 2, "bad."),
        (errors.DataError("bad\n  data."), 2, "bad data."),
        (errors.TrainingDiverged("the loss is nan"), 1, "the loss is nan"),
        (errors.Interrupted("interrupted at step 3"), 130, "interrupted at step 3"),
        (KeyboardInterrupt(), 130, "interrupted; finished stages are kept, run the same command to go on"),
        (
            OSError(28, "No space left on device", "runs/x"),
            2,
            "runs/x: No space left on device; free space or",
        ),
        (OSError(28, "No space left on device"), 2, "No space left on device; free space or choose another"),
        (PermissionError(13, "Permission denied", "runs"), 2, "runs: Permission denied; check it or choose"),
        (NotADirectoryError(20, "Not a directory", "x/y"), 2, "x/y: this is a file, and a folder is needed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception | KeyboardInterrupt) else "",
)
def test_every_failure_is_a_sentence_with_its_code(error, code, said, mribench, monkeypatch):
    def fail(*given, **hooks):
        raise error

    monkeypatch.setattr(run, "run_suite", fail)
    ended = mribench("run", "--modalities", "brain")
    assert ended.code == code
    assert ended.err.strip().startswith(f"mribench: {said}") and len(ended.err.strip().splitlines()) == 1


def test_a_bug_keeps_its_traceback(mribench, monkeypatch):
    def fail(*given, **hooks):
        raise ZeroDivisionError

    monkeypatch.setattr(run, "run_suite", fail)
    with pytest.raises(ZeroDivisionError):
        mribench("run", "--modalities", "brain")


def test_a_closed_pipe_is_no_error():
    listing = subprocess.Popen(
        [sys.executable, "-m", "mribench", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    listing.stdout.close()
    assert (listing.stderr.read(), listing.wait()) == (b"", 1)
    listing.stderr.close()


def test_ctrl_c_ends_a_real_process_with_130(tmp_path):
    # a thousand phantoms are drawn first: there is time to interrupt
    words = ["run", "--modalities", "brain", "--profile", "quick", "--variants", "", "--jobs", "1"]
    words += ["--out", str(tmp_path / "out")]
    run = subprocess.Popen([sys.executable, "-m", "mribench", *words], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "out" / ".lock").exists() and run.poll() is None:
        time.sleep(0.05)
    time.sleep(0.3)
    os.kill(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.strip().splitlines()[-1].startswith("mribench: ") and "Traceback" not in said


def test_ctrl_c_while_a_library_is_imported_ends_with_130_too(tmp_path):
    # a dataclass is made by exec, and CPython remembers a Ctrl-C in there until the process ends
    (tmp_path / "late.py").write_text(
        "from mribench.cli import app\n"
        "@app.app.command()\n"
        "def late():\n"
        "    exec('raise KeyboardInterrupt')\n"
        "app.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "late", "late"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (130, 1), ended.stderr


def test_the_same_words_everywhere(mribench, monkeypatch, tmp_path):
    seen, how = [], []
    monkeypatch.setattr(
        run, "run_suite", lambda spec, execution, **hooks: [seen.append(spec), how.append(execution)]
    )
    toml = tmp_path / "study.toml"
    toml.write_text(
        'modalities = ["brain", "lung"]\nvariants = "ddpm"\nsamplers = ["ddim-5"]\nseeds = [0, 1]\n'
        'profile = "smoke"\ncontrols = []\ntrain_steps = 3\ntasks = "generation"\ndata = "phantom"\nout = "o"\n'
    )
    words = {
        "modalities": "brain,lung",
        "variants": "ddpm",
        "samplers": "ddim-5",
        "seeds": "0,1",
        "profile": "smoke",
        "controls": "",
        "train-steps": "3",
        "tasks": "generation",
        "data": "phantom",
        "out": "o",
    }
    mribench("run", *(part for name, value in words.items() for part in (f"--{name}", value)))
    mribench("run", "--spec", toml)
    package.run(
        modalities=["brain", "lung"],
        variants="ddpm",
        samplers="ddim-5",
        seeds=(0, 1),
        profile="smoke",
        controls=[],
        train_steps=3,
        tasks="generation",
        data="phantom",
        out="o",
    )
    mribench("run", "--spec", toml, "--seeds", "7")
    assert seen[0] == seen[1] == seen[2]
    assert seen[3].seeds == (7,) and seen[3].modalities == seen[0].modalities
    # what no result depends on is no part of a spec: the command line chooses, a Python session starts nothing
    assert how == [Execution(), Execution(), Execution(jobs=1), Execution()]
    mribench("run", "--spec", toml, "--jobs", "3")
    mribench("run", "--spec", toml, "--executor", "dask:tcp://host:1")
    package.run(modalities="lung", jobs=None, executor="slurm:timeout_min=5")
    assert how[4:] == [
        Execution(jobs=3),
        Execution("dask:tcp://host:1"),
        Execution("slurm:timeout_min=5", None),
    ]


def test_the_options_are_the_words_of_a_spec(mribench):
    options = set(re.findall(r"--([a-z-]+)", mribench("run", "--help").out)) - {
        "help",
        "spec",
        "suite",
        "dry-run",
        "within",
        "device",
        "quiet",
        "verbose",
        "format",
        "jobs",
        "executor",
    }
    assert {option.replace("-", "_") for option in options} == set(runspec.RunSpec.__dataclass_fields__)


def test_a_prepared_folder_is_shown(mribench, refused, tmp_path):
    modality = lookup.load("modalities", "brain")
    prepared = prepare_data(modality, "phantom", replace(profiles.get("smoke"), phantom_subjects=4), tmp_path)
    said = mribench("data", "show", prepared.path).out
    assert "phantom (phantom), 32x32" in said and prepared.key[:12] in said
    assert [line.split()[0] for line in said.splitlines()[1:4]] == ["train", "validation", "test"]
    assert "delete the folder and prepare it again" in refused("data", "show", tmp_path)


def test_leaderboard_writes_and_prints(mribench, run_folder, result, tmp_path):
    folder = run_folder("run", result(), result(20.0, variant="gaussian", is_control=True))
    ended = mribench("leaderboard", folder, "--out", tmp_path / "board")
    assert ended.code == 0 and "ddpm ddim-5" in ended.out
    # markup is for the page
    assert " gaussian " in ended.out and "*" not in ended.out
    names = {f"leaderboard.{kind}" for kind in ("html", "md")} | {results.kept.FOLDER}
    assert {path.name for path in (tmp_path / "board").iterdir()} == names
    assert sorted(path.name for path in folder.iterdir()) == ["results"]
    assert len(results.read_all([folder])) == 2
