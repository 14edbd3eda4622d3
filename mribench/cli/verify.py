"""``mribench verify``: generate and score again what is on record."""

from __future__ import annotations

from typing import Annotated

import typer

from mribench.cli.options import Exclude, Include


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
    include: Include = None,
    exclude: Exclude = None,
) -> None:
    """Generate and score again from the recorded seeds.

    All that a rank uses is compared. Each result is reproduced, within interval, or not reproduced (exit code 1); what
    cannot be made again is named as not checked.
    """
    from mribench import results
    from mribench.cli import console
    from mribench.data.globs import Globs
    from mribench.hub.pull import as_folder
    from mribench.runner import verify as verifying

    given, globs = [], Globs(tuple(include or ()), tuple(exclude or ()))
    with as_folder(result) as path:
        for out, one in (found := verifying.find(path)):
            beside = results.read_all([out]) if path.suffix == ".json" else [other for _, other in found]
            given.append(verifying.verify(out, one, data, rescore, beside, globs))
            console.verification(given[-1])
    console.answers(given)
    if "not reproduced" in [one.answer for one in given]:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    app.command()(verify)
