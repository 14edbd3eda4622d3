"""Findings over all boards as sentences. Every sentence follows from numbers by the rule of one function here.

Of a board that ranks nothing only the reason is given. Organs are compared on scales of their own: 0 is what real
training images score, 1 what the Gaussian control scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mribench.board import study
from mribench.board.against_control import CONTROL
from mribench.board.boards import Board
from mribench.board.columns import level_text
from mribench.board.naming import listed
from mribench.board.rows import Row
from mribench.board.winners import winners
from mribench.metrics.significance import kendall_tau
from mribench.results import metric_label

AGREE = 0.8  # Kendall's tau from which two orders are called alike
FEWEST_ROWS = 3
SIDE = {"ahead": "ahead of", "behind": "behind"}


@dataclass(frozen=True)
class Position:
    """The place of a row between real training images (0) and the Gaussian control (1) of its own board."""

    organ: str
    value: float
    low: float
    high: float

    @property
    def text(self) -> str:
        return f"{self.organ} {self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def sections(boards: Sequence[Board]) -> list[tuple[str, list[str]]]:
    """Heading and sentences of each part that has something to say, in order."""
    rules: dict[str, Callable[[Sequence[Board]], Iterator[str]]] = {
        "What may be read": readable,
        "Who is best at what": winners,
        "Against the Gaussian control": against_gaussian,
        "Solvers against the Wiener filter": against_wiener,
        "Which organs came out nearer to real images": easier,
        "What the study asked": study.answers,
        "Where the numbers disagree": disagreements,
        "What is not known": unknown,
    }
    found = [(heading, list(dict.fromkeys(rule(boards)))) for heading, rule in rules.items()]
    return [(heading, sentences) for heading, sentences in found if sentences]


def readable(boards: Sequence[Board]) -> Iterator[str]:
    """Invalid boards and boards that only describe, with the reason."""
    for board in boards:
        if said := board.control_violations:
            yield f"{_title(board)}: the board is invalid and nothing is read from it, because {said[0]}."
        elif reason := board.why_unranked:
            yield f"{_title(board)}: a description, not a ranking ({reason})."


def against_gaussian(boards: Sequence[Board]) -> Iterator[str]:
    """Per trained row: on which boards it is ahead of, behind, or not told apart from the Gaussian control."""
    yield from _against([board for board in boards if not board.poses_problem])


def against_wiener(boards: Sequence[Board]) -> Iterator[str]:
    """Per problem and trained row: on which organs it is ahead of, behind, or not told apart from the Wiener filter,
    the best linear answer."""
    problems: dict[str, list[Board]] = {}
    for board in boards:
        if board.poses_problem:
            problems.setdefault(str(board.comparability["problem"]), []).append(board)
    for problem, of in problems.items():
        yield from (f"{problem}: {sentence}" for sentence in _against(of))


def _against(boards: Sequence[Board]) -> Iterator[str]:
    said: dict[tuple[str, str], list[str]] = {}
    at_floor = []
    for (name, where), group in _by_row(boards).items():
        organs: dict[str, list[str]] = {}
        for board, row in group:
            organs.setdefault(board.outcomes.get(row.name, ""), []).append(board.organ)
        phrases = {outcome: f"{phrase} it" for outcome, phrase in SIDE.items()}
        phrases |= {"undecided": "undecided for want of seeds", "not told apart": "not told apart from it"}
        parts = [f"{phrase} in {', '.join(organs[key])}" for key, phrase in phrases.items() if key in organs]
        if parts:
            said.setdefault((where, "; ".join(parts)), []).append(name)
        if floor := [board.organ for board, row in group if board.ranks[row.name].at_floor]:
            at_floor.append(
                f"{name} ({where}) reaches the floor in {', '.join(floor)}: no finer ranking is possible there."
            )
    # methods of which the same is true share a sentence
    yield from (f"{listed(names)} ({where}): {what}." for (where, what), names in said.items())
    yield from at_floor


def easier(boards: Sequence[Board]) -> Iterator[str]:
    """Order of the organs for one row under one budget; a claim only where intervals do not overlap."""
    said = []
    for (name, where), group in _by_row(boards).items():
        found = [p for board, row in group if (p := position(board, row))]
        if len(found) < 2:
            continue
        found.sort(key=lambda p: p.value)
        order = ", ".join(p.text for p in found)
        nearer: dict[str, list[str]] = {}
        for i, a in enumerate(found):
            for b in found[i + 1 :]:
                if a.high < b.low:
                    nearer.setdefault(a.organ, []).append(b.organ)
        claims = "; ".join(f"nearer in {a} than in {', '.join(others)}" for a, others in nearer.items())
        said.append(f"{name} ({where}): {order}; {claims or 'all intervals overlap'}.")
    if said:
        yield (
            "On each organ's scale, from real training images (0) to the Gaussian control (1). This is how far one "
            "budget got, not how hard an organ is in itself."
        )
        yield from said


def position(board: Board, row: Row) -> Position | None:
    """(KD - floor) / (KD of the Gaussian control - floor), its bounds from the bounds of both, which is wider than
    95 %; None on boards that rank nothing, without an interval, or where the control is not clear of the floor."""
    control, address = board.row(CONTROL), board.primary
    if board.why_unranked or control is None or address is None or board.sign(address) < 0:
        return None
    floor = board.floor_of(address).get("train_test")
    ours, theirs = row.estimates.get(address), control.estimates.get(address)
    if floor is None or ours is None or theirs is None or ours.value is None or theirs.value is None:
        return None
    if ours.low is None or ours.high is None or theirs.within_low is None or theirs.within_high is None:
        return None
    scale = theirs.within_low - floor, theirs.within_high - floor
    if scale[0] <= 0:
        return None
    low, high = ours.low - floor, ours.high - floor
    # the bound of the control that moves each bound of the quotient outwards
    bounds = low / scale[1 if low > 0 else 0], high / scale[1 if high < 0 else 0]
    return Position(board.organ, (ours.value - floor) / (theirs.value - floor), *bounds)


def disagreements(boards: Sequence[Board]) -> Iterator[str]:
    """Feature spaces that order the rows differently; a paired metric against the one that ranks."""
    for board in boards:
        if not board.control_violations and not board.poses_problem:
            yield from _spaces(board)
            yield from _paired_against_primary(board)


def _spaces(board: Board) -> Iterator[str]:
    primary = board.primary
    if primary is None:
        return
    for other in board.addresses:
        if other[0] != primary[0] or other == primary:
            continue
        pairs = [(row.value(primary), row.value(other)) for row in board.rows]
        known = [(a, b) for a, b in pairs if a is not None and b is not None]
        if len(known) < FEWEST_ROWS:
            continue
        tau = kendall_tau([a for a, _ in known], [b for _, b in known])
        if tau is not None and tau < AGREE:
            yield (
                f"{_title(board)}: {metric_label(*primary[:2])} and {metric_label(*other[:2])} put the "
                f"{len(known)} rows in different orders (Kendall's tau {tau:.2f}); ranks follow the first."
            )


def _paired_against_primary(board: Board) -> Iterator[str]:
    """A sentence for each outcome: the rows of which paired numbers of a level say the opposite."""
    found: dict[str, dict[float | None, dict[str, list[str]]]] = {}
    for name, addresses in board.opposite.items():
        levels = found.setdefault(board.outcomes[name], {})
        for metric, _, level in addresses:
            levels.setdefault(level, {}).setdefault(name, []).append(metric.upper())
    for outcome, levels in found.items():
        where = "; ".join(
            ("" if level is None else f"at {level_text(board, level)} ") + _by_metrics(of_row)
            for level, of_row in levels.items()
        )
        assert board.primary is not None
        yield (
            f"{_title(board)}: {SIDE[outcome]} the {CONTROL} control by {metric_label(*board.primary[:2])}, and the "
            f"other way round {where}. Paired numbers reward the average of what is possible, the kernel distance "
            "what is typical."
        )


def _by_metrics(of_row: Mapping[str, Sequence[str]]) -> str:
    """'by PSNR and others: ddpm, edm': the metrics that hold for all rows, or each of them where none does."""
    every = list(dict.fromkeys(metric for metrics in of_row.values() for metric in metrics))
    shared = [metric for metric in every if all(metric in metrics for metrics in of_row.values())]
    which = ", ".join(shared) + (" and others" if len(shared) < len(every) else "")
    return f"by {which if shared else ' or '.join(every)}: {listed(of_row)}"


def unknown(boards: Sequence[Board]) -> Iterator[str]:
    """Single seeds, missing floors, missing audits."""
    trained = [(board, row) for board in boards for row in board.rows if row.learns]
    single = [(board, row) for board, row in trained if len(row.seeds) == 1]
    alone = sorted(
        {row.name for board, row in single if not board.primary or not row.knows_training(board.primary)}
    )
    if alone:
        yield f"{listed(alone)}: boards with a single seed do not tell how much another training would differ."
    lent = {row.name for _, row in single} - set(alone)
    lenders = sorted({row.variant for _, row in trained if len(row.seeds) > 1})
    if lent and lenders:
        yield (
            f"Trained once on some organ: {len(lent)} of {len({row.name for _, row in trained})} rows; how much "
            f"another training would differ is taken from {', '.join(lenders)}."
        )
    if any(not board.floor for board in boards):
        organs = "; ".join(dict.fromkeys(_title(board) for board in boards if not board.floor))
        yield f"{organs}: the records hold no noise floor."
    unaudited = sorted({row.name for _, row in trained if row.audit is None})
    if unaudited:
        yield f"{listed(unaudited)}: without a memorisation audit nothing is known of copied training subjects."


def _by_row(boards: Sequence[Board]) -> dict[tuple[str, str], list[tuple[Board, Row]]]:
    """Trained rows of which anything may be claimed, grouped by what may be said together: name, data kind, profile
    and budget."""
    groups: dict[tuple[str, ...], list[tuple[Board, Row]]] = {}
    for board in boards:
        if board.why_unranked is None:
            c = board.comparability
            for row in board.trained:
                if board.outcomes.get(row.name) != "not ranked":
                    key = row.name, str(c["data_kind"]), str(c["profile"]), str(c.get("budget"))
                    groups.setdefault(key, []).append((board, row))
    return {(name, f"{kind}, {profile}"): group for (name, kind, profile, _), group in groups.items()}


def _title(board: Board) -> str:
    c = board.comparability
    return f"{board.organ}, {c['data']}, {c['profile']}"
