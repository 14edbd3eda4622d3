"""``mribench list`` and ``plugin``: what is installed, and how to write, look at and check a plugin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import (
    check_format,
    complete_distribution,
    complete_group,
    complete_kind,
    complete_names,
    complete_plugin_or_distribution,
)

app = typer.Typer(
    help="Write a plugin of your own, and check one.", no_args_is_help=True, rich_markup_mode=None
)


def list_plugins(
    group: Annotated[
        str | None,
        typer.Argument(
            help="modalities, variants, models, samplers, solvers, tasks, metrics, features or readers",
            autocompletion=complete_group,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="only these names; a pattern such as 'hc*'")] = None,
    distribution: Annotated[
        str | None,
        typer.Option(help="only of this distribution, or a pattern", autocompletion=complete_distribution),
    ] = None,
    format: Annotated[str, typer.Option(help="table, or json with the file of each")] = "table",
) -> None:
    """Show all installed plugins and their faults.

    Reads the metadata of packages and imports no plugin.
    """
    from mribench.cli import console
    from mribench.plugins import lookup

    check_format(format)
    entries = lookup.choose(group, name, distribution)
    console.plugins(entries) if format == "table" else console.records(entries)


@app.command()
def new(
    kind: Annotated[
        str,
        typer.Argument(
            help="modality, variant, control, model, sampler, solver, task, metric, features or reader",
            autocompletion=complete_kind,
        ),
    ],
    name: Annotated[str, typer.Argument(help="lower-case letters, digits, hyphens; what users will type")],
    out: Annotated[
        Path, typer.Option(help="where the new folder mribench-NAME goes; it must not be there yet")
    ] = Path(),
) -> None:
    """Write a small package that works at once.

    It installs and passes its own tests; you fill one module.
    """
    from mribench.plugins import scaffold

    folder = scaffold.write(kind, name, out)
    print(folder)
    for line in scaffold.next_steps(kind, name, folder):
        print(f"  {line}")


@app.command()
def draw(
    name: Annotated[
        str, typer.Argument(help="an installed organ", autocompletion=complete_names("modalities"))
    ],
    out: Annotated[Path | None, typer.Option(help="picture to write; default: NAME.png")] = None,
    size: Annotated[int, typer.Option(help="pixels a side of one image")] = 64,
    seed: Annotated[int, typer.Option(help="another seed draws other subjects", min=0)] = 0,
) -> None:
    """Look at an organ's phantom: a picture of subjects and slices."""
    from mribench import figures
    from mribench.plugins import lookup
    from mribench.testing.contact_sheet import contact_sheet

    path = out or Path(f"{name}.png")
    figures.save(path, contact_sheet(lookup.load("modalities", name), size, seed))
    print(path)


@app.command()
def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATH",
            help="a plugin's name, a distribution, or the folder of one that is installed",
            autocompletion=complete_plugin_or_distribution,
        ),
    ],
) -> None:
    """Check that a plugin keeps the contract.

    Says what fails, where, and how to mend it. Exit code 1 if something is broken.
    """
    from mribench import environ

    counts = {"ok": 0, "note": 0, "broken": 0}
    # on toys of 8 x 8 pixels threads mostly wait for each other; torch reads it when it is imported
    with environ.set_to("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1")):
        from mribench import testing
        from mribench.testing.collect import collect

        for entry in collect(target):
            for finding in testing.check(entry.group, entry.name):
                print(finding, flush=True)
                counts[finding.state] += 1
    print(", ".join(f"{n} {state}" for state, n in counts.items()))
    if counts["broken"]:
        raise typer.Exit(1)


def add_to(main: typer.Typer) -> None:
    main.command("list")(list_plugins)
    main.add_typer(app, name="plugin")
