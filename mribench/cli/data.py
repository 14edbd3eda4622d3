"""``mribench data``: parse, call one function, print. Heavy imports stay inside the commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mribench.cli import cards
from mribench.cli.options import Exclude, Include
from mribench.escaping import terminal

app = typer.Typer(
    help="Find, download, prepare and export datasets.", no_args_is_help=True, rich_markup_mode=None
)
app.command("list")(cards.list_cards)
app.command()(cards.show)
app.command("catalogue")(cards.write_catalogue)
app.command()(cards.check)

Id = Annotated[str, typer.Argument(help="a card's id (mribench data list)")]
Target = Annotated[
    str, typer.Argument(help="a card's id, several joined by +, a file or folder, or a prepared folder")
]
Organ = Annotated[
    str | None, typer.Option("--modality", help="organ of the images; default: that of the card")
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="smoke, quick, standard, paper or a .toml file: decides size and number of images; default: as of a run",
    ),
]
Size = Annotated[
    int | None, typer.Option("--size", help="pixels a side of the images; default: the profile's")
]


@app.command("fetch")
def fetch_card(name: Id) -> None:
    """Download a card's files, or say how to get them.

    Says where to apply and where to put the files. Run it again to continue a download.
    """
    from mribench.data.cards import catalogue
    from mribench.data.download import fetch
    from mribench.progress import say

    card = catalogue.find(name)
    folder = fetch.fetch(card, fetch.home())
    say(f"{card.id}: licence {card.licence}; cite {card.citation}")
    print(folder)


@app.command()
def prepare(
    target: Target,
    modality: Organ = None,
    profile: Budget = None,
    size: Size = None,
    out: Annotated[Path, typer.Option(help="a run folder; runs with this --out find the set")] = Path("runs"),
    data_name: Annotated[
        str | None,
        typer.Option(
            help="name of your file or folder on boards, published; default: local- and a hash of the images"
        ),
    ] = None,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="leave out your files that cannot be read")
    ] = False,
    include: Include = None,
    exclude: Exclude = None,
    masks: Annotated[
        str | None,
        typer.Option(
            help="where the label map of each of your images is, from its folder: {stem}_mask.png or ../masks/{name}"
        ),
    ] = None,
) -> None:
    """Read, window, resize and split images, as a run does.

    Prints a summary and the folder of the set.
    """
    from mribench.data import describe

    prepared = _prepared(
        target, modality, profile, size, out, data_name, skip_broken, include, exclude, masks
    )
    print(describe(prepared))
    print(prepared.path)


@app.command()
def verify(
    name: Annotated[str, typer.Argument(metavar="ID", help="a card's id, or a prepared folder")],
) -> None:
    """Check that files are complete, unchanged, and have a subject.

    Exit code 1 if something is broken."""
    from mribench.cli import data_console
    from mribench.data import load
    from mribench.data.cards import catalogue, verify
    from mribench.data.download import fetch
    from mribench.data.store import fields

    if Path(name).is_dir() and name not in catalogue.cards():
        prepared = load(Path(name), wanted=fields.names(Path(name)))
        data_console.say(
            f"{prepared.path.name} is whole: files, pixels and splits match key {prepared.key[:12]}"
        )
        return
    card, home = catalogue.find(name), fetch.home()
    found = verify.verify(card, fetch.dataset_folder(card, home), home / "verified" / f"{card.id}.json")
    data_console.findings(found)
    if any(one.state == "broken" for one in found):
        raise typer.Exit(1)


@app.command()
def path(name: Id) -> None:
    """Print the folder of a card's files, for scripts.

    Says on standard error if the folder is empty."""
    from mribench.data.cards import catalogue
    from mribench.data.download import fetch

    card = catalogue.find(name)
    folder = fetch.dataset_folder(card, fetch.home())
    print(folder)
    if not folder.is_dir() or not any(folder.iterdir()):
        print(terminal(f"nothing is there yet; {card.how_to_apply}"), file=sys.stderr)


@app.command()
def export(
    target: Target,
    to: Annotated[str, typer.Option(help="imagefolder, parquet or croissant")],
    out: Annotated[Path, typer.Option(help="a new folder")],
    modality: Organ = None,
    profile: Budget = None,
    size: Size = None,
    runs: Annotated[Path, typer.Option(help="run folder in which the set is, or will be, prepared")] = Path(
        "runs"
    ),
) -> None:
    """Write a prepared set for other tools.

    Adds README, terms and split. Hashes subject ids, unless the card allows them to be published."""
    from mribench.data.cards import terms
    from mribench.data.store import export
    from mribench.progress import say

    export.check(to, out)
    prepared = _prepared(target, modality, profile, size, runs)
    print(export.export(prepared, to, out))
    closed = [row["data"] for row in terms.of_prepared(prepared) if row["derived"] is not True]
    if closed:
        say(f"do not pass {out} on: the terms of {', '.join(closed)} forbid it, or are unverified")


@app.command("terms")
def show_terms(
    run: Annotated[Path, typer.Argument(help="a run folder, a prepared or an exported set")],
) -> None:
    """Show licence, access and citation of the data of a run.

    Says also what the strictest of them allows.
    """
    from mribench.cli import data_console
    from mribench.data.cards import terms

    data_console.allowed(terms.of_run(run))


def _prepared(
    target: str,
    modality: str | None,
    profile: str | None,
    size: int | None,
    out: Path,
    name: str | None = None,
    skip_broken: bool = False,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
    masks: str | None = None,
):
    from mribench import profiles
    from mribench.data import prepare
    from mribench.data.globs import Globs
    from mribench.progress import progress

    with progress(f"prepare {target}", 0) as advance:
        return prepare.prepare_target(
            target,
            modality,
            profiles.get(profile, size=size),
            out,
            lambda done, total: advance(done, total=total),
            name,
            skip_broken,
            Globs(tuple(include or ()), tuple(exclude or ())),
            masks=masks,
        )
