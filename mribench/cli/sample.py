"""``mribench sample``: images of a trained or published model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import complete_names

GRID_SIDE = 16  # images in a row of the grid, and rows at most


def sample(
    source: Annotated[str, typer.Argument(help="a run folder, an unpacked one, or a published user/name")],
    n: Annotated[int, typer.Option("--n", help="number of images", min=1)] = 16,
    sampler: Annotated[
        str | None,
        typer.Option(
            help="such as ddim-50; default: the first that the model was scored with",
            autocompletion=complete_names("samplers"),
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="of the noise; default: the one whose images were scored")
    ] = None,
    cell: Annotated[
        str | None, typer.Option(help="which of several trained models of a run, such as ORGAN-ddpm-s0")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="new folder for PNG files, or an .npz file; OUT-grid.png shows all")
    ] = Path("samples"),
) -> None:
    """Draw images from a trained or published model.

    Image i depends on the seed and on i alone. Weights are read from safetensors, and no code is downloaded.
    """
    import numpy as np

    from mribench import figures, files
    from mribench.errors import InputError
    from mribench.hub import drawing
    from mribench.tasks import to_uint8

    if out.exists():
        raise InputError(f"{out} exists; choose another --out")
    images = to_uint8(drawing.sample(source, n, sampler, seed, cell))
    if is_archive := out.suffix == ".npz":
        with files.new_file(out) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, images=images)
    else:
        with files.new_folder(out) as folder:
            for i, image in enumerate(images):
                figures.save(folder / f"{i:06d}.png", image)
    # beside the images: whoever reads the folder finds nothing else in it
    shown = images[: GRID_SIDE**2]
    name = out.stem if is_archive else out.name
    figures.save(out.with_name(f"{name}-grid.png"), figures.grid(shown, min(GRID_SIDE, len(shown))))
    print(out)


def add_to(app: typer.Typer) -> None:
    app.command()(sample)
