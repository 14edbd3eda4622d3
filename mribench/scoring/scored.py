"""What ``mribench.score`` returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench.board.boards import Board
from mribench.results import Result, metric_label
from mribench.results.record import to_json
from mribench.spec import Score
from mribench.spec.verdict import verdict_and_power

GAUSSIAN = "gaussian"


@dataclass(frozen=True, repr=False)
class Scored:
    """A generator's scores, its audit and its board."""

    generation: Result  # the record of generation
    audit: Result  # the record of the memorisation audit
    board: Board  # with the controls and the rows beside
    out: Path  # the run folder, which holds the records and the page

    @property
    def name(self) -> str:
        """Of the row."""
        return self.generation.name

    @property
    def kd(self) -> dict[str, Score]:
        """The kernel distance x 1000 by feature space, each with its 95 % interval over the test subjects."""
        return {str(s.space): s for s in self.generation.scores if s.metric == "kd"}

    @property
    def scores(self) -> dict[str, Score]:
        """Every score, by label: 'kd[hc85-v1]', 'diversity'."""
        return {metric_label(s.metric, s.space): s for s in self.generation.scores}

    @property
    def verdict(self) -> str:
        """What the memorisation audit says."""
        return verdict_and_power(self.audit.audit or {"verdict": "not audited"})

    @property
    def rank(self) -> str:
        """The rank interval on the board, or why there is none."""
        place = self.board.ranks[self.name]
        return place.text or place.reason or ""

    @property
    def page(self) -> Path:
        """The page, which opens from disk."""
        return self.out / "leaderboard.html"

    def to_dict(self) -> dict[str, Any]:
        """Both records as they are in the run folder, JSON-serialisable."""
        return {"generation": to_json(self.generation), "audit": to_json(self.audit)}

    def __repr__(self) -> str:
        lines = [self._head()]
        for space, score in self.kd.items():
            lines.append(f"  kd[{space}] {_told(score)}{self._scale(score)}")
        reasons = (self.audit.audit or {}).get("reasons") or []
        lines.append(f"  audit: {self.verdict}" + (f" ({reasons[0]})" if reasons else ""))
        if self.board.why_unranked:
            lines.append(f"  nothing is ranked: {self.board.why_unranked}")
        return "\n".join(lines)

    def _head(self) -> str:
        made = self.generation
        data, n = made.comparability["data"], made.comparability["n_generated"]
        reference, subjects = made.comparability["n_reference"], made.data["subjects"]["test"]
        return f"{self.name}: {n} images against {reference} held-out ones of {subjects} subjects of {data}"

    def _scale(self, score: Score) -> str:
        """What real images and the Gaussian control score."""
        address = score.metric, score.space, score.level
        real = self.board.floor_of(address).get("train_test")
        control = self.board.row(GAUSSIAN)
        texts = [] if real is None else [f"real training images {real:.4g}"]
        if control is not None and (value := control.value(address)) is not None:
            texts.append(f"gaussian control {value:.4g}")
        return f"; {', '.join(texts)}" if texts else ""


def _told(score: Score) -> str:
    if score.value is None:
        return f"blank: {score.reason}"
    interval = "" if score.low is None else f" [{score.low:.4g}, {score.high:.4g}]"
    return f"{score.value:.4g}{interval}"
