"""``mribench speed`` and ``tune``: how fast this machine is, and which settings give the best samples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import MAINTAINERS, names_option, split_names
from mribench.errors import InputError


def speed(
    drift: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="measure only what bf16 changes in the samples of RUN, a run folder or one folder in its train/",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="folder for speed.json and speed.md, or drift.*")] = Path("speed"),
    compile: Annotated[
        bool, typer.Option("--compile", help="measure torch.compile too, which takes minutes more")
    ] = False,
) -> None:
    """Measure how fast this machine trains, samples and starts.

    Compares training with a reference loop, and with itself when one optimisation is switched off. Takes minutes.
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
        typer.Argument(help="run folder: compare samplers on its checkpoints and train nothing"),
    ] = None,
    modalities: Annotated[str, typer.Option(help="comma-separated organs, or all")] = "all",
    profile: Annotated[str, typer.Option(help="whose settings are compared: quick or standard")] = "quick",
    samplers: names_option(
        "comma-separated samplers to compare on RUN; default: some of few steps", "samplers"
    ) = None,
    seconds: Annotated[
        float, typer.Option(help="seconds of training per candidate and organ", min=1)
    ] = 160.0,
    seed: Annotated[int, typer.Option(help="training seed")] = 0,
    out: Annotated[Path, typer.Option(help="folder for tuning.* or, with RUN, samplers.*")] = Path("tuning"),
) -> None:
    """Compare settings of a profile on phantoms.

    Finds those that give the best samples for the same seconds of training. Takes hours. With RUN it compares samplers
    on the checkpoints of that run instead, against its validation subjects.
    """
    if run:
        from mribench.tune import samplers as comparison

        names = comparison.CANDIDATES if samplers is None else split_names(samplers)
        record = comparison.compare_samplers(run, names, out, split_names(modalities))
        print(comparison.markdown(record))
        return
    if samplers is not None:
        raise InputError(
            "--samplers compares samplers on what a run has trained; give its folder: mribench tune RUN --samplers ..."
        )
    from mribench import profiles
    from mribench.data import prepare_data
    from mribench.runner import resources, runspec
    from mribench.tune import candidates, settings

    if profile not in candidates.AROUND:
        raise InputError(
            f"profile {profile!r} has no candidates; expected one of {', '.join(candidates.AROUND)}"
        )
    plan = runspec.resolve(
        runspec.make(None, modalities=split_names(modalities), out=str(out), profile=profile)
    )
    data = {m.name: prepare_data(m, "phantom", plan.profile, out).path for m in plan.modalities}
    processes = resources.processes(plan.profile, len(data))
    around = candidates.AROUND[profile]()
    record = settings.tune(around, profiles.get(profile), data, seconds, seed, out, processes)
    print(settings.markdown(record))


def add_to(app: typer.Typer) -> None:
    for command in (speed, tune):
        app.command(rich_help_panel=MAINTAINERS)(command)
