"""How fast recorded machines train and sample, from the records of ``mribench speed``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench import files
from mribench.errors import InputError


@dataclass(frozen=True)
class Rate:
    """How fast one case ran, and how many times faster than the reference."""

    name: str
    count: int  # batch of a training, network evaluations of a sampling
    ours: float  # images per second
    reference: float | None
    ratio: Mapping[str, float] | None  # median, low, high


@dataclass(frozen=True)
class Optimisation:
    """What one optimisation is worth."""

    name: str
    network: str
    without: float  # seconds per step
    with_it: float
    ratio: Mapping[str, float]
    used: bool


@dataclass(frozen=True)
class Machine:
    device: str
    torch: str
    diffusers: str
    training: list[Rate]
    sampling: list[Rate]
    optimisations: list[Optimisation]


def read(folder: Path) -> list[Machine]:
    """Records speed.json one folder below, by name of the folder. Raises InputError where one cannot be read."""
    machines = []
    for path in sorted(folder.glob("*/speed.json")):
        try:
            machines.append(_machine(files.read_json(path)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} is no record of mribench speed ({type(error).__name__}: {error}); delete it or measure again"
            ) from error
    if not machines:
        raise InputError(
            f"no speed.json in a folder below {folder}; expected what mribench speed --out wrote there"
        )
    return machines


def _machine(record: Mapping[str, Any]) -> Machine:
    machine, versions = record["machine"], record["versions"]
    return Machine(
        device=f"{machine['device']}, {machine['threads']} threads",
        torch=versions["torch"],
        diffusers=versions["diffusers"],
        training=[_rate(case["name"], case["batch"], case) for case in record.get("training", [])],
        sampling=[_rate(f"{c['network']} {c['sampler']}", c["nfe"], c) for c in record.get("sampling", [])],
        optimisations=[_optimisation(row) for row in record.get("optimisations", [])],
    )


def _rate(name: str, count: int, case: Mapping[str, Any]) -> Rate:
    rates = case["images_per_second"]
    reference = rates.get("reference")
    return Rate(
        name=str(name),
        count=int(count),
        ours=float(rates["ours"]),
        reference=None if reference is None else float(reference),
        ratio=_ratio(case["ratio"]) if case.get("ratio") else None,
    )


def _optimisation(row: Mapping[str, Any]) -> Optimisation:
    seconds = row["seconds_per_step"]
    times = float(seconds["without"]), float(seconds["with"])
    return Optimisation(row["name"], row["network"], *times, _ratio(row["ratio"]), bool(row["used"]))


def _ratio(ratio: Mapping[str, Any]) -> Mapping[str, float]:
    return {name: float(ratio[name]) for name in ("median", "low", "high")}
