"""``mribench run`` and ``verify``: make results, and reproduce them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import complete_profile, complete_suite, names_option, split_names, split_numbers

Modalities = names_option("comma-separated organs, or all", "modalities", "all")
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
        help="comma-separated network evaluations, e.g. 5,10,20: each sampler, named without steps, at each",
    ),
]
NGenerated = Annotated[
    int | None,
    typer.Option(help="number of generated images, in place of the profile's; nothing is trained again"),
]
Seeds = Annotated[str | None, typer.Option(help="comma-separated training seeds, e.g. 0,1,2")]
Profile = Annotated[
    str | None, typer.Option(help="smoke, quick, standard or paper", autocompletion=complete_profile)
]
Data = Annotated[
    str | None,
    typer.Option(help="phantom, open (public sets), the id of a dataset card, or a file or folder"),
]
DataName = Annotated[
    str | None,
    typer.Option(
        help="name of your file or folder on boards, published; default: local- and a hash of the images"
    ),
]
SkipBroken = Annotated[
    bool | None, typer.Option("--skip-broken", help="leave out your files that cannot be read")
]
Out = Annotated[str | None, typer.Option(help="folder of the run; given again, the run is continued")]
Tasks = names_option("comma-separated tasks: generation,denoising,audit, and likelihood", "tasks")
Metrics = names_option("comma-separated metrics in addition to those of the tasks", "metrics")
Features = names_option("comma-separated feature spaces of the distribution metrics", "features")
Controls = names_option("comma-separated controls; '' for none", "variants")
Precision = Annotated[
    str | None, typer.Option(help="fp32, bf16 or fp16; default: the fastest that the device supports")
]
TrainSteps = Annotated[int | None, typer.Option(help="number of training steps, in place of the profile's")]
Track = Annotated[str | None, typer.Option(help="send loss curves to a tracker, e.g. tensorboard")]
Suite = Annotated[
    str | None,
    typer.Option(
        help="methods, samplers, or a TOML file with these settings; --spec and options given here replace its own",
        autocompletion=complete_suite,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="show what would be run, how long and how large, and run nothing")
]
Spec = Annotated[
    Path | None, typer.Option(help="TOML file with these settings; options given here replace its own")
]
Jobs = Annotated[
    int | None,
    typer.Option(help="cells at once on this machine; default: as many as its cores and memory allow"),
]
Executor = Annotated[
    str, typer.Option(help="local, slurm, slurm:timeout_min=600,slurm_partition=gpu or dask:tcp://host:8786")
]


def run(
    modalities: Modalities = None,
    variants: Variants = None,
    samplers: Samplers = None,
    solvers: Solvers = None,
    nfe: Nfe = None,
    seeds: Seeds = None,
    profile: Profile = None,
    data: Data = None,
    data_name: DataName = None,
    skip_broken: SkipBroken = None,
    out: Out = None,
    tasks: Tasks = None,
    metrics: Metrics = None,
    features: Features = None,
    controls: Controls = None,
    precision: Precision = None,
    train_steps: TrainSteps = None,
    n_generated: NGenerated = None,
    track: Track = None,
    spec: Spec = None,
    suite: Suite = None,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    executor: Executor = "local",
) -> None:
    """Prepare data, train, sample, score, and print the board.

    Run it again to continue where it stopped.
    """
    from mribench.cli import board, console
    from mribench.runner import runspec
    from mribench.runner import suite as suites
    from mribench.runner.resources import Execution

    base = suites.read(suite) if suite else None
    settings = runspec.make(
        runspec.from_toml(spec, base) if spec else base,
        modalities=split_names(modalities),
        variants=split_names(variants),
        samplers=split_names(samplers),
        solvers=split_names(solvers),
        tasks=split_names(tasks),
        features=split_names(features),
        metrics=split_names(metrics),
        controls=split_names(controls),
        seeds=split_numbers(seeds),
        profile=profile,
        train_steps=train_steps,
        nfe=split_numbers(nfe),
        n_generated=n_generated,
        precision=precision,
        data=data,
        data_name=data_name,
        skip_broken=skip_broken,
        out=out,
        track=track,
    )
    if dry_run:
        from mribench.speed import forecast

        console.forecast(forecast.forecast(runspec.resolve(settings), Execution(executor, jobs)))
        return
    from mribench.runner.run import run_suite

    run_suite(settings, Execution(executor, jobs))
    if os.environ.get("RANK", "0") == "0":
        board.print_boards([Path(settings.out)])
        print(Path(settings.out) / "leaderboard.html")


def verify(
    result: Annotated[
        str, typer.Argument(help="a result file in a run folder, a run folder, or a published user/name")
    ],
    rescore: Annotated[
        bool, typer.Option("--rescore", help="score the kept outputs again and generate nothing")
    ] = False,
    data: Annotated[
        str | None, typer.Option(help="source of the images, if the prepared ones were deleted")
    ] = None,
) -> None:
    """Generate and score again from the recorded seeds.

    All that a rank uses is compared. Each result is reproduced, within interval, or not reproduced (exit code 1); what
    cannot be made again is named as not checked.
    """
    from mribench import results
    from mribench.cli import console
    from mribench.hub.pull import as_folder
    from mribench.runner import verify as verifying

    given = []
    with as_folder(result) as path:
        for out, one in (found := verifying.find(path)):
            beside = results.read_all([out]) if path.suffix == ".json" else [other for _, other in found]
            given.append(verifying.verify(out, one, data, rescore, beside))
            console.verification(given[-1])
    console.answers(given)
    if "not reproduced" in [one.answer for one in given]:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    app.command()(run)
    app.command()(verify)
