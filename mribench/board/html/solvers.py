"""Which solver, which organ, at what cost: for each problem a table, Pareto fronts, and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mribench.board.against_control import control_name
from mribench.board.boards import Board
from mribench.board.html.charts import (
    BOTTOM,
    CROWD,
    LEFT,
    LETTERS,
    RIGHT,
    TOP,
    Chart,
    Level,
    curves,
    front_path,
    marks,
)
from mribench.board.html.strips import Axis, linear_axis, log_axis, tick_label
from mribench.board.html.values import BoardView, MetricColumn, Number
from mribench.board.pareto import Point, pareto
from mribench.board.solvers import (
    MEAN,
    SHARES,
    ProblemOverOrgans,
    calibration,
    calibration_text,
    points,
    problems,
    seconds_text,
)

COSTS = {"nfe": "evaluations of the prior for an answer", "seconds": "seconds for an answer (on its machine)"}
NONE = 0.5  # where a row without a prior stands on the axis of evaluations, which is logarithmic
LETTERED = 30  # points, above which those on the front alone have letters
OF_MEAN = "PSNR of the mean answer (dB)"
COVERED, RATIO = "pixels in their intervals, %", "error over spread"
NOT_RUN = Number(reason="not run on this organ")


@dataclass(frozen=True)
class Line:
    """A solver with its prior, or a row without a prior."""

    letter: str  # on the drawings; empty of a control
    name: str
    numbers: tuple[tuple[Number, str], ...]  # of each organ, and its rank
    nfe: str
    seconds: str
    front: str  # organs on which no row is both better and faster
    calibration: tuple[str, ...]  # of each organ


@dataclass(frozen=True)
class SolverSection:
    """One problem over organs."""

    problem: ProblemOverOrgans
    column: MetricColumn  # what ranks
    lines: list[Line]
    charts: list[list[Chart]]  # a list for each kind of drawing, an organ each

    @property
    def key(self) -> list[tuple[str, str]]:
        return [(line.letter, line.name) for line in self.lines if line.letter]

    @property
    def calibrated(self) -> list[Line]:
        """Lines of which any organ knows how often intervals hold the truth."""
        return [line for line in self.lines if any(line.calibration)]


def solver_sections(boards: Sequence[Board], views: Sequence[BoardView]) -> list[SolverSection]:
    """A section for each problem that the boards pose."""
    of_board = {id(board): view for board, view in zip(boards, views, strict=True)}
    return [_section(one, [of_board[id(board)] for board in one.boards]) for one in problems(boards)]


def _section(one: ProblemOverOrgans, views: Sequence[BoardView]) -> SolverSection:
    column = views[0].column(views[0].primary)
    assert column is not None  # else it is none of ``problems``
    trained = {row.name for view in views for row in view.trained}
    letters = dict(zip([name for name in one.names if name in trained], LETTERS, strict=False))
    pairs = list(zip(one.boards, views, strict=True))
    kinds = [[_cost(board, view, kind, letters) for board, view in pairs] for kind in COSTS]
    kinds += [[make(board, view, letters) for board, view in pairs] for make in (_coverage, _spread)]
    charts = [[chart for chart in of_kind if chart] for of_kind in kinds]
    lines = [_line(one, views, name, letters.get(name, "")) for name in one.names]
    return SolverSection(one, column, lines, [of_kind for of_kind in charts if of_kind])


def _line(one: ProblemOverOrgans, views: Sequence[BoardView], name: str, letter: str) -> Line:
    numbers, calibrated = [], []
    for board, view in zip(one.boards, views, strict=True):
        row, column = one.row(board, name), view.column(view.primary)
        place = board.ranks[name].text if row else ""
        number = column.numbers[name] if row and column else NOT_RUN
        numbers.append((number, f"rank {place}" if place else ""))
        calibrated.append(calibration_text(board, row) if row else "")
    seconds, nfe = one.seconds(name), one.nfe(name)
    return Line(
        letter,
        name,
        tuple(numbers),
        "" if nfe is None else f"{nfe:,}",
        seconds_text(seconds),
        ", ".join(one.fronts.get(name, ())),
        tuple(calibrated),
    )


def _cost(board: Board, view: BoardView, kind: str, letters: Mapping[str, str]) -> Chart | None:
    """Quality against cost; the dotted front joins the rows that no other row beats in both."""
    found = points(board, kind)
    if not any(p.cost for p in found):
        return None
    drawn = [replace(p, cost=max(p.cost, NONE)) for p in found] if kind == "nfe" else found
    front = pareto(drawn, 1 if view.less_is_better else -1)
    if len(found) > LETTERED:
        letters = {p.method: letters[p.method] for p in front}
    column = view.column(view.primary)
    control = column.numbers.get(control_name(board)) if column else None
    known = [control.value] if control and control.value is not None else []
    x = log_axis([p.cost for p in drawn], LEFT, RIGHT, 3.0)
    ends = [end for p in drawn for end in (p.interval or ()) if len(drawn) <= CROWD]
    y = linear_axis([*(p.value for p in drawn), *ends, *known], BOTTOM, TOP, margin=0.08)
    ticks = [(x(tick), tick_label(tick)) for tick in x.ticks() if kind != "nfe" or tick >= 1]
    if kind == "nfe" and any(p.cost == NONE for p in drawn):
        ticks.insert(0, (x(NONE), "none"))
    levels = [Level("gaussian", control_name(board), y(value), y(value) - 4) for value in known]
    return _chart(
        board, view, f"solvers-{kind}", COSTS[kind], found, drawn, letters, x, y, ticks, levels, front
    )


def _coverage(board: Board, view: BoardView, letters: Mapping[str, str]) -> Chart | None:
    """Share of the pixels that lie in their intervals against the share that should; dotted: as many as should."""
    found = [
        Point(row.name, 100 * share, 100 * held, method=row.name)
        for row in board.trained
        for share, held in calibration(board, row).found.items()
    ]
    if not found:
        return None
    x, y = Axis(0, 100, LEFT, RIGHT), Axis(0, 100, BOTTOM, TOP)
    ticks = [(x(100 * share), f"{100 * share:g}") for share in sorted(SHARES.values())]
    ideal = [Point("", end, end) for end in (0, 100)]
    made = _chart(
        board,
        view,
        "solvers-coverage",
        "nominal coverage, %",
        found,
        found,
        letters,
        x,
        y,
        ticks,
        [],
        [],
        COVERED,
    )
    return replace(made, front=curves(ideal, x, y)[0])


def _spread(board: Board, view: BoardView, letters: Mapping[str, str]) -> Chart | None:
    """Error over spread against the quality of the mean answer."""
    assert view.primary is not None
    address = MEAN, None, view.primary[2]
    found = []
    for row in board.trained:
        ratio, mean = calibration(board, row).error_over_spread, row.value(address)
        if ratio is not None and mean is not None:
            found.append(Point(row.name, mean, ratio, method=row.name))
    if not found:
        return None
    x = linear_axis([p.cost for p in found], LEFT, RIGHT, margin=0.15)
    y = log_axis([*(p.value for p in found), 1.0], BOTTOM, TOP, 1.3)
    ticks = [(x(tick), tick_label(tick)) for tick in x.ticks()]
    levels = [Level("gaussian", "as it should be", y(1), y(1) - 4)]
    return _chart(
        board, view, "solvers-spread", OF_MEAN, found, found, letters, x, y, ticks, levels, [], RATIO
    )


def _chart(
    board: Board,
    view: BoardView,
    kind: str,
    cost: str,
    found: list[Point],
    drawn: list[Point],
    letters: Mapping[str, str],
    x: Axis,
    y: Axis,
    x_ticks: list[tuple[float, str]],
    levels: list[Level],
    front: list[Point],
    quality: str = "",
) -> Chart:
    """found: as the drawing is told in words; drawn: as they are drawn. quality: the primary number by default."""
    column = view.column(view.primary)
    assert column is not None
    return Chart(
        id=f"{view.id}-{kind}",
        modality=view.modality,
        organ=board.organ,
        quality=quality or column.title,
        cost=cost,
        points=found,
        marks=marks(drawn, x, y, letters),
        x_ticks=x_ticks,
        y_ticks=[(y(tick), tick_label(tick)) for tick in y.ticks()],
        levels=levels,
        band=None,
        curves=curves(drawn, x, y),
        front=front_path(front, x, y),
    )
