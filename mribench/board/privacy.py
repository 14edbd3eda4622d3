"""What trainings promise their patients: (epsilon, delta) of differential privacy (Dwork et al. 2006)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mribench.board.rows import Row
from mribench.results import Result


def is_stated(rows: Sequence[Row]) -> bool:
    """Whether a training of some row says what it promises, or that it promises nothing."""
    return any(each is not None for row in rows for each in _of_trainings(row.results))


def promised(results: Sequence[Result]) -> Mapping[str, Any] | None:
    """The weakest promise among the trainings of a row, ``epsilon`` and ``delta``; None where one makes none."""
    found = _of_trainings(results)
    kept = [each for each in found if each and each.get("epsilon") is not None]
    return max(kept, key=lambda each: float(each["epsilon"])) if kept and len(kept) == len(found) else None


def epsilon(results: Sequence[Result]) -> float | None:
    """Of the weakest promise; None where there is none."""
    found = promised(results)
    return float(found["epsilon"]) if found else None


def weakest(results: Sequence[Result]) -> float | None:
    """``epsilon``, infinite where a training promises nothing; None where mribench trained nothing."""
    return epsilon(results) or (math.inf if _of_trainings(results) else None)


def text(row: Row) -> str:
    """'7.99 (δ 0.0007)', '∞' of a training that promises nothing; empty where mribench trained nothing."""
    if found := promised(row.results):
        return f"{found['epsilon']:.3g} (δ {found['delta']:.1g})"
    return "∞" if _of_trainings(row.results) else ""


def _of_trainings(results: Sequence[Result]) -> list[Mapping[str, Any] | None]:
    """``privacy`` of ``train.json`` for every record of a training."""
    trainings = [training for result in results if (training := result.provenance.get("training"))]
    return [training.get("privacy") for training in trainings]
