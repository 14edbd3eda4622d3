"""What the images of a row cost, and which rows no other row beats in both cost and quality."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mribench.results import Result

GENERATION = "generation"


@dataclass(frozen=True)
class Point:
    """A row in units of cost and quality."""

    name: str  # of the row
    cost: float
    value: float
    interval: tuple[float, float] | None = None  # 95 %, of the value
    remark: str = ""  # why it is not ranked; empty where it may be
    method: str = ""  # which has a letter
    series: str = ""  # rows of one method and one series are joined by a line

    @property
    def ranked(self) -> bool:
        return not self.remark


def pareto(points: Iterable[Point], sign: int = 1) -> list[Point]:
    """Of the ranked points those that no other beats or equals in both cost and value, by cost.

    sign: 1 where less is better in the value, -1 where more is.
    """
    front: list[Point] = []
    for point in sorted((p for p in points if p.ranked), key=lambda p: (p.cost, sign * p.value)):
        if not front or sign * point.value < sign * front[-1].value:
            front.append(point)
    return front


def _generation(results: Sequence[Result]) -> tuple[Mapping[str, Any], Result | None]:
    """What the first record of generated images, or of answers to a problem, says of making them, and that record."""
    found = next((r for r in results if r.task == GENERATION or r.answers_by), None)
    return (found.provenance.get("produced") or {}) if found else {}, found


def nfe(results: Sequence[Result]) -> float | None:
    """Network evaluations for one generated image, or for one answer."""
    produced, record = _generation(results)
    evaluations = produced.get("nfe")
    if not evaluations or record is None:
        return None
    # a solver tries its settings first
    return float(evaluations[-1 if record.answers_by else 0])


def gflops(results: Sequence[Result]) -> float | None:
    """GFLOPs for one generated image, a multiply-add counting twice."""
    produced, _ = _generation(results)
    steps, each = nfe(results), produced.get("gflops_per_evaluation")
    return steps * float(each) if steps and each else None


def seconds(results: Sequence[Result]) -> float | None:
    """Seconds for one generated image on the machine that generated it, loading the weights included; of a problem for
    one answer at the last level."""
    produced, record = _generation(results)
    if per_answer := produced.get("seconds_per_answer"):
        return float(per_answer)
    if record is None or not produced.get("seconds"):
        return None
    images = record.comparability.get("n_generated")
    return float(produced["seconds"]) / images if images else None


# kind, title of the axis, cost of a row's results
COSTS: tuple[tuple[str, str, Callable[[Sequence[Result]], float | None]], ...] = (
    ("nfe", "NFE (network evaluations per image)", nfe),
    ("gflops", "GFLOPs per image", gflops),
    ("seconds", "seconds per image (on its machine)", seconds),
)
