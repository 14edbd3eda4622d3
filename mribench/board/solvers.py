"""Solvers over organs: of each problem what every row costs, how well it answers, and whether its spread is right.

Organs are different data: numbers are compared down a column, never along a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import NamedTuple

from mribench.board import columns, cost, pareto
from mribench.board.boards import Board
from mribench.board.group import ALPHA_BAR
from mribench.board.pareto import Point
from mribench.board.rows import Address, Row

TITLE = "Which solver, which organ, at what cost"
SHARES = {"coverage_gap_50": 0.5, "coverage_gap_90": 0.9}  # metric, and the nominal share of its intervals
OVERCONFIDENCE, MEAN = "overconfidence", "psnr_mean"


class Calibration(NamedTuple):
    """Whether the answers of a row vary as much as they err, at the level that ranks."""

    found: Mapping[float, float]  # share of the pixels that lie in their intervals, by the nominal share
    error_over_spread: float | None  # 1 is right, 2 errs twice as much as the spread foretells


@dataclass(frozen=True)
class ProblemOverOrgans:
    """The boards of one problem, one kind of data, profile and budget; a board for each organ."""

    problem: str  # 'mri v1, R = 4'
    about: str  # 'phantom, quick'
    boards: tuple[Board, ...]

    @cached_property
    def names(self) -> list[str]:
        """Rows of any board, the best of most organs first; the controls, which are not ranked, last."""
        places: dict[str, list[float]] = {}
        controls = [row.name for board in self.boards for row in board.rows if row.is_control]
        for board in self.boards:
            for place, row in enumerate(_by_value(board), start=1):
                places.setdefault(row.name, []).append(place / max(len(board.rows), 1))
        return sorted(places, key=lambda name: (name in controls, median(places[name]), name))

    def row(self, board: Board, name: str) -> Row | None:
        return next((row for row in board.rows if row.name == name), None)

    @cached_property
    def fronts(self) -> dict[str, list[str]]:
        """Organs on which no other row is both better and faster, by the name of the row."""
        found: dict[str, list[str]] = {}
        for board in self.boards:
            for point in pareto.pareto(points(board, "seconds"), board.sign(_primary(board))):
                found.setdefault(point.name, []).append(board.organ)
        return found

    def nfe(self, name: str) -> int | None:
        """Evaluations of the prior for an answer; 0 of a row without one, None where no record says."""
        return next((n for row in self._rows(name) if (n := cost.nfe(row)) is not None), None)

    def seconds(self, name: str) -> float | None:
        """For an answer, the median over organs."""
        known = [s for row in self._rows(name) if (s := pareto.seconds(row.results)) is not None]
        return median(known) if known else None

    def _rows(self, name: str) -> list[Row]:
        return [row for board in self.boards if (row := self.row(board, name))]


def problems(boards: Sequence[Board]) -> list[ProblemOverOrgans]:
    """The problems of a page, in the order of their boards; of an organ with several such boards the first counts."""
    kinds: dict[tuple[str, ...], dict[str, Board]] = {}
    for board in boards:
        if not board.poses_problem or board.primary is None:
            continue
        c = board.comparability
        kind = _problem(board), f"{c['data_kind']}, {c['profile']}", str(c.get("budget"))
        kinds.setdefault(kind, {}).setdefault(board.modality, board)
    return [ProblemOverOrgans(name, about, tuple(of.values())) for (name, about, _), of in kinds.items()]


def table(one: ProblemOverOrgans) -> tuple[list[str], list[list[str]]]:
    """Titles and lines: of each row its number on each organ, its cost, and its calibration where any is known."""
    calibrated = any(calibration_text(board, row) for board in one.boards for row in board.trained)
    organs = [board.organ for board in one.boards]
    titles = ["solver", *organs, "NFE", "seconds", "on the front"]
    titles += [f"coverage, error over spread: {organ}" for organ in organs] if calibrated else []
    lines = []
    for name in one.names:
        rows = [(board, one.row(board, name)) for board in one.boards]
        nfe = one.nfe(name)
        line = [name, *(_number(board, row) for board, row in rows), "" if nfe is None else str(nfe)]
        line += [seconds_text(one.seconds(name)), ", ".join(one.fronts.get(name, ()))]
        line += [calibration_text(board, row) if row else "" for board, row in rows] if calibrated else []
        lines.append(line)
    return titles, lines


def _number(board: Board, row: Row | None) -> str:
    """'24.55 [23.70, 25.40]', empty where there is none."""
    address = _primary(board)
    estimate = row.estimates.get(address) if row else None
    return columns.number(estimate, str(board.metrics[address[0]]["unit"]))


def _problem(board: Board) -> str:
    """'accelerated MRI, one coil, R = 4'."""
    level = _primary(board)[2]
    if level is None:
        return str(board.comparability["problem"])
    name = board.level_names.get(level, ALPHA_BAR)
    return f"{board.comparability['problem']}, {name} = {level:g}"


def points(board: Board, kind: str) -> list[Point]:
    """The rows that are no controls by their primary number and their cost, ``nfe`` or ``seconds``."""
    address, found = _primary(board), []
    for row in board.trained:
        spent = cost.nfe(row) if kind == "nfe" else pareto.seconds(row.results)
        estimate = row.estimates.get(address)
        if spent is None or estimate is None or estimate.value is None:
            continue
        low, high = estimate.low, estimate.high
        interval = None if low is None or high is None else (low, high)
        found.append(Point(row.name, float(spent), estimate.value, interval, method=row.name))
    return found


def calibration(board: Board, row: Row) -> Calibration:
    """Of a row that gives one answer, or of a board that reports no coverage, nothing is found."""
    level = _primary(board)[2]
    gaps = {share: row.value((name, None, level)) for name, share in SHARES.items()}
    ratio = row.value((OVERCONFIDENCE, None, level))
    found = {share: share + gap for share, gap in gaps.items() if gap is not None}
    return Calibration(found, None if ratio is None else 2**ratio)


def calibration_text(board: Board, row: Row) -> str:
    """'41 / 78 %, x1.7': found of 50 and 90 % intervals, and error over spread; empty where nothing is found."""
    found, ratio = calibration(board, row)
    shares = " / ".join(f"{100 * found[share]:.0f}" for share in sorted(found))
    said = [f"{shares} %"] if shares else []
    return ", ".join([*said, f"×{ratio:.2g}"] if ratio is not None else said)


def seconds_text(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}"


def _by_value(board: Board) -> list[Row]:
    address = _primary(board)
    known = [row for row in board.rows if row.value(address) is not None]
    return sorted(known, key=lambda row: (board.sign(address) * (row.value(address) or 0.0), row.name))


def _primary(board: Board) -> Address:
    assert board.primary is not None  # else it is none of ``problems``
    return board.primary
