"""``mribench run``: prepare, train, sample, score, and print the boards."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mribench.cli.options import (
    Exclude,
    Format,
    Include,
    Quiet,
    Verbose,
    check_format,
    complete_device,
    complete_profile,
    complete_suite,
    names_option,
    verbosity,
)
from mribench.errors import InputError

if TYPE_CHECKING:
    from mribench.board.boards import Board
    from mribench.runner.plan import Plan
    from mribench.runner.resources import Execution
    from mribench.runner.runspec import RunSpec

Modalities = names_option(
    "comma-separated organs, or all; without it the plan for all of them is shown and nothing is run",
    "modalities",
    "all",
)
Variants = names_option(
    "comma-separated trained variants, or all that a sampler asked for draws from; default: ddpm",
    "variants",
    "all",
)
Samplers = names_option(
    "comma-separated samplers with their steps: ddim-50,dpm-solver-20; default: the profile's, and a variant's own "
    "where that does not fit",
    "samplers",
)
Solvers = names_option(
    "comma-separated solvers of inverse problems, for tasks that pose one; default: all that fit",
    "solvers",
    "all",
)
Nfe = Annotated[
    str | None,
    typer.Option(
        "--nfe",
        help="comma-separated network evaluations, e.g. 5,10,20: each sampler, named without steps, at each; default: "
        "the steps in its name",
    ),
]
SkipBroken = Annotated[
    bool | None, typer.Option("--skip-broken", help="leave out your files that cannot be read")
]
NGenerated = Annotated[
    int | None,
    typer.Option(help="number of generated images; nothing is trained again; default: the profile's"),
]
Seeds = Annotated[str | None, typer.Option(help="comma-separated training seeds, e.g. 0,1,2; default: 0")]
Profile = Annotated[
    str | None,
    typer.Option(
        help="smoke, quick, standard, paper, or a .toml file that extends one of them; default: standard with a GPU, "
        "else quick",
        autocompletion=complete_profile,
    ),
]
Size = Annotated[
    int | None, typer.Option(help="pixels a side of the images, up to 256; default: the profile's")
]
Data = Annotated[
    str | None,
    typer.Option(
        help="phantom, open (public sets), the id of a dataset card, or a file or folder; default: phantom"
    ),
]
DataName = Annotated[
    str | None,
    typer.Option(
        help="name of your file or folder on boards, published; default: local- and a hash of the images"
    ),
]
Out = Annotated[
    str | None, typer.Option(help="folder of the run; given again, the run is continued; default: runs")
]
Tasks = names_option(
    "comma-separated tasks; default: generation,denoising,audit (likelihood is another)", "tasks"
)
Metrics = names_option("comma-separated metrics in addition to those of the tasks; default: none", "metrics")
Features = names_option(
    "comma-separated feature spaces of the distribution metrics; default: hc85-v1,gist208-v1,shape156-v1",
    "features",
)
Controls = names_option(
    "comma-separated controls, which give a board its scale; '' for none; default: "
    "noise,gaussian,gaussian-matched,train-replay,warped-replay,mode-collapse,blur",
    "variants",
)
Precision = Annotated[
    str | None, typer.Option(help="fp32, bf16 or fp16; default: the fastest that the device supports")
]
TrainSteps = Annotated[int | None, typer.Option(help="number of training steps; default: the profile's")]
Within = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES",
        help="train a half, a quarter or an eighth of the profile's steps where the run would take more minutes here; "
        "boards call the profile quick@900, say; default: all steps",
    ),
]
Track = Annotated[
    str | None, typer.Option(help="send loss curves to a tracker, e.g. tensorboard; default: none")
]
TunedFile = Annotated[
    str | None,
    typer.Option(
        "--tuned",
        metavar="FILE",
        help="methods.json of mribench tune --variants: variants that it holds train with their best learning rate",
    ),
]
Suite = Annotated[
    str | None,
    typer.Option(
        help="methods, samplers, or a TOML file with these settings; --spec and options given here replace its own; "
        "default: none",
        autocompletion=complete_suite,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="show what would be run, how long and how large, and run nothing")
]
Spec = Annotated[
    Path | None,
    typer.Option(help="TOML file with these settings; options given here replace its own; default: none"),
]
Jobs = Annotated[
    int | None,
    typer.Option(help="cells at once on this machine; default: as many as its cores and memory allow"),
]
Executor = Annotated[
    str, typer.Option(help="local, slurm, slurm:timeout_min=600,slurm_partition=gpu or dask:tcp://host:8786")
]
Device = Annotated[
    str | None,
    typer.Option(
        help="cpu, cuda or mps; default: a GPU where there is one",
        autocompletion=complete_device,
    ),
]


def run(
    modalities: Modalities = None,
    variants: Variants = None,
    samplers: Samplers = None,
    solvers: Solvers = None,
    nfe: Nfe = None,
    seeds: Seeds = None,
    profile: Profile = None,
    size: Size = None,
    data: Data = None,
    data_name: DataName = None,
    skip_broken: SkipBroken = None,
    include: Include = None,
    exclude: Exclude = None,
    out: Out = None,
    tasks: Tasks = None,
    metrics: Metrics = None,
    features: Features = None,
    controls: Controls = None,
    precision: Precision = None,
    train_steps: TrainSteps = None,
    within: Within = None,
    n_generated: NGenerated = None,
    track: Track = None,
    tuned: TunedFile = None,
    spec: Spec = None,
    suite: Suite = None,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    executor: Executor = "local",
    device: Device = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    format: Format = "table",
) -> None:
    """Prepare data, train, sample, score, and print the board.

    Run it again to continue where it stopped.
    """
    given = dict(locals())  # before there is any other name
    check_format(format)
    from mribench import device as devices
    from mribench.runner import runspec
    from mribench.runner import suite as suites
    from mribench.runner.resources import Execution

    # no organ is a default here: a word left out must not train all of them
    base = runspec.RunSpec(modalities=())
    base = suites.read(suite, base) if suite else base
    base = runspec.from_toml(spec, base) if spec else base
    settings = runspec.make(base, **runspec.among(given))
    execution = Execution(executor, jobs)
    with devices.use(device), verbosity(quiet, verbose):
        if within is not None and settings.modalities:
            from mribench.speed.within import shortened

            settings = shortened(settings, execution, within)
        if dry_run or (modalities is None and not settings.modalities):
            _show_plan(settings, execution, format)
            return
        from mribench.runner.run import run_suite

        run_suite(
            settings,
            execution,
            begin=None if quiet or within is not None else _say_cost,
            show=lambda made: _show_boards(made, settings, format),
        )


def _show_plan(settings: RunSpec, execution: Execution, format: str) -> None:
    """Cells, minutes and gigabytes. Raises InputError where no organ was named: then it is the plan for all."""
    from mribench.cli import console
    from mribench.data import open_sets
    from mribench.runner.plan import resolve
    from mribench.speed import forecast

    asked = settings if settings.modalities else replace(settings, modalities=("all",))
    plan = resolve(asked)
    open_sets.say_described(plan.spec.modalities, plan.spec.data)
    found = forecast.in_other_processes(plan, execution)
    if format == "json":
        print(console.json_text(asdict(found)))
    else:
        console.forecast(found)
    if not settings.modalities:
        raise InputError(
            "this is the plan for all organs, and nothing was run; name them: --modalities all, or some of them"
        )


def _say_cost(plan: Plan, execution: Execution) -> None:
    """How long it will take, by a probe of seconds.

    Nothing of a run on a cluster, of one that goes on, or of one that takes less than a minute.
    """
    from mribench.progress import say
    from mribench.speed import forecast

    is_here = execution.executor == "local" and os.environ.get("WORLD_SIZE", "1") == "1"
    if not (plan.profile.ranks and is_here) or (plan.out / "results").is_dir():
        return
    found = forecast.in_other_processes(plan, execution)
    if found.minutes >= 1:
        say(found.sentence)


def _show_boards(made: Sequence[Board], settings: RunSpec, format: str) -> None:
    """And of phantoms what real images there are."""
    from mribench.cli import board
    from mribench.data import open_sets
    from mribench.plugins import lookup

    page = Path(settings.out) / "leaderboard.html"
    board.print_boards(made, format)
    organs = lookup.names("modalities") if "all" in settings.modalities else settings.modalities
    if format != "json" and settings.data == "phantom" and (line := open_sets.suggestion(organs)):
        print(line)
    print(page, file=sys.stderr if format == "json" else sys.stdout)


def add_to(app: typer.Typer) -> None:
    app.command()(run)
