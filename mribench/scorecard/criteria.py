"""The seven criteria, each from the numbers of one row of a board, or blank with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean, stdev
from typing import Any

from mribench.board import columns
from mribench.board.against_control import CONTROL
from mribench.board.boards import Board
from mribench.board.group import HEADLINE_LEVEL
from mribench.board.lines import Line, real, rows
from mribench.board.rows import Address, Row
from mribench.board.sentences import of_a_blank
from mribench.results import Result
from mribench.spec.verdict import verdict_and_power

CONGRUENCE = ("kd", "fid", "fd", "precision", "density", "spectrum", "histogram")
COVERAGE = ("recall", "coverage", "diversity")
CONSTRAINT = ("background_offset", "background_sigma")


@dataclass(frozen=True)
class Criterion:
    """One of the seven, as the page prints it."""

    name: str
    asked: str
    titles: tuple[str, ...] = ()  # of the table
    lines: tuple[tuple[str, ...], ...] = ()  # of the table: name, then a text for each title
    said: tuple[str, ...] = ()  # sentences
    blank: tuple[str, ...] = ()  # what is not known, and why

    @property
    def is_blank(self) -> bool:
        return not (self.lines or self.said)


def criteria(board: Board, row: Row) -> list[Criterion]:
    """All seven, in the order of the paper.

    Args:
        board: the board of the row.
        row: a trained row of it.
    """
    return [of(board, row) for of in (_congruence, _coverage, _constraint, _completeness, _compliance)] + [
        _comprehension(board, row),
        _consistency(board, row),
    ]


def _congruence(board: Board, row: Row) -> Criterion:
    rank = board.ranks[row.name]
    trained = len(board.trained)
    ranked = (
        f"No rank: {rank.reason}."
        if rank.reason
        else f"Rank {rank.text} of {trained} trained row{'s' * (trained > 1)}."
    )
    titles, lines, blank = _numbers(board, row, CONGRUENCE)
    asked = "Are the images distributed as real ones, whole and in single properties?"
    return Criterion("Congruence", asked, titles, lines, (ranked,) if lines else (), blank)


def _coverage(board: Board, row: Row) -> Criterion:
    titles, lines, blank = _numbers(board, row, COVERAGE)
    said = [
        f"{audit['distinct']} of {audit['n']} images repeat no other (seed {seed})."
        for seed, audit in _audits(row)
        if audit.get("distinct") is not None
    ]
    return Criterion("Coverage", "Do they show the variety of real ones?", titles, lines, tuple(said), blank)


def _constraint(board: Board, row: Row) -> Criterion:
    titles, lines, blank = _numbers(board, row, CONSTRAINT)
    missing: tuple[str, ...] = (
        "Whether organs have possible shapes, sizes and places: no task on record measures anatomy.",
        *blank,
    )
    asked = "Do they keep the rules of physics and anatomy? On record is the air around the body alone."
    return Criterion("Constraint", asked, titles, lines, (), missing)


def _completeness(board: Board, row: Row) -> Criterion:
    size = board.comparability.get("resolution")
    # the generated images are counted by the metrics of distributions; others count test images
    made = sorted(e.n for a, e in row.estimates.items() if a[0] in (*CONGRUENCE, *COVERAGE))
    said = (f"{made[-1]} images of {size} x {size} pixels of 8-bit grey were scored.",) if made else ()
    missing = ("Metadata: the images carry no age, sex, scanner, diagnosis or label.",)
    return Criterion(
        "Completeness", "Is all there that a user of the images needs?", said=said, blank=missing
    )


def _compliance(board: Board, row: Row) -> Criterion:
    said, missing = [], []
    for seed, audit in _audits(row):
        reasons = "; ".join(map(str, audit.get("reasons") or []))
        said.append(
            f"Memorisation audit, seed {seed}: {verdict_and_power(audit)}{f' ({reasons})' * bool(reasons)}."
        )
        told = (audit.get("findings") or {}).get("membership") or {}
        if told.get("auroc") is not None:
            said.append(
                f"Membership inference by the loss, seed {seed}: AUROC {told['auroc']:.2f} "
                f"[{told['low']:.2f}, {told['high']:.2f}], 0.5 where training images cannot be told apart."
            )
    if not said:
        missing.append("Memorisation: no audit is on record.")
    terms = {
        f"{term.get('title') or term.get('data')}: licence {term.get('licence') or 'unverified'}, access "
        f"{term.get('access') or 'unverified'}."
        for result in row.results
        for term in result.data.get("terms") or []
    }
    said += [f"Training data: {term}" for term in sorted(terms)]
    if not terms:
        missing.append("Terms of the training data: the records do not say.")
    asked = "Are privacy and the terms of the training data kept?"
    return Criterion("Compliance", asked, said=tuple(said), blank=tuple(missing))


def _comprehension(board: Board, row: Row) -> Criterion:
    made = [f"{name}: {value}." for name, value in _making(row.results)]
    limits = [doubt for doubt in board.doubts if row.variant in doubt]
    asked = "Can a reader tell how the images were made, and what is known against them?"
    return Criterion("Comprehension", asked, said=(*made, *limits))


def _making(results: Sequence[Result]) -> Iterable[tuple[str, str]]:
    """What the records say of the making of a generator, without blanks."""
    first = results[0]
    training: dict[str, Any] = next((t for r in results if (t := r.provenance.get("training"))), {})
    machine = first.provenance.get("machine") or {}
    versions = first.provenance.get("versions") or {}
    known: dict[str, Any] = {
        "Method": first.name,
        "Profile": first.comparability.get("profile"),
        "Parameters": _grouped(training.get("parameters")),
        "Steps of training": _grouped(training.get("steps")),
        "Training": f"{training['tflop']:.1f} TFLOP" if training.get("tflop") else None,
        "Training seeds": ", ".join(map(str, sorted({r.seed for r in results}))),
        "Device": machine.get("device"),
        "Packages": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        "Commit": str(first.provenance.get("git_commit") or "")[:12],
    }
    return ((name, str(value)) for name, value in known.items() if value)


def _grouped(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _consistency(board: Board, row: Row) -> Criterion:
    said, missing = [], []
    estimate = row.estimates.get(board.primary) if board.primary else None
    if estimate and estimate.spread is not None and estimate.value is not None and board.primary:
        label = columns.title(board, board.primary)
        said.append(
            f"{label}: {estimate.value:.4g}, standard deviation {estimate.spread:.2g} between "
            f"{len(estimate.seeds)} trainings."
        )
    else:
        missing.append("Another training: there is one seed.")
    for address in _paired(board):
        values = row.over_subjects(address)
        if len(values) > 1:
            said.append(
                f"{columns.title(board, address)}: mean {fmean(values):.4g} over {len(values)} test subjects, standard "
                f"deviation {stdev(values):.2g}, from {min(values):.4g} to {max(values):.4g}."
            )
    missing.append("Subgroups (site, scanner, sex, disease): the records hold none.")
    asked = "Is it the same for another training, another person, another group?"
    return Criterion("Consistency", asked, said=tuple(said), blank=tuple(missing))


def _paired(board: Board) -> list[Address]:
    """PSNR and SSIM at the level of the headline."""
    found: list[Address] = []
    for metric in ("psnr", "ssim"):
        levels = [level for name, _, level in board.addresses if name == metric and level is not None]
        if levels:
            found.append((metric, None, min(levels, key=lambda level: abs(level - HEADLINE_LEVEL))))
    return found


def _numbers(
    board: Board, row: Row, metrics: Sequence[str]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Titles, a line for each number beside real training images and the Gaussian control, and what is blank."""
    addresses = [a for metric in metrics for a in board.addresses if a[0] == metric and a[2] is None]
    beside = {line.name: line for line in chain(rows(board), real(board, addresses))}
    shown = [beside[name] for name in (row.name, "real train", CONTROL) if name in beside]
    lines, blank = [], []
    for address in addresses:
        column = columns.number_column(board, address)
        texts = [column.text(line) for line in shown]
        if texts[0]:
            lines.append((column.title, *texts))
        else:
            blank.append(f"{column.title}: {_why(shown[0], address)}")
    return tuple(line.name for line in shown), tuple(lines), tuple(blank)


def _why(line: Line, address: Address) -> str:
    estimate = line.estimates.get(address)
    return of_a_blank(estimate.reason) if estimate and estimate.reason else "no number on record"


def _audits(row: Row) -> list[tuple[int, dict[str, Any]]]:
    return [(r.seed, dict(r.audit)) for r in sorted(row.results, key=lambda r: r.seed) if r.audit]
