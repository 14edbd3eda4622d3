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
    quality: Annotated[
        str | None,
        typer.Option(
            metavar="ORGAN",
            help="measure only what other trainers reach on phantoms of ORGAN in the seconds that quick takes",
        ),
    ] = None,
    growth: Annotated[
        bool,
        typer.Option("--growth", help="measure only how cost grows with side, images, cells and records"),
    ] = False,
    out: Annotated[
        Path, typer.Option(help="folder for speed.json and speed.md, or drift.*, quality.*, growth.*")
    ] = Path("speed"),
    compile: Annotated[
        bool, typer.Option("--compile", help="measure torch.compile too, which takes minutes more")
    ] = False,
) -> None:
    """Measure how fast this machine trains, samples and starts.

    Compares training with a reference loop, and with itself when one optimisation is switched off. Takes minutes.
    """
    if bool(drift) + bool(quality) + growth > 1:
        raise InputError("--drift, --quality and --growth are measurements of their own; give one of them")
    if growth:
        from mribench.speed import growth as growing

        print(growing.markdown(growing.measure(out)))
        return
    if drift:
        from mribench.speed import drift as drifting

        print(drifting.markdown(drifting.measure(drift, out)))
        return
    if quality:
        from mribench.speed import quality as equal_seconds

        print(equal_seconds.markdown(equal_seconds.measure(quality, out)))
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
    variants: names_option(
        "comma-separated trained variants, or all: choose the learning rate of each", "variants", "all"
    ) = None,
    trials: Annotated[
        int | None, typer.Option(help="with --variants: trainings of each variant and organ; default: 8")
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(help="with --variants: part of the profile's budget of each; default: 0.25"),
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="seconds of training per candidate and organ", min=1)
    ] = 160.0,
    seed: Annotated[int, typer.Option(help="training seed")] = 0,
    out: Annotated[
        Path, typer.Option(help="folder for tuning.*; of --variants methods.*, with RUN samplers.*")
    ] = Path("tuning"),
) -> None:
    """Compare settings of a profile on phantoms.

    Finds those that give the best samples for the same seconds of training. Takes hours. With RUN it compares samplers
    on the checkpoints of that run instead, against its validation subjects. With --variants it chooses the learning
    rate of each of them, by the same number of trials; mribench run --tuned takes those.
    """
    if variants is None and (trials, share) != (None, None):
        raise InputError("--trials and --share are of --variants; give the variants to tune")
    if variants is not None and (run or samplers is not None):
        raise InputError("--variants trains and takes neither RUN nor --samplers; leave them out")
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
    from mribench.runner.plan import resolve
    from mribench.tune import candidates, methods, methods_table, settings

    if variants is not None:
        asked = runspec.make(
            modalities=split_names(modalities),
            variants=split_names(variants),
            controls=(),
            tasks="generation",
            features="hc85-v1",
            seeds=seed,
            profile=profile,
            out=str(out),
        )
        plan = resolve(asked)
        prepared = {
            m.name: prepare_data(m, plan.spec.data, plan.profile, out, fields=plan.fields)
            for m in plan.modalities
        }
        processes = resources.processes(plan.profile, len(prepared) * len(plan.variants))
        chosen = methods.tune_methods(
            plan,
            prepared,
            out,
            len(methods.FACTORS) if trials is None else trials,
            methods.SHARE if share is None else share,
            processes,
        )
        print(methods_table.markdown(chosen))
        return
    if profile not in candidates.AROUND:
        raise InputError(
            f"profile {profile!r} has no candidates; expected one of {', '.join(candidates.AROUND)}"
        )
    plan = resolve(runspec.make(None, modalities=split_names(modalities), out=str(out), profile=profile))
    data = {m.name: prepare_data(m, "phantom", plan.profile, out).path for m in plan.modalities}
    processes = resources.processes(plan.profile, len(data))
    around = candidates.AROUND[profile]()
    record = settings.tune(around, profiles.get(profile), data, seconds, seed, out, processes)
    print(settings.markdown(record))


def add_to(app: typer.Typer) -> None:
    for command in (speed, tune):
        app.command(rich_help_panel=MAINTAINERS)(command)
