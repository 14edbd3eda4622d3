"""``mribench data list``, ``show``, ``catalogue`` and ``check``: what cards say. Heavy imports stay inside."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import Format, check_format
from mribench.errors import InputError
from mribench.escaping import terminal


def list_cards(
    organ: Annotated[str | None, typer.Option(help="only cards that show this organ")] = None,
    licence: Annotated[
        str | None, typer.Option(help="only licences whose name holds this, e.g. CC0 or CC-BY-")
    ] = None,
    access: Annotated[str | None, typer.Option(help="open, registration or agreement")] = None,
    imaging: Annotated[str | None, typer.Option(help="how the images were taken: MRI or microscopy")] = None,
    labels: Annotated[str | None, typer.Option(help="only cards with labels so called, e.g. tumour")] = None,
    population: Annotated[str | None, typer.Option(help="only cards of such people, e.g. healthy")] = None,
    field_strength: Annotated[
        float | None, typer.Option(help="only cards with scans at so many tesla")
    ] = None,
    defaced: Annotated[
        bool | None, typer.Option("--defaced/--with-faces", help="only heads without faces, or with them")
    ] = None,
    fetched: Annotated[bool, typer.Option("--fetched", help="only cards that mribench downloads")] = False,
    format: Format = "table",
) -> None:
    """List the dataset cards by organ.

    An asterisk marks those whose files mribench downloads. A card that says nothing about a fact is left out by a
    filter for it."""
    check_format(format)
    from mribench.cli import console, data_console
    from mribench.data.cards import catalogue

    found = catalogue.entries()
    cards = catalogue.choose(
        [entry.card for entry in found if entry.card],
        organ,
        licence,
        access,
        modality=imaging,
        labels=labels,
        population=population,
        field_strength=field_strength,
        defaced=defaced,
        fetchable=fetched,
    )
    problems = [entry for entry in found if entry.problem]
    if format == "json":
        print(console.json_text([asdict(card) | {"fetchable": card.fetchable} for card in cards]))
        for entry in problems:
            print(terminal(f"{entry.id} ({entry.owner}): {entry.problem}"), file=sys.stderr)
    else:
        data_console.catalogue(cards, problems)


def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="a card's id, or a prepared folder")],
    format: Annotated[
        str, typer.Option(help="table, json, or croissant: a card as JSON-LD for catalogues of data")
    ] = "table",
) -> None:
    """Show a card, or what a prepared folder holds."""
    check_format(format, "croissant")
    from mribench.cli import console, data_console
    from mribench.data import describe, load
    from mribench.data.cards import catalogue
    from mribench.data.download import fetch
    from mribench.data.store import croissant, fields

    if Path(name).is_dir() and name not in catalogue.cards():
        prepared = load(Path(name), wanted=fields.names(Path(name)))
        if format == "croissant":
            raise InputError(
                f"{name} is a prepared set; run mribench data export {name} --to croissant --out NEW"
            )
        if format == "json":
            print(console.json_text(prepared.manifest))
        else:
            data_console.say(describe(prepared))
        return
    card = catalogue.find(name)
    if format == "croissant":
        print(console.json_text(croissant.of_card(card)))
        return
    owner = next(entry.owner for entry in catalogue.entries() if entry.card == card)
    folder = str(fetch.dataset_folder(card, fetch.home()))
    if format == "json":
        print(console.json_text(asdict(card) | {"owner": owner, "folder": folder}))
    else:
        data_console.page(card, owner, folder)


def write_catalogue(
    out: Annotated[Path, typer.Option(help="the page, one HTML file that needs no other")],
    folder: Annotated[
        Path | None,
        typer.Option("--cards", help="a folder of cards (TOML files); default: the registry of mribench"),
    ] = None,
) -> None:
    """Write the cards as one searchable HTML page."""
    from mribench import files
    from mribench.data.cards import catalogue
    from mribench.data.html.page import html

    found = catalogue.load_cards(folder or catalogue.registry())
    if not found:
        raise InputError(f"{folder} holds no card; expected TOML files.")
    files.write_text(out, html(found.values()))
    print(out)


def check(file: Annotated[Path, typer.Argument(help="a card's TOML file")]) -> None:
    """Check a card that you write.

    Names the first wrong field (exit code 2), and lists what is unverified, and what is stated without evidence."""
    from mribench.data import read_card
    from mribench.data.cards import verify

    card = read_card(file)
    print(terminal(f"{file.name} is a sound card: {card.title}"))
    if missing := verify.unverified(card):
        print(f"still unverified: {', '.join(missing)}")
    if silent := verify.unproved(card):
        print(f"without evidence: {', '.join(silent)}")
    fetched = "by mribench" if card.fetchable else f"by hand ({card.access}): {card.how_to_apply}"
    print(f"files come {fetched}")
