"""``mribench score``: is a model that exists already any good?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import complete_profile, names_option


def score(
    samples: Annotated[
        str,
        typer.Argument(
            help="a folder of PNG, TIFF or NIfTI, an NPZ with images (N, H, W), a Hugging Face dataset, a diffusers "
            "pipeline (folder, or user/name on the Hub), or module:function, called as generate(indices, seed)"
        ),
    ],
    against: Annotated[
        str,
        typer.Option(
            help="real images: the id of a dataset card, a file or folder, a prepared set, phantom:ORGAN"
        ),
    ],
    out: Annotated[Path, typer.Option(help="folder of the records, the board and the page")] = Path(
        "runs/score"
    ),
    name: Annotated[
        str | None, typer.Option(help="name of the row on boards; default: from the content")
    ] = None,
    trained_on: Annotated[
        str | None,
        typer.Option(
            help="what the model was trained on, as --against; without it the audit cannot clear the model"
        ),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="run folder or kept board to compare with, by its settings; may be repeated"),
    ] = None,
    modality: Annotated[str | None, typer.Option(help="the organ, where the data do not tell")] = None,
    data_name: Annotated[
        str | None,
        typer.Option(help="name of your own data on boards; default: local- and a hash of the images"),
    ] = None,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="leave out your real files that cannot be read")
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            help="decides how many images are compared; default: that of the rows beside, else quick",
            autocompletion=complete_profile,
        ),
    ] = None,
    n: Annotated[int | None, typer.Option(help="images that are scored, in place of the profile's")] = None,
    seed: Annotated[int, typer.Option(help="of a pipeline or callable", min=0)] = 0,
    steps: Annotated[
        int | None, typer.Option(help="num_inference_steps of a pipeline; default: its own", min=1)
    ] = None,
    controls: names_option("comma-separated controls; '' for none", "variants") = None,
    features: names_option("comma-separated feature spaces", "features") = None,
    metrics: names_option("comma-separated metrics in addition to those of generation", "metrics") = None,
) -> None:
    """Score your own samples or model.

    They are compared with held-out real images, as the rows of a board are: kernel distances with intervals by subject,
    noise floor, controls, memorisation audit, board and page. The images must be grey squares of 32 to 256 pixels;
    nothing is resized.
    """
    from mribench.cli import console
    from mribench.scoring.score import Settings, settings_of
    from mribench.scoring.score import score as scored

    lists = settings_of({"controls": controls, "features": features, "metrics": metrics})
    found = scored(
        samples,
        Settings(
            against=against,
            trained_on=trained_on,
            out=out,
            name=name,
            beside=tuple(beside or ()),
            modality=modality,
            data_name=data_name,
            skip_broken=skip_broken,
            profile=profile,
            n=n,
            seed=seed,
            steps=steps,
            **lists,
        ),
    )
    console.boards([found.board])
    for line in repr(found).splitlines():
        console.say(line)
    print(found.page)


def add_to(app: typer.Typer) -> None:
    app.command()(score)
