"""``mribench speed`` and ``tune``: parse, call one function, print. Heavy imports stay inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import names, split
from mribench.errors import InputError


def speed(
    drift: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Instead, what bf16 changes in samples: a run folder, or one folder below its train/.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for speed.json and speed.md (drift.*).")] = Path("speed"),
    compile: Annotated[
        bool, typer.Option("--compile", help="Also what torch.compile is worth: minutes more.")
    ] = False,
) -> None:
    """Measure how fast this machine trains, samples and starts.

    Ours beside a reference loop, and with one thing switched beside itself. Takes some minutes.
    """
    if drift:
        from mribench.speed import drift as drifting

        print(drifting.markdown(drifting.measure(drift, out)))
        return
    from mribench.speed import report

    print(report.markdown(report.measure(out, compile)))


def tune(
    run: Annotated[
        Path | None,
        typer.Argument(help="Run folder: weigh samplers of what it has trained, nothing is trained."),
    ] = None,
    modalities: Annotated[str, typer.Option(help="Comma-separated organs, or all.")] = "all",
    profile: Annotated[str, typer.Option(help="Whose settings to weigh: quick or standard.")] = "quick",
    samplers: names("Comma-separated samplers to weigh on RUN; some of few steps else.", "samplers") = None,
    seconds: Annotated[
        float, typer.Option(help="Seconds of training per candidate and organ.", min=1)
    ] = 160.0,
    seed: int = 0,
    out: Annotated[Path, typer.Option(help="Folder for tuning.* or, with RUN, samplers.*.")] = Path("tuning"),
) -> None:
    """Weigh the settings of a profile on phantoms.

    The best samples for the same seconds. Takes hours. Given the folder of a run, weigh samplers on its checkpoints
    instead, against the validation subjects.
    """
    if run:
        from mribench.tune import choice

        asked = choice.CANDIDATES if samplers is None else split(samplers)
        print(choice.markdown(choice.choose(run, asked, out, split(modalities))))
        return
    if samplers is not None:
        raise InputError(
            "--samplers weighs what a run has trained; give its folder: mribench tune RUN --samplers ..."
        )
    from mribench import profiles
    from mribench.data import prepare_data
    from mribench.runner import resources, runspec
    from mribench.tune import candidates, tuning

    if profile not in candidates.AROUND:
        raise InputError(
            f"profile {profile!r} has no candidates; expected one of {', '.join(candidates.AROUND)}"
        )
    plan = runspec.resolve(runspec.make(None, modalities=split(modalities), out=str(out), profile=profile))
    data = {m.name: prepare_data(m, "phantom", plan.profile, out).path for m in plan.modalities}
    processes = resources.processes(plan.profile, len(data))
    around = candidates.AROUND[profile]()
    record = tuning.tune(around, profiles.get(profile), data, seconds, seed, out, processes)
    print(tuning.markdown(record))


def add_to(app: typer.Typer) -> None:
    for command in (speed, tune):
        app.command()(command)
