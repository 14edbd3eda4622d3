"""Samples are scored by the profile, metrics and feature spaces of the kept rows that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench import results
from mribench.board.group import conflicts
from mribench.errors import InputError
from mribench.profiles import from_record
from mribench.progress import say
from mribench.results import Result
from mribench.runner.runspec import FEATURES
from mribench.spec import Profile

GENERATION = "generation"


@dataclass(frozen=True)
class Beside:
    """The settings of one kept board."""

    organ: str
    data: str  # its name on boards
    data_key: str
    profile: Profile
    features: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: int


def read_all(folders: Sequence[Path]) -> list[Result]:
    """All records of run folders and kept boards; one that cannot be read is left out, and said."""
    return results.read_all(folders, say) if folders else []


def choose(
    records: Sequence[Result],
    side: int,
    organ: str | None,
    data_key: str | None,
    data: str | None,
    profile: str | None,
) -> Beside:
    """The one board that images of this side can be on.

    Args:
        records: of the folders that were named.
        side: of the samples, in pixels.
        organ: a modality's name; None takes any.
        data_key: of the prepared set, where it is known already; None takes any.
        data: what boards call the data, where it is known already; None takes any.
        profile: name of the profile; None takes any.

    Raises:
        InputError: there is none, or there are several.
    """
    boards: dict[tuple[Any, ...], list[Result]] = {}
    for result in records:
        if result.task == GENERATION and result.provenance.get("profile"):
            key = (
                result.modality,
                result.comparability["data_key"],
                result.comparability["budget"],
                result.key,
            )
            boards.setdefault(key, []).append(result)
    asked = {"modality": organ, "data_key": data_key, "data": data, "profile": profile, "resolution": side}
    wanted = {name: value for name, value in asked.items() if value is not None}
    found = [
        members
        for members in boards.values()
        if all(
            {"modality": members[0].modality, **members[0].comparability}[k] == v for k, v in wanted.items()
        )
    ]
    if not found:
        held = "; ".join(dict.fromkeys(map(_told, (members[0] for members in boards.values())))) or "none"
        raise InputError(
            f"no board beside has {_words(wanted)}, found: {held}; give samples and data that fit, or leave "
            "--beside out"
        )
    if len(found) > 1:
        told = "; ".join(_told(members[0]) for members in found)
        raise InputError(
            f"several boards beside fit: {told}; choose by --profile or --modality, or name one folder"
        )
    first = found[0][0]
    spec = first.provenance.get("spec") or {}
    return Beside(
        organ=first.modality,
        data=str(first.comparability["data"]),
        data_key=str(first.comparability["data_key"]),
        profile=from_record(first.provenance["profile"]),
        features=tuple(spec.get("features", FEATURES)),
        metrics=tuple(spec.get("metrics", ())),
        rows=len({(r.variant, r.sampler) for r in found[0]}),
    )


def check_comparable(planned: Result, records: Sequence[Result]) -> None:
    """Raises InputError where no generation record of the same images compares; it names the fields that differ."""
    own = planned.comparability
    near = [r for r in records if r.task == GENERATION and r.comparability["data_key"] == own["data_key"]]
    if not near:
        raise InputError(
            f"the rows beside are of other images than {own['data']} as it is prepared here; name the data, or the "
            "prepared set in the data folder of that run"
        )
    differing = [conflicts(r.comparability, own) for r in near]
    if all(differing):
        fields = min(differing, key=len)
        told = "; ".join(
            f"{name} is {_beyond(there, here)} there and {_beyond(here, there)} here"
            for name, (there, here) in fields.items()
        )
        raise InputError(
            f"the rows beside do not compare: {told}; use the same versions, or leave --beside out"
        )


def _beyond(value: Any, other: Any) -> str:
    """A value; of a list only what the other one lacks."""
    if isinstance(value, list) and isinstance(other, list):
        return ", ".join(str(part) for part in value if part not in other) or "nothing more"
    return str(value)


def _told(result: Result) -> str:
    own = result.comparability
    return f"{result.modality} of {own['data']}, {own['resolution']} pixels, profile {own['profile']}"


def _words(wanted: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {str(value)[:12]}" for name, value in wanted.items())
