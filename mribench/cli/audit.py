"""``mribench audit``: parse, call one function, print. Heavy imports stay inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import split

app = typer.Typer(
    help="The memorisation audit: how often it is right.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def audit() -> None:
    """A group of commands, also while there is one."""


@app.command()
def calibrate(
    out: Annotated[
        Path, typer.Option(help="folder for calibration.jsonl.zst and calibration.md; goes on there")
    ],
    modalities: Annotated[str, typer.Option(help="comma-separated, or all")] = "all",
    data: Annotated[str, typer.Option(help="phantom, a registry id, or a file or folder")] = "phantom",
    profile: Annotated[str, typer.Option(help="size and numbers of images and subjects")] = "quick",
    seeds: Annotated[int, typer.Option(help="how many: 0, 1, ...")] = 20,
    networks: Annotated[int, typer.Option(help="in how many of them ddpm is trained for a moment")] = 3,
) -> None:
    """Detection and false-alarm rates of the audit.

    From cheats and honest generators with a known answer.
    """
    from mribench import profiles
    from mribench.calibration import calibrate as calibration
    from mribench.calibration import table
    from mribench.plugins import lookup
    from mribench.progress import progress

    asked = lookup.names("modalities") if modalities == "all" else split(modalities)
    chosen = lookup.load_all("modalities", asked)
    budget, extract = profiles.get(profile), calibration.extractor(lookup.load)
    network = lookup.load("variants", "ddpm")
    written = table.write(out, table.read(out))
    for name, modality in chosen.items():
        done = table.seeds_of(table.read(out), name, data)
        left = [seed for seed in range(seeds) if seed not in done]
        with progress(f"calibrate {name}", seeds) as advance:
            for found in calibration.runs(modality, data, budget, left, extract, network, networks):
                written = table.write(out, [*table.read(out), *found])
                advance(found[0]["seed"] + 1)
    for path in written:
        print(path)
