"""How fast recorded machines train and sample, from the records of ``mribench speed``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mribench import files
from mribench.board.html.markup import Markup, element
from mribench.board.html.table import Cell, Line, plain, table
from mribench.errors import InputError

TRAINING = ("training", "batch", "ours, images/s", "reference, images/s", "ratio [least, most]")
SAMPLING = ("sampling", "NFE", "ours, images/s", "diffusers, images/s", "ratio [least, most]")
OPTIMISATIONS = (
    "what it is worth",
    "network",
    "without, s/step",
    "with, s/step",
    "ratio [least, most]",
    "in use",
)


def read(folder: Path) -> list[Mapping[str, Any]]:
    """Records speed.json one folder below, by name of the folder. Raises InputError where one cannot be read."""
    found = []
    for path in sorted(folder.glob("*/speed.json")):
        try:
            record = files.read_json(path)
            section(record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} is no record of mribench speed ({type(error).__name__}: {error}); delete it or measure again"
            ) from error
        found.append(record)
    if not found:
        raise InputError(
            f"no speed.json in a folder below {folder}; expected what mribench speed --out wrote there"
        )
    return found


def section(record: Mapping[str, Any]) -> Markup:
    """The tables of one machine."""
    machine, versions = record["machine"], record["versions"]
    device = f"{machine['device']}, {machine['threads']} threads"
    training = [_line(case["name"], case["batch"], case) for case in record.get("training", [])]
    sampling = [_line(f"{c['network']} {c['sampler']}", c["nfe"], c) for c in record.get("sampling", [])]
    switched = [_switched(row) for row in record.get("optimisations", [])]
    return element(
        "div",
        element("h3", device),
        element("p", f"torch {versions['torch']}, diffusers {versions['diffusers']}", class_="about"),
        table(f"Training, {device}", TRAINING, training) if training else None,
        table(f"Sampling, {device}", SAMPLING, sampling) if sampling else None,
        table(f"Optimisations, {device}", OPTIMISATIONS, switched) if switched else None,
    )


def sections(records: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not records:
        return None
    return element(
        "section",
        element("h2", "Speed of recorded machines", id="speed"),
        *map(section, records),
        aria_labelledby="speed",
    )


def _switched(row: Mapping[str, Any]) -> Line:
    taken = row["seconds_per_step"]
    sides = [plain(f"{taken[side]:.4f}", taken[side]) for side in ("without", "with")]
    used = plain("yes" if row["used"] else "no")
    return Line([plain(row["name"]), plain(row["network"]), *sides, _ratio(row["ratio"]), used])


def _line(name: str, count: int, case: Mapping[str, Any]) -> Line:
    rates, ratio = case["images_per_second"], case.get("ratio")
    numbers = [float(count), rates["ours"], rates.get("reference")]
    said = [plain("" if n is None else f"{n:,g}", n) for n in numbers]
    return Line([plain(str(name)), *said, _ratio(ratio)])


def _ratio(ratio: Mapping[str, float] | None) -> Cell:
    words = f"{ratio['median']:g} [{ratio['low']:g}, {ratio['high']:g}]" if ratio else ""
    return plain(words, ratio["median"] if ratio else None)
