"""``mribench audit`` and ``trust``: how far the audit and the feature spaces can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import MAINTAINERS, complete_profile, names_option, organ_names, split_names

app = typer.Typer(
    help="Test the memorisation audit, and play cheats.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Organs = names_option("comma-separated organs, or all", "modalities", "all")
Data = Annotated[str, typer.Option(help="phantom, the id of a dataset card, or a file or folder")]


@app.command()
def calibrate(
    out: Annotated[
        Path,
        typer.Option(help="folder for calibration.jsonl.zst and calibration.md; given again, it continues"),
    ],
    modalities: Organs = "all",
    data: Data = "phantom",
    profile: Annotated[str, typer.Option(help="size and numbers of images and subjects")] = "quick",
    seeds: Annotated[int, typer.Option(help="number of seeds: 0, 1, ...")] = 20,
    networks: Annotated[int, typer.Option(help="number of seeds with which ddpm is trained briefly")] = 3,
    cheats: Annotated[
        int | None, typer.Option(help="number of seeds with which copies are made too; all by default")
    ] = None,
) -> None:
    """Measure detection and false-alarm rates of the audit.

    Uses cheats and honest generators, whose answer is known.
    """
    from mribench import profiles
    from mribench.calibration import calibrate as calibration
    from mribench.calibration import table
    from mribench.plugins import lookup
    from mribench.progress import progress

    organs = lookup.load_all("modalities", organ_names(modalities))
    budget, extract = profiles.get(profile), calibration.extractor(lookup.load)
    network = lookup.load("variants", "ddpm")
    written = table.write(out, table.read(out))
    for name, organ in organs.items():
        done = table.seeds_of(table.read(out), name, data)
        left = [seed for seed in range(seeds) if seed not in done]
        with progress(f"calibrate {name}", seeds) as advance:
            for rows in calibration.runs(organ, data, budget, left, extract, network, networks, cheats):
                written = table.write(out, [*table.read(out), *rows])
                advance(rows[0]["seed"] + 1)
    for path in written:
        print(path)


@app.command()
def gaming(
    out: Annotated[Path, typer.Option(help="folder for the records and the table")],
    modalities: Organs = "all",
    features: names_option("comma-separated feature spaces", "features") = None,
    data: Data = "phantom",
    profile: Annotated[
        str, typer.Option(help="size of the images, and how many a generator gives")
    ] = "quick",
    seeds: Annotated[int, typer.Option(help="how many: 0, 1, ...", min=1)] = 3,
    beside: Annotated[
        str, typer.Option(help="comma-separated kept boards and run folders whose trained rows are shown")
    ] = "",
) -> None:
    """Kernel distance of generators that learn nothing.

    Copies, deformed copies and matched textures, in each feature space, beside trained rows.
    """
    from mribench import profiles
    from mribench.calibration.gaming import play
    from mribench.plugins import lookup
    from mribench.runner import runspec

    organs = lookup.load_all("modalities", organ_names(modalities)).values()
    spaces = lookup.load_all("features", split_names(features) or runspec.FEATURES)
    paths = [Path(path) for path in split_names(beside) or ()]
    path = play(organs, spaces, data, profiles.get(profile), range(seeds), paths, out)
    print(path.read_text())


def trust(
    modalities: Organs = "all",
    features: names_option("comma-separated feature spaces", "features") = None,
    data: Data = "phantom",
    profile: Annotated[
        str,
        typer.Option(
            help="smoke, quick, standard or paper: decides size and number of images",
            autocompletion=complete_profile,
        ),
    ] = "quick",
    out: Annotated[Path, typer.Option(help="folder for the records and the table")] = Path("runs/trust"),
) -> None:
    """Test which feature spaces may rank.

    A space may rank if it ignores changes that nobody sees and notices those that everybody sees.
    """
    from mribench import profiles
    from mribench.plugins import lookup
    from mribench.runner import runspec
    from mribench.trust.survey import survey

    organs = lookup.load_all("modalities", organ_names(modalities)).values()
    spaces = lookup.load_all("features", split_names(features) or runspec.FEATURES).values()
    path = survey(organs, list(spaces), data, profiles.get(profile), out)
    print(path.read_text())


def add_to(main: typer.Typer) -> None:
    main.add_typer(app, name="audit", rich_help_panel=MAINTAINERS)
    main.command(rich_help_panel=MAINTAINERS)(trust)
