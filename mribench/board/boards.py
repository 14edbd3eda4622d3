"""From results to boards. A board holds only results whose comparability fields are equal; a difference is
named.

This file decides what stands together, ``rows`` aggregates seeds; ``page``, ``export`` and ``screen`` show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from mribench.board.rows import Address, Row, row, versions
from mribench.metrics.significance import FEW_SUBJECTS
from mribench.results import Result, called, order
from mribench.spec import Score

PRIMARY: Address = ("kd", "hc85-v1", None)
# fields that belong to one task; the others are of the data and the budget, and hold for every task
OF_TASK = {"task", "metrics", "feature_spaces", "n_generated", "n_reference", "uncertainty"}


@dataclass
class Board:
    """Rows of one modality that may be compared. differs: what sets it apart from the first such board."""

    modality: str
    comparability: dict[str, Any]
    members: list[Result] = field(default_factory=list)
    differs: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def rows(self) -> list[Row]:
        """Trained variants first, controls after; by name, then version: no mean is over two versions."""
        groups: dict[tuple[bool, str, str, tuple[int, int]], list[Result]] = {}
        for result in self.members:
            key = result.is_control, result.variant, result.sampler or "", versions(result)
            groups.setdefault(key, []).append(result)
        return [row(groups[key]) for key in sorted(groups)]

    @property
    def subjects_known(self) -> bool:
        """False where one person may stand in train and in test; then nothing on the board is ranked."""
        return all(result.data.get("subjects_known", True) for result in self.members)

    @cached_property
    def floor(self) -> dict[str, dict[str, Any]]:
        """What real images score in a model's place, by ``results.called`` name (``mribench.metrics.floor``)."""
        return {
            name: dict(floor) for result in reversed(self.members) for name, floor in result.floor.items()
        }

    def floor_of(self, address: Address) -> dict[str, Any]:
        """The noise floor of one metric and space; empty where the records hold none."""
        return self.floor.get(called(*address[:2]), {})

    @cached_property
    def real_train(self) -> Row | None:
        """The real training images as a row, to compare rows with; it is none of ``rows`` and contests nothing."""
        first = self.members[0]
        scores = tuple(
            _real(name, floor, first.data["subjects"]["test"])
            for name, floor in self.floor.items()
            if floor.get("train_test") is not None
        )
        real = replace(
            first, variant="real train", sampler=None, seed=0, is_control=True, scores=scores, audit=None
        )
        return row([replace(real, versions={})]) if scores else None

    @cached_property
    def addresses(self) -> list[Address]:
        """Metric, space and level of every number, in the order of the results."""
        return list(dict.fromkeys(address for row in self.rows for address in row.entries))

    @property
    def primary(self) -> Address | None:
        """What trained rows are ranked by: the kernel distance in the primary space, else in the first there is; one
        that is not trusted with these images only where no other is."""
        kernel = [a for a in self.addresses if a[0] == PRIMARY[0]]
        kernel.sort(key=lambda a: (self.untrusted(a[1]) is not None, a != PRIMARY))
        return next(iter(kernel), None)

    def untrusted(self, space: str | None) -> str | None:
        """Why a feature space must not rank these images; None where nothing speaks against it."""
        found = (result.spaces.get(space or "", {}) for result in self.members)
        return next(
            (said.get("reason") or "not trusted" for said in found if said.get("trusted") is False), None
        )

    @property
    def why_unranked(self) -> str | None:
        """Why intervals over the test subjects carry no claim: who they are is unknown, or they are few."""
        if not self.subjects_known:
            return "subjects unknown"
        n = self.members[0].data["subjects"]["test"]
        return f"only {n} test subject{'' if n == 1 else 's'}" if n < FEW_SUBJECTS else None

    def row(self, variant: str) -> Row | None:
        """The first row of a variant, in its newest version."""
        found = [row for row in self.rows if row.variant == variant]
        return max(found, key=lambda row: row.versions[0], default=None)


def boards(found: Iterable[Result]) -> list[Board]:
    """Results sorted into boards: each joins the first board whose every shared field is equal to its own.

    The order of the results does not matter. Records of an older version of a task, which a folder keeps, come after
    those of a newer one: what other tasks found stands with the newest.
    """
    made: list[Board] = []
    for result in sorted(found, key=_newest_first):
        fields = _flat(result)
        same = [board for board in made if board.modality == result.modality]
        home = next((board for board in same if not conflicts(board.comparability, fields)), None)
        if home is None:
            home = Board(result.modality, {})
            made.append(home)
        home.comparability.update(fields)
        home.members.append(result)
    made.sort(key=lambda b: (b.modality, str(b.comparability["data_kind"]), str(b.comparability["data"])))
    first: dict[str, Board] = {}
    for board in made:
        board.differs = conflicts(first.setdefault(board.modality, board).comparability, board.comparability)
    return made


def _newest_first(result: Result) -> tuple[Any, ...]:
    modality, task, *rest = order(result)
    version = str(result.comparability.get("task")).rpartition(" v")[2]
    return modality, task, -int(version) if version.isdecimal() else 0, *rest


def _real(name: str, floor: Mapping[str, Any], subjects: int) -> Score:
    """The floor's record of a metric, named as ``results.called`` names it, as the score of the training images."""
    metric, _, space = name.rstrip("]").partition("[")
    return Score(
        metric=metric,
        value=floor["train_test"],
        n=floor["n"],
        subjects=subjects,
        low=floor["train_low"],
        high=floor["train_high"],
        n_reference=floor["n_reference"],
        space=space or ("inception" if metric == "fid" else None),
        subsamples=tuple(map(float, floor["subsamples"].split())),
    )


def _flat(result: Result) -> dict[str, Any]:
    """Comparability fields, those that belong to one task under its name."""
    fields = result.comparability.items()
    return {(f"{result.task}.{k}" if k in OF_TASK else k): v for k, v in fields}


def conflicts(board: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with different values: name -> (the board's, the other's), a missing one being None.

    Fields of a task that only one side has say nothing against standing together.
    """
    tasks = _tasks(board) & _tasks(fields)
    meant = [k for k in sorted({*board, *fields}) if "." not in k or k.partition(".")[0] in tasks]
    return {k: (board.get(k), fields.get(k)) for k in meant if board.get(k) != fields.get(k)}


def _tasks(fields: Mapping[str, Any]) -> set[str]:
    return {name.partition(".")[0] for name in fields if "." in name}


def in_one_line(result: Result) -> str:
    """The scores of one result that stand in a headline, in words, for the progress of a run."""
    words = []
    for s in result.scores:
        if not result.metrics[s.metric].get("headline", True):
            continue
        label = called(s.metric, s.space) + ("" if s.level is None else f"@{s.level:.2f}")
        words.append(f"{label} {'blank' if s.value is None else format(s.value, '.4g')}")
    return ", ".join(words)
