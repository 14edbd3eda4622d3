"""``mribench questions``: what a task asks, for whoever restores images elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import Exclude, Include, complete_names, complete_profile


def questions(
    task: Annotated[
        str,
        typer.Option(
            help="denoising, or one that poses a problem: mri, superres, ...",
            autocompletion=complete_names("tasks"),
        ),
    ],
    against: Annotated[
        str,
        typer.Option(
            help="real images: the id of a dataset card, a file or folder, a prepared set, phantom:ORGAN"
        ),
    ],
    out: Annotated[Path, typer.Option(help="new .npz file; each array is called after its level")] = Path(
        "questions.npz"
    ),
    split: Annotated[
        str,
        typer.Option(
            help="test is what is scored; train and validation come with the true images, to learn and to tune"
        ),
    ] = "test",
    modality: Annotated[str | None, typer.Option(help="the organ, where the data do not tell")] = None,
    data_name: Annotated[
        str | None,
        typer.Option(help="name of your own data on boards; default: local- and a hash of the images"),
    ] = None,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="leave out your real files that cannot be read")
    ] = False,
    include: Include = None,
    exclude: Exclude = None,
    profile: Annotated[
        str, typer.Option(help="decides how many images there are", autocompletion=complete_profile)
    ] = "quick",
    size: Annotated[
        int | None, typer.Option(help="pixels a side of the images; default: the profile's")
    ] = None,
    seed: Annotated[int, typer.Option(help="of mask, coils and noise", min=0)] = 0,
    runs: Annotated[Path, typer.Option(help="run folder in which the set is, or will be, prepared")] = Path(
        "runs/score"
    ),
) -> None:
    """Write the measurements that a task asks to be restored.

    Restore them with a program of yours, save an image for each of the ids, and give them to mribench score --task.
    True images of test subjects are never written; those of phantoms and public sets can be had by anyone.
    """
    from mribench.data.globs import Globs
    from mribench.scoring.questions import write_questions

    written = write_questions(
        task,
        against,
        out,
        split=split,
        modality=modality,
        data_name=data_name,
        skip_broken=skip_broken,
        globs=Globs(tuple(include or ()), tuple(exclude or ())),
        profile=profile,
        size=size,
        seed=seed,
        runs=runs,
    )
    for line in written:
        print(line)


def add_to(app: typer.Typer) -> None:
    app.command()(questions)
