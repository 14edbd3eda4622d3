"""``mribench coverage``: how often the intervals of a board hold the truth."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import MAINTAINERS, organ_names


def coverage(
    out: Annotated[Path, typer.Option(help="folder for coverage.json and coverage.md")] = Path("coverage"),
    records: Annotated[
        str, typer.Option(help="comma-separated run folders or kept boards whose subjects are drawn again")
    ] = "",
    modalities: Annotated[
        str, typer.Option(help="comma-separated organs whose records and phantoms are used, or all")
    ] = "all",
    worlds: Annotated[int, typer.Option(help="simulated boards per number, paired metrics", min=1)] = 2000,
    kd_worlds: Annotated[
        int, typer.Option(help="simulated boards per number, kernel distance; 0: none", min=0)
    ] = 200,
    seed: Annotated[int, typer.Option(help="seed of all draws")] = 0,
) -> None:
    """Count how often intervals hold a known truth.

    On simulated boards of 5, 10, 20, 30 and 100 test subjects, with one and with three trainings: paired metrics, and
    the kernel distance. Takes minutes.
    """
    import tempfile

    from mribench import profiles
    from mribench.calibration import coverage as simulation
    from mribench.calibration.worlds import kernel_worlds, paired_worlds
    from mribench.data import prepare_data
    from mribench.plugins import lookup

    organs = lookup.load_all("modalities", organ_names(modalities))
    folders = [Path(folder.strip()) for folder in records.split(",") if folder.strip()]
    found = list(simulation.paired(paired_worlds(folders, organs), worlds, seed))
    if kd_worlds:
        with tempfile.TemporaryDirectory() as folder:
            for organ in organs.values():
                data = prepare_data(organ, "phantom", profiles.get("quick"), Path(folder))
                made = kernel_worlds(data, organ.name, simulation.DISTANCES)
                found += simulation.kernel(made, kd_worlds, seed)
    given = {
        "--out": out,
        "--records": records,
        "--modalities": modalities,
        "--worlds": worlds,
        "--kd-worlds": kd_worlds,
        "--seed": seed,
    }
    words = [word for name, value in given.items() if value != "" for word in (name, str(value))]
    for path in simulation.write(out, found, shlex.join(["mribench", "coverage", *words])):
        print(path)


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=MAINTAINERS)(coverage)
