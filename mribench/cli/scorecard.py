"""``mribench scorecard``: one page for each generator, after the FDA's seven criteria."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import names_option, split_names


def scorecard(
    run: Annotated[Path, typer.Argument(help="a run folder or a kept board")],
    modalities: names_option("organs, separated by commas; default: all", "modalities") = None,
    variants: names_option("separated by commas; default: all", "variants") = None,
    readers: Annotated[
        int | None,
        typer.Option(
            min=1, help="also make a blinded sheet of as many generated and as many real test images for each"
        ),
    ] = None,
    answers: Annotated[
        list[Path] | None, typer.Option(help="a file that a reader saved from a sheet; repeat it")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder of the pages; default: RUN/scorecards")] = None,
) -> None:
    """Write one page of evidence for each generator.

    Says what the records hold under each of seven criteria, and what is not known. They are congruence, coverage,
    constraint, completeness, compliance, comprehension and consistency, after Zamzmi et al. 2025; a reader study is
    added. The sheets of real data show images of patients: keep them where those may be.
    """
    from mribench.scorecard.write import write

    organs, methods = split_names(modalities) or (), split_names(variants) or ()
    for path in write(run, out or run / "scorecards", organs, methods, readers, answers or ()):
        print(path)


def add_to(app: typer.Typer) -> None:
    app.command()(scorecard)
