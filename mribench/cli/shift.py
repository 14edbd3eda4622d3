"""``mribench shift``: solvers with priors of other organs, and on measurements that they are not tuned for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import MAINTAINERS, complete_names, names_option, split_names


def shift(
    run: Annotated[Path, typer.Argument(help="folder of a run with a trained prior of each organ")],
    task: Annotated[
        str, typer.Option(help="one that poses a problem", autocompletion=complete_names("tasks"))
    ] = "mri",
    solvers: names_option("comma-separated solvers", "solvers") = "pnp",
    changed: Annotated[
        str,
        typer.Option(
            help="comma-separated changes of the question, in the place of other organs' priors: a level such as 8, "
            "noise:2, another problem such as mri-equispaced, a field such as t2w"
        ),
    ] = "",
    modalities: names_option("comma-separated organs; default: the run's", "modalities") = None,
    variant: names_option("the prior; default: the first of the run", "variants") = None,
    subjects: Annotated[int, typer.Option(help="test subjects of an organ, at most", min=2)] = 32,
    out: Annotated[Path | None, typer.Option(help="Markdown file; printed without it")] = None,
) -> None:
    """Ask priors about organs and measurements that are not theirs.

    Without --changed, the prior of each organ answers for every other one. With it, each organ's own prior answers
    changed questions, with settings that were chosen on the plain one. Nothing is trained but networks of pairs.
    """
    from mribench import files
    from mribench.calibration import robustness
    from mribench.calibration import shift as of_priors

    names, organs = split_names(solvers) or [], split_names(modalities)
    if changes := split_names(changed):
        text = robustness.survey(run, task, names, changes, subjects, organs, variant)
    else:
        text = of_priors.survey(run, task, names, subjects, organs, variant)
    if out is None:
        print(text)
    else:
        files.write_text(out, text)
        print(out)


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=MAINTAINERS)(shift)
