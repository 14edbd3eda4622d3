"""Sentences about a board that all pages share: its data, its cautions, how its results were made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from mribench.board import columns, tuning
from mribench.board.boards import Board
from mribench.board.naming import listed
from mribench.metrics.distribution import fid_note
from mribench.metrics.significance import FEW_SUBJECTS
from mribench.spec import ReportedTable

PREDICTS = {"epsilon": "the noise", "v_prediction": "v"}
KEPT = {"best": "best of validation", "last": "last weights"}
MOST_BLANKS = 8  # with one reason, above which they are counted and not listed
FOR_MAKERS = re.compile(r"MRIBENCH_[A-Z]|urlopen|\[Errno")
NOT_AT_HAND = "the weights that it needs were not on the machine that scored these images"
SPLITS = ("train", "validation", "test")
REPORTED = {"psnr": "PSNR ↑", "ssim": "SSIM ↑", "mse": "MSE ↓", "mae": "MAE ↓", "fid": "FID ↓"}
REPORTED_NOTE = (
    "Printed by the study, not reproduced, and not comparable with the tables above: data sets, splits, "
    "sample counts and the pairing behind PSNR, SSIM, MSE and MAE are not stated; no single data range makes "
    "its PSNR follow from its MSE (implied ranges from 73 to 453); at range 255 its SSIM contradicts its "
    "MSE; its MSE exceeds what images in [-1, 1] can differ by; FID is of an unknown, small number of images "
    "without an interval."
)


@dataclass(frozen=True)
class Sentence:
    """One sentence about a board."""

    text: str
    loud: bool = False  # whether it warns the reader of the numbers


def title(board: Board) -> str:
    c = board.comparability
    return f"{board.organ}, {c['data']}, profile {c['profile']}"


def about(board: Board) -> list[Sentence]:
    """The data of a board, and what to know before its numbers are read."""
    data, c = _data(board), board.comparability
    kind = "drawn by a phantom" if c["data_kind"] == "phantom" else "real images"
    images, subjects = data["images"], data["subjects"]
    counts = ", ".join(f"{split} {images[split]} ({columns.subjects(subjects[split])})" for split in SPLITS)
    said = [Sentence(f"{data['contrast']}; {kind}; {c['resolution']} x {c['resolution']}; images: {counts}.")]
    if data.get("adjusted"):
        said.append(
            Sentence(
                "Split adjusted: the plain rule left a split short of subjects, so some were moved; another "
                "subject in the data may move them again."
            )
        )
    if not data["is_mri"]:
        said.append(Sentence("Not MRI: microscopy."))
    if board.test_subjects < FEW_SUBJECTS:
        few = columns.subjects(board.test_subjects, "test ")
        said.append(Sentence(f"Only {few}: a description, not a ranking.", loud=True))
    if not board.subjects_known:
        unknown = "Subjects unknown: images of one person may stand in train and in test. A description, not a ranking."
        said.append(Sentence(unknown, loud=True))
    if board.differs:
        fields = "; ".join(
            f"{name}: {short(there)} there, {short(here)} here"
            for name, (there, here) in board.differs.items()
        )
        said.append(Sentence(f"Kept apart from the first {data['title']} board, not comparable: {fields}."))
    if twins := data.get("near_duplicates_across_splits"):
        said.append(
            Sentence(
                f"{twins} pairs of nearly equal images stand in different splits: scores may be flattered."
            )
        )
    return [*said, *map(Sentence, _trained(board)), *map(Sentence, _made(board))]


def _data(board: Board) -> Mapping[str, Any]:
    """What a record says of the data that agrees with most of them."""
    differing = {id(result) for result, _ in board.agreed.differing}
    said = [result.data for result in board.records if id(result) not in differing]
    return said[0] if said else board.members[0].data


def _trained(board: Board) -> list[str]:
    """Training steps and targets: a variant of one name differs between profiles."""
    steps: dict[tuple[int, str, str], set[int]] = {}
    shared: dict[str, list[str]] = {}
    for result in board.members:
        profile, training = (result.provenance.get(word) for word in ("profile", "training"))
        if training and len(result.organs) > 1:
            cost = f", {training['tflop']:g} TFLOP" if "tflop" in training else ""
            spent = f"{training.get('steps', 0):,} steps{cost}, the budgets of {len(result.organs)} trainings"
            shared.setdefault(f"one training for {', '.join(result.organs)}: {spent}", []).append(
                result.variant
            )
        elif profile and training and "steps" in training:
            predicts, kept = training.get("prediction") or profile["prediction"], profile["keep"]
            budget = profile["batch_size"], PREDICTS.get(predicts, predicts), KEPT.get(kept, kept)
            steps.setdefault(budget, set()).add(training["steps"])
    # seeds that stopped early at different steps share a line
    joint = [f"{', '.join(sorted(set(names)))}: {said}." for said, names in shared.items()]
    return joint + [
        f"Trained: {' to '.join(f'{n:,}' for n in sorted({min(taken), max(taken)}))} steps of {batch}, "
        f"predicts {predicts}, {kept}."
        for (batch, predicts, kept), taken in sorted(steps.items())
    ]


def _made(board: Board) -> list[str]:
    """Packages and machines of the results, one sentence for each combination."""
    made = set()
    for result in board.members:
        versions, machine = (result.provenance.get(word) for word in ("versions", "machine"))
        if versions and machine:
            packages = ", ".join(f"{name} {versions[name]}" for name in ("mribench", "torch", "diffusers"))
            made.add(f"Made with {packages} on {machine['device']}, threads: {machine['threads']}.")
    return sorted(made)


def short(value: Any) -> str:
    """A value as text, with long hashes cut to 12 digits."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return re.sub(r"[0-9a-f]{40,}", lambda digits: digits[0][:12], text) or "none"


