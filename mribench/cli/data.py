"""``mribench data``: parse, call one function, print. Heavy imports stay inside the commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mribench.escaping import terminal

app = typer.Typer(
    help="Datasets: cards, files, prepared sets, terms.", no_args_is_help=True, rich_markup_mode=None
)

Id = Annotated[str, typer.Argument(help="a card's id (mribench data list)")]
Target = Annotated[
    str, typer.Argument(help="a card's id, several joined by +, a file or folder, or a prepared folder")
]
Organ = Annotated[str | None, typer.Option("--modality", help="default: the card's organ")]
Budget = Annotated[
    str | None, typer.Option("--profile", help="smoke, quick, standard or paper: size and number")
]


@app.command("list")
def list_cards(
    organ: Annotated[str | None, typer.Option(help="only cards that show this organ")] = None,
    licence: Annotated[
        str | None, typer.Option(help="only licences whose name holds this, e.g. CC0 or CC-BY-")
    ] = None,
    access: Annotated[str | None, typer.Option(help="open, registration or agreement")] = None,
) -> None:
    """The catalogue: every dataset card, by organ. An asterisk marks what mribench downloads by itself."""
    from mribench.cli import data_console
    from mribench.data.cards import catalogue

    found = catalogue.entries()
    cards = catalogue.choose([entry.card for entry in found if entry.card], organ, licence, access)
    data_console.catalogue(cards, [entry for entry in found if entry.problem])


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="a card's id, or a prepared folder")],
) -> None:
    """One card, licence and citation first. Or what a prepared folder holds."""
    from mribench.cli import data_console
    from mribench.data import describe, load
    from mribench.data.cards import catalogue
    from mribench.data.download import fetch

    if Path(name).is_dir() and name not in catalogue.cards():
        data_console.say(describe(load(Path(name))))
        return
    card = catalogue.find(name)
    owner = next(entry.owner for entry in catalogue.entries() if entry.card == card)
    data_console.page(card, owner, str(fetch.dataset_folder(card, fetch.home())))


@app.command("fetch")
def fetch_card(name: Id) -> None:
    """Download a card's files, or say how to get them.

    What to apply for, and where to put them. Goes on where it was stopped.
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
    out: Annotated[Path, typer.Option(help="a run folder; runs with this --out find the set")] = Path("runs"),
) -> None:
    """Read, window, resize and split, as a run would.

    Prints what came of it and where it is.
    """
    from mribench.data import describe

    prepared = _prepared(target, modality, profile, out)
    print(describe(prepared))
    print(prepared.path)


@app.command()
def verify(
    name: Annotated[str, typer.Argument(metavar="ID", help="a card's id, or a prepared folder")],
) -> None:
    """Whether files are complete, unchanged and all have a subject. Exit code 1 if something is broken."""
    from mribench.cli import data_console
    from mribench.data import load
    from mribench.data.cards import catalogue, verify
    from mribench.data.download import fetch

    if Path(name).is_dir() and name not in catalogue.cards():
        prepared = load(Path(name))
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
    """The folder of a card's files, for scripts. Says on standard error where it is still empty."""
    from mribench.data.cards import catalogue
    from mribench.data.download import fetch

    card = catalogue.find(name)
    folder = fetch.dataset_folder(card, fetch.home())
    print(folder)
    if not folder.is_dir() or not any(folder.iterdir()):
        print(terminal(f"nothing is there yet; {card.how_to_apply}"), file=sys.stderr)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="a card's TOML file")]) -> None:
    """For authors of cards: what is wrong or still unverified. Exit code 2 if a field is wrong, the first is named."""
    from mribench.data import read_card
    from mribench.data.cards import verify

    card = read_card(file)
    print(terminal(f"{file.name} is a sound card: {card.title}"))
    if missing := verify.unverified(card):
        print(f"still unverified: {', '.join(missing)}")
    fetched = "by mribench" if card.fetchable else f"by hand ({card.access}): {card.how_to_apply}"
    print(f"files come {fetched}")


@app.command()
def export(
    target: Target,
    to: Annotated[str, typer.Option(help="imagefolder, parquet or croissant")],
    out: Annotated[Path, typer.Option(help="a new folder")],
    modality: Organ = None,
    profile: Budget = None,
    runs: Annotated[Path, typer.Option(help="where the set is prepared, or already is")] = Path("runs"),
) -> None:
    """A prepared set for other tools, with README, terms and split. Subject ids are hashed where they must be."""
    from mribench.data.cards import terms
    from mribench.data.store import export
    from mribench.progress import say

    export.check(to, out)
    prepared = _prepared(target, modality, profile, runs)
    print(export.export(prepared, to, out))
    closed = [row["data"] for row in terms.of_prepared(prepared) if row["derived"] is not True]
    if closed:
        say(f"do not pass {out} on: the terms of {', '.join(closed)} forbid it, or are unverified")


@app.command("terms")
def show_terms(
    run: Annotated[Path, typer.Argument(help="a run folder, a prepared or an exported set")],
) -> None:
    """Licence, access and citation of all data behind a run.

    And what the strictest of them allows.
    """
    from mribench.cli import data_console
    from mribench.data.cards import terms

    data_console.allowed(terms.of_run(run))


def _prepared(target: str, modality: str | None, profile: str | None, out: Path):
    from mribench import profiles
    from mribench.data import prepare
    from mribench.progress import progress

    with progress(f"prepare {target}", 0) as advance:
        return prepare.prepare_target(
            target, modality, profiles.get(profile), out, lambda done, total: advance(done, total=total)
        )
