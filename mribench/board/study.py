"""The study's own questions, answered by the rows of a board as far as they are there, a sentence each.

The study trains one model per organ, "instead of using a single model for all types", and holds that diffusion is free
of the mode collapse of GANs. A pair of rows answers, organ by organ, on the same test subjects; p is corrected over
organs and numbers together. Where a training by itself could make the difference, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from mribench.board.boards import Board
from mribench.board.columns import level_text
from mribench.board.differences import Difference, corrected, difference
from mribench.board.group import HEADLINE_LEVEL, KERNEL_DISTANCE
from mribench.board.rows import Address, Row
from mribench.metrics.significance import LEVEL, kendall_tau
from mribench.results import metric_label

FEWEST_ROWS = 5  # of which an order says something


@dataclass(frozen=True)
class Question:
    """Two variants, and the numbers that tell."""

    asked: str
    first: str  # variant
    second: str  # variant
    metrics: tuple[str, ...]  # in the space that ranks, where a metric has spaces
    note: str = ""  # what the numbers alone do not say


QUESTIONS = (
    Question(
        "One model of all organs, or one of each?",
        "joint",
        "ddpm",
        ("kd",),
        "Both were given equally many training FLOPs per organ.",
    ),
    Question(
        "Does a GAN lose modes where diffusion does not?", "gan", "ddpm", ("coverage", "recall", "diversity")
    ),
)


def answers(boards: Sequence[Board]) -> Iterator[str]:
    """A sentence for each question, metric and kind of data whose rows are there, and one about PSNR against KD."""
    for about, group in _by_kind(boards).items():
        for question in QUESTIONS:
            yield from _answer(question, about, group)
        yield from _two_orders(about, group)


def _answer(question: Question, about: str, boards: Sequence[Board]) -> Iterator[str]:
    pairs = [(b, *rows) for b in boards if (rows := _rows(b, question))]
    found = [
        (board, one)
        for board, first, second in pairs
        for address in _addresses(board, question.metrics)
        if (one := difference(first, second, address))
    ]
    adjusted = zip((board for board, _ in found), corrected([one for _, one in found]), strict=True)
    by_metric: dict[str, list[tuple[Board, Difference]]] = {}
    for board, one in adjusted:
        by_metric.setdefault(metric_label(*one.address[:2]), []).append((board, one))
    for label, each in by_metric.items():
        outcomes: dict[str, list[str]] = {}
        for board, one in each:
            interval = f"{board.organ} ({one.value:.3g} [{one.low:.3g}, {one.high:.3g}])"
            outcomes.setdefault(_outcome(board, one), []).append(interval)
        said = "; ".join(f"{outcome} in {', '.join(organs)}" for outcome, organs in sorted(outcomes.items()))
        note = f" {question.note}" if question.note else ""
        yield (
            f"{question.asked} By {label} ({about}), {question.first} against {question.second}: {said}."
            f"{note}"
        )


def _rows(board: Board, question: Question) -> tuple[Row, Row] | None:
    """The trained rows of both variants; None where one is missing."""
    first, second = (board.row(variant) for variant in (question.first, question.second))
    return (first, second) if first and second else None


def _addresses(board: Board, metrics: Sequence[str]) -> list[Address]:
    space = board.primary[1] if board.primary else None
    return [a for a in board.addresses if a[0] in metrics and a[1] in (space, None) and a[2] is None]


def _outcome(board: Board, one: Difference) -> str:
    if one.adjusted >= LEVEL:
        return "not told apart"
    if not one.knows_training:
        return "no claim from single trainings"
    return "better" if one.value * board.sign(one.address) < 0 else "worse"


def _two_orders(about: str, boards: Sequence[Board]) -> Iterator[str]:
    """Does PSNR order models as KD does? Kendall's tau of the trained rows of each organ."""
    taus: dict[str, tuple[float, int]] = {}
    where = ""
    for board in boards:
        levels = [level for metric, _, level in board.addresses if metric == "psnr" and level is not None]
        if board.primary is None or board.primary[0] != KERNEL_DISTANCE[0] or not levels:
            continue
        level = min(levels, key=lambda level: abs(level - HEADLINE_LEVEL))
        address = ("psnr", None, level)
        values = [(row.value(board.primary), row.value(address)) for row in board.trained]
        known = [(a, b) for a, b in values if a is not None and b is not None]
        signs = board.sign(board.primary), board.sign(address)
        tau = kendall_tau([signs[0] * a for a, _ in known], [signs[1] * b for _, b in known])
        if len(known) >= FEWEST_ROWS and tau is not None:
            taus[board.organ] = tau, len(known)
            where = f"psnr at {level_text(board, level)} and {metric_label(*board.primary[:2])}"
    if taus:
        each = ", ".join(f"{organ} {tau:.2f} of {n} rows" for organ, (tau, n) in taus.items())
        yield (
            f"Does PSNR order models as KD does? Kendall's tau between {where} ({about}), 1 for the same order and "
            f"-1 for the opposite one: {each}; median {median(tau for tau, _ in taus.values()):.2f}."
        )


def _by_kind(boards: Sequence[Board]) -> dict[str, list[Board]]:
    """Boards of one kind of data, profile and budget, without those that are invalid."""
    kinds: dict[tuple[str, str, str], list[Board]] = {}
    for board in boards:
        if not board.control_violations:
            c = board.comparability
            key = str(c["data_kind"]), str(c["profile"]), str(c.get("budget"))
            kinds.setdefault(key, []).append(board)
    return {f"{kind}, {profile}": group for (kind, profile, _), group in kinds.items()}
