"""``mribench plugin``: parse, call one function, print. Heavy imports stay inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli import complete

app = typer.Typer(
    help="Write a plugin of your own, and check one.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def new(
    kind: Annotated[
        str,
        typer.Argument(
            help="modality, variant, sampler, task, metric or features", autocompletion=complete.kinds
        ),
    ],
    name: Annotated[str, typer.Argument(help="lower-case letters, digits, hyphens; what users will type")],
    out: Annotated[
        Path, typer.Option(help="where the new folder mribench-NAME goes; it must not be there yet")
    ] = Path(),
) -> None:
    """Write a small package that runs at once.

    It installs, passes its own tests, and has one module to fill.
    """
    from mribench.plugins import scaffold

    folder = scaffold.write(kind, name, out)
    print(folder)
    for line in scaffold.next_steps(kind, name, folder):
        print(f"  {line}")


@app.command()
def draw(
    name: Annotated[
        str, typer.Argument(help="an installed organ", autocompletion=complete.names("modalities"))
    ],
    out: Annotated[Path | None, typer.Option(help="picture to write; default: NAME.png")] = None,
    size: Annotated[int, typer.Option(help="pixels a side of one image")] = 64,
    seed: Annotated[int, typer.Option(help="other subjects", min=0)] = 0,
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
            autocompletion=complete.plugins_or_distributions,
        ),
    ],
) -> None:
    """Hold a plugin to the contract.

    Says what fails, where, and how to mend it. Exit code 1 if something is broken.
    """
    from mribench import testing
    from mribench.testing.collect import collect

    counts = {"ok": 0, "note": 0, "broken": 0}
    for entry in collect(target):
        for finding in testing.check(entry.group, entry.name):
            print(finding, flush=True)
            counts[finding.state] += 1
    print(", ".join(f"{n} {state}" for state, n in counts.items()))
    if counts["broken"]:
        raise typer.Exit(1)