def notes(board: Board) -> list[str]:
    """Below the numbers: against the Gaussian control, why a column is blank, and how many images one is made from."""
    lines = list(board.against_control)
    behind: dict[str, list[str]] = {}
    blanks: dict[str, list[str]] = {}
    for address in board.addresses:
        estimates = [
            row.estimates[address] for row in board.rows if row.is_shown and address in row.estimates
        ]
        if not estimates:
            continue
        for reason in dict.fromkeys(of_a_blank(e.reason) for e in estimates if e.reason):
            blanks.setdefault(reason, []).append(columns.title(board, address))
        n, m = estimates[0].n, estimates[0].n_reference
        if m is not None and any(e.value is not None for e in estimates):
            if address[:2] == ("fid", "inception"):
                lines += filter(None, [fid_note(n, m)])
            behind.setdefault(f"{n} generated against {m} test images.", []).append(
                columns.title(board, address)
            )
    for reason, titles in blanks.items():
        if len(titles) > MOST_BLANKS:
            lines.append(f"{titles[0]} and {len(titles) - 1} more are blank: {reason}")
        else:
            lines += [f"{title} is blank: {reason}" for title in titles]
    if hidden := [row for row in board.rows if not row.is_shown]:
        reasons = {estimate.reason for row in hidden for estimate in row.estimates.values()}
        lines.append(
            f"No line for {listed(row.name for row in hidden)}: {'; '.join(sorted(filter(None, reasons)))}"
        )
    for images, titles in behind.items():
        which = ", ".join(titles) if len(behind) > 1 else "All scores of generated images"
        lines.append(f"{which}: {images}")
    for space in dict.fromkeys(address[1] for address in board.addresses if address[1]):
        if doubt := board.untrusted(space):
            lines.append(f"{space} ranks nothing on these images: {doubt}.")
        if missed := board.blind_to(space):
            lines.append(f"{space} is blind to {', '.join(missed)} on these images.")
    lines += filter(None, [tuning.sentence(board.trained)])
    return list(dict.fromkeys([*lines, *board.doubts]))


def of_a_blank(reason: str) -> str:
    """Why a number is blank, for readers of a board: advice to whoever made the records is not for them."""
    return NOT_AT_HAND if FOR_MAKERS.search(reason) else reason


def reported_tables(boards: Iterable[Board]) -> list[ReportedTable]:
    """What publications found of the tasks of these boards, each once."""
    found = [r.reported_table for board in boards for r in board.members if r.reported_table]
    names = [field.name for field in fields(ReportedTable)]
    tables = [ReportedTable(**{name: one[name] for name in names}) for one in found]
    return list({(table.title, table.source): table for table in tables}.values())


def reported(boards: Iterable[Board]) -> tuple[list[str], list[tuple[str, Sequence[float]]]]:
    """Sources, and per organ the numbers in the order of ``REPORTED``; both empty where nothing was reported."""
    rows = {b.organ: b.members[0].reported for b in boards if b.members[0].reported}
    sources = list(dict.fromkeys(row["source"] for row in rows.values()))
    return sources, [(organ, [row[name] for name in REPORTED]) for organ, row in rows.items()]
