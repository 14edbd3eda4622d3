"""The tables of a board. The Markdown page, the HTML page, the terminal and the model card all print these columns.

To add a column, add a ``Column`` to the function of its table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mribench.board import cost, privacy, tuning
from mribench.board.against_control import control_name
from mribench.board.boards import Board
from mribench.board.group import ALPHA_BAR, HEADLINE_LEVEL
from mribench.board.lines import Line, real, rows
from mribench.board.rows import Address, Estimate, Row
from mribench.results import metric_label

DIGITS = {"dB": 2, "1e-3": 1}
ARROWS = {"up": "↑", "down": "↓", "zero": "→0"}
Value = float | str | None  # of a cell; a table is sorted by it


@dataclass(frozen=True)
class Column:
    """One column of a table: its value and its text for every line."""

    title: str
    value: Callable[[Line], Value]
    text: Callable[[Line], str]
    address: Address | None = None  # of a column of numbers
    names_line: bool = False  # whether it holds the name of the line


@dataclass(frozen=True)
class Table:
    """The columns and lines of one table."""

    columns: Sequence[Column]
    lines: Sequence[Line]

    @property
    def titles(self) -> list[str]:
        return [column.title for column in self.columns]

    def texts(self, name: Callable[[Line], str] = lambda line: line.name) -> list[list[str]]:
        """The cells of every line. ``name`` writes the name of a line as a format marks it."""
        return [
            [name(line) if column.names_line else column.text(line) for column in self.columns]
            for line in self.lines
        ]


def headline(board: Board) -> Table:
    """Ranks, distribution metrics, the paired ones at one level, epsilon where a training states it, and cost."""
    addresses = headline_addresses(board)
    numbers = [number_column(board, address) for address in addresses]
    private = [EPSILON] if privacy.is_stated(board.rows) else []
    columns = [RANK, VARIANT, SEEDS, *numbers, *private, *COST, NOTES]
    return Table(columns, [*rows(board), *real(board, addresses)])


def more(board: Board) -> Table:
    """The numbers that the headline leaves out and that have no noise level."""
    addresses = more_addresses(board)
    numbers = [number_column(board, address) for address in addresses]
    return Table([VARIANT, *numbers], [*rows(board), *real(board, addresses)] if numbers else [])


def levels(board: Board) -> Table:
    """The paired metrics at every noise level; no lines where there is one level."""
    addresses = [a for a in board.addresses if a[2] is not None]
    found = sorted({a[2] for a in addresses if a[2] is not None}, reverse=True)
    names = dict.fromkeys(a[0] for a in addresses)
    lines = [line for level in found for line in rows(board, level)] if len(found) > 1 else []
    return Table([LEVEL, VARIANT, *(_at_level(board, name) for name in names)], lines)


def all_organs(boards: Sequence[Board]) -> Table:
    """The trained rows of all boards, and how far the Gaussian control gets without training.

    The numbers are the headline columns of every board.
    """
    shown = list(dict.fromkeys(a for board in boards for a in headline_addresses(board)))
    first = {a: next(b for b in boards if a in b.addresses) for a in shown}
    columns = [ORGAN, DATA, PROFILE, TEST_SUBJECTS, VARIANT, RANK, SEEDS]
    columns += [number_column(first[a], a) for a in shown]
    # a task may be asked of its own controls alone, or of none
    ranking = [
        (board, board.primary)
        for board in boards
        if board.primary and (control := board.row(control_name(board))) and control.applies
    ]
    if ranking:
        columns += [_of_control(*ranking[0]), _against_control(ranking[0][0])]
    return Table(columns, [line for board in boards for line in rows(board) if line.kind == "trained"])


def headline_addresses(board: Board) -> list[Address]:
    """Distribution metrics, and the paired ones at one level of each kind, apart from metrics that are not
    ``headline``."""
    shown: dict[str, float] = {}
    for level in sorted(board.level_names, key=lambda level: abs(level - HEADLINE_LEVEL)):
        shown.setdefault(board.level_names[level], level)
    found = [a for a in board.addresses if a[2] is None or a[2] in shown.values()]
    return [a for a in found if board.metrics[a[0]].get("headline", True)]


def more_addresses(board: Board) -> list[Address]:
    """What the headline leaves out and no table by noise level shows."""
    by_level = len({a[2] for a in board.addresses if a[2] is not None}) > 1
    shown = [a for a in board.addresses if a[2] is None or not by_level]
    return [a for a in shown if not board.metrics[a[0]].get("headline", True)]


def number_column(board: Board, address: Address) -> Column:
    """One metric in one space at one level."""
    unit = str(board.metrics[address[0]]["unit"])
    return Column(
        title(board, address),
        lambda line: _value(line.estimates.get(address)),
        lambda line: number(line.estimates.get(address), unit),
        address,
    )


def _at_level(board: Board, metric: str) -> Column:
    """One paired metric at the level of each line."""
    unit = str(board.metrics[metric]["unit"])
    return Column(
        title(board, (metric, None, None)),
        lambda line: _value(line.estimates.get((metric, None, line.level))),
        lambda line: number(line.estimates.get((metric, None, line.level)), unit),
    )


def _of_control(board: Board, address: Address) -> Column:
    """What the Gaussian control scores in one number, of a problem the Wiener filter."""
    inner = number_column(board, address)

    def control(line: Line) -> Line:
        name = control_name(line.board)
        row = line.board.row(name)
        return Line("control", name, line.board, row.estimates if row else {}, row)

    return Column(
        f"{inner.title} of {control_name(board)}",
        lambda line: inner.value(control(line)),
        lambda line: inner.text(control(line)),
    )


def _against_control(board: Board) -> Column:
    def text(line: Line, row: Row) -> str:
        one = line.board.against.get(row.name)
        return f"{one.outcome} {one.by_another}".rstrip() if one else ""

    return _of_row(f"against {control_name(board)}", lambda x, row: x.board.outcomes.get(row.name), text)


def title(board: Board, address: Address) -> str:
    """Heading of a number: metric, space, level, unit, and which way is better."""
    name, space, level = address
    about = board.metrics[name]
    metric, bracket, rest = metric_label(name, space).partition("[")
    label = metric.upper() + bracket + rest + ("" if level is None else f" @{level_text(board, level)}")
    unit = f" ({about['unit']})" if about["unit"] else ""
    return f"{label}{unit} {ARROWS[about['direction']]}"


def level_text(board: Board, level: float, digits: int = 2, sign: str = " ") -> str:
    """'ᾱ 0.52', 'R 4'."""
    name = board.level_names.get(level, ALPHA_BAR)
    return f"{name}{sign}{level:.{digits}f}" if name == ALPHA_BAR else f"{name}{sign}{level:g}"


def restored_from(board: Board, level: float, digits: int) -> str:
    """'denoised from ᾱ = 0.524', 'restored from R = 4'."""
    text = level_text(board, level, digits, " = ")
    return f"{'denoised' if text.startswith(ALPHA_BAR) else 'restored'} from {text}"


def levels_title(board: Board) -> str:
    """Heading of the tables by level."""
    noise = set(board.level_names.values()) <= {ALPHA_BAR}
    return "denoising at every noise level" if noise else "restored images at every level"


def number(estimate: Estimate | None, unit: str) -> str:
    """'0.713 ± 0.004 [0.702, 0.724]', the spread only where there are several seeds; empty where there is none, 'n/a'
    where the task does not apply to the variant."""
    if estimate is None or estimate.value is None:
        return "" if estimate is None or estimate.applies else "n/a"
    digits = DIGITS.get(unit, 4 if abs(estimate.value) < 1 else 2)
    spread = f" ± {estimate.spread:.{digits}f}" if estimate.spread is not None else ""
    interval = f" [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]" if estimate.low is not None else ""
    return f"{estimate.value:.{digits}f}{spread}{interval}"


def _value(estimate: Estimate | None) -> float | None:
    return estimate.value if estimate else None


def one_line(board: Board) -> str:
    """Organ, contrast, data, profile and resolution of a board."""
    c, data = board.comparability, board.members[0].data
    few = f", {board.why_unranked}: not a ranking" if board.why_unranked else ""
    track = f", {c['problem']}" if c.get("problem") else ""
    track += f", track {c['track']}" if c.get("track") else ""
    return (
        f"{data['title']} ({data['contrast']}), {c['data']}, {c['profile']}, {c['resolution']} px{track}{few}"
    )


def subjects(n: int, which: str = "") -> str:
    """'1 subject', '4 test subjects'."""
    return f"{n} {which}subject{'' if n == 1 else 's'}"


def seeds(row: Row) -> str:
    """'3 (0, 1, 2)': how many, and which."""
    return f"{len(row.seeds)} ({', '.join(map(str, row.seeds))})"


def rank(board: Board, row: Row) -> str:
    """'1', '1-3', or of a trained row that is not ranked the reason."""
    place = board.ranks[row.name]
    return place.text or ("" if row.is_control else place.reason or "")


def remarks(board: Board, row: Row) -> list[str]:
    """What to know before a rank is read, beside the audit."""
    single = len(row.seeds) == 1 and row.learns
    organs = max(len(result.organs) for result in row.results)
    said = {
        "1 seed": single,
        f"1 training for {organs} organs": organs > 1,
        "at floor": board.ranks[row.name].at_floor,
    }
    said |= {f"by {version}": version != board.comparability.get("audit.task") for version in row.audited_by}
    tuned = tuning.remark(row)
    return [remark for remark, holds in said.items() if holds] + ([tuned] if tuned else [])


def notes(board: Board, row: Row) -> list[str]:
    """The remarks, and what the audit says."""
    return remarks(board, row) + ([row.audit] if row.audit else [])


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _of_row(
    title: str, value: Callable[[Line, Row], Value], text: Callable[[Line, Row], str] | None = None
) -> Column:
    """A column that real images leave empty; without ``text`` it shows the value."""

    def shown(line: Line) -> str:
        if line.row is None:
            return ""
        if text:
            return text(line, line.row)
        held = value(line, line.row)
        return "" if held is None else str(held)

    return Column(title, lambda line: value(line, line.row) if line.row else None, shown)


def _of_board(title: str, value: Callable[[Board], Value]) -> Column:
    return Column(title, lambda line: value(line.board), lambda line: str(value(line.board)))


VARIANT = Column("variant", lambda x: x.name, lambda x: x.name, names_line=True)
RANK = _of_row("rank", lambda x, row: x.board.ranks[row.name].best, lambda x, row: rank(x.board, row))
SEEDS = _of_row("seeds", lambda _, row: len(row.seeds), lambda _, row: seeds(row))
EPSILON = _of_row("ε", lambda _, row: privacy.epsilon(row.results), lambda _, row: privacy.text(row))
NFE = _of_row("NFE", lambda _, row: cost.nfe(row))
TRAIN_IMAGES = _of_row(
    "train images", lambda _, row: cost.train_images(row), lambda _, row: _number(cost.train_images(row), ",")
)
TRAIN_SECONDS = _of_row(
    "train s", lambda _, row: cost.train_seconds(row), lambda _, row: _number(cost.train_seconds(row), ".0f")
)
COST = (NFE, TRAIN_IMAGES, TRAIN_SECONDS)
NOTES = _of_row("notes", lambda x, row: ", ".join(notes(x.board, row)))
LEVEL = Column("restored from", lambda x: x.level, lambda x: level_text(x.board, x.level or 0, 3, " = "))
ORGAN = _of_board("modality", lambda board: board.organ)
DATA = _of_board("data", lambda board: board.comparability["data"])
PROFILE = _of_board("profile", lambda board: board.comparability["profile"])
TEST_SUBJECTS = _of_board("test subjects", lambda board: board.test_subjects)
