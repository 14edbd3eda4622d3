"""Which pictures of a run may be shown to others.

Whether a patient's image may be passed on is for its licence to say. A board of real data therefore shows none, and
nothing of a model that copies.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from mribench.results import Result
from mribench.spec import AuditVerdict

# pictures that show generated images alone
GENERATED = ("samples", "reverse")


def copying(found: Iterable[Result]) -> set[tuple[Any, ...]]:
    """Cells that the memorisation audit found to give away their training images."""
    return {cell(r) for r in found if r.audit and AuditVerdict(str(r.audit.get("verdict"))).memorises}


def cell(result: Result) -> tuple[Any, ...]:
    """A key that all tasks of one trained and sampled variant share."""
    versions = tuple(sorted(result.versions.items()))
    data = result.comparability.get("data_key"), result.comparability.get("budget")
    return result.modality, result.variant, result.sampler, versions, result.seed, *data


def pictures(result: Result, copies: set[tuple[Any, ...]]) -> dict[str, str]:
    """Kind -> path below the run folder. ``copies`` is what ``copying`` found among the results of the same folders."""
    inside = {kind: path for kind, path in result.figures.items() if _inside(path)}
    if result.comparability["data_kind"] == "phantom":
        return inside
    if cell(result) in copies:
        return {}
    return {kind: path for kind, path in inside.items() if kind in GENERATED}


def _inside(path: str) -> bool:
    """A record may come from anywhere: its paths must not lead out of the folder, nor be an address."""
    return ":" not in path and not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
