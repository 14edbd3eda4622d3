"""Boards as one Markdown page: a table each, what the numbers allow to say, and what the study reported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mribench import interpret, summary, tables
from mribench.expectations import violations
from mribench.leaderboard import FEW_SUBJECTS, Board
from mribench.metrics.distribution import fid_note
from mribench.rows import Row
from mribench.verdict import against_control

PREDICTS = {"epsilon": "the noise", "v_prediction": "v"}
KEPT = {"best": "best of validation", "last": "last weights"}
SPLITS = ("train", "validation", "test")
REPORTED_NOTE = (
    "Printed by the study, not reproduced, and not comparable with the tables above: data sets, splits, "
    "sample counts and the pairing behind PSNR, SSIM, MSE and MAE are not stated; no single data range makes "
    "its PSNR follow from its MSE (implied ranges from 73 to 453); at range 255 its SSIM contradicts its "
    "MSE; its MSE exceeds what images in [-1, 1] can differ by; FID is of an unknown, small number of images "
    "without an interval."
)


def markdown(boards: Sequence[Board], out: Path) -> str:
    """The boards as one Markdown page; figure links are relative to ``out``."""
    parts = ["# mribench leaderboard\n", _legend(), _overview(out), _table(*summary.table(boards))]
    parts.append(_interpretation(boards))
    for board in boards:
        parts += [
            _heading(board),
            _invalid(board),
            _headline(board),
            _more(board),
            _levels(board),
            _notes(board),
            _pictures(board, out),
        ]
    parts.append(_reported(boards))
    return "\n".join(part for part in parts if part)


def _legend() -> str:
    return (
        "Each number: mean over seeds ± standard deviation between seeds (where there are several) [95 % "
        "interval over test subjects and seeds; over test subjects alone for one seed]. Rows stand together only "
        "where data, split, resolution, budget, task, metrics, feature spaces and numbers of images are equal. "
        "Ranks are intervals: 1-3 means that the numbers leave the places 1 to 3 open. *Controls* are set in "
        "italics, as are *real train* (real training images in a model's place) and *half against half* (of the "
        "test subjects; mean and 95 % band of 20 splits); they show the scale and are not ranked. At floor: the "
        "interval reaches what real training images score, and nothing finer can be said. Organs are different "
        "data: compare within a table, never between two.\n"
    )


def _overview(out: Path) -> str:
    picture = "figures/overview.png"
    return (
        f"![Held-out images beside generated ones, by organ]({picture})\n" if (out / picture).exists() else ""
    )


def _interpretation(boards: Sequence[Board]) -> str:
    said = [
        f"### {heading}\n\n" + "".join(f"- {_plain(sentence)}\n" for sentence in sentences)
        for heading, sentences in interpret.sections(boards)
    ]
    return "## What the numbers allow to say\n\n" + "\n".join(said) if said else ""


def _heading(board: Board) -> str:
    first, c = board.members[0], board.comparability
    data = first.data
    kind = "drawn by a phantom" if c["data_kind"] == "phantom" else "real images"
    images, subjects = data["images"], data["subjects"]
    counts = ", ".join(f"{split} {images[split]} ({tables.subjects(subjects[split])})" for split in SPLITS)
    lines = [
        f"## {data['title']}, {c['data']}, profile {c['profile']}\n",
        f"{data['contrast']}; {kind}; {c['resolution']} x {c['resolution']}; images: {counts}.",
    ]
    if data.get("adjusted"):
        lines.append(
            "Split adjusted: the plain rule left a split short of subjects, so some were moved; another subject "
            "in the data may move them again."
        )
    if not data["is_mri"]:
        lines.append("Not MRI: microscopy.")
    if subjects["test"] < FEW_SUBJECTS:
        lines.append(f"**Only {tables.subjects(subjects['test'], 'test ')}: a description, not a ranking.**")
    if not board.subjects_known:
        lines.append(
            "**Subjects unknown: images of one person may stand in train and in test. A description, not a "
            "ranking.**"
        )
    if board.differs:
        said = "; ".join(
            f"{name}: {_short(there)} there, {_short(here)} here"
            for name, (there, here) in board.differs.items()
        )
        lines.append(f"Kept apart from the first {data['title']} board, not comparable: {said}.")
    if twins := data.get("near_duplicates_across_splits"):
        lines.append(
            f"{twins} pairs of nearly equal images stand in different splits: scores may be flattered."
        )
    return "\n".join([*lines, *_trained(board), *_made(board)]) + "\n"


def _trained(board: Board) -> list[str]:
    """For how long and for what the networks were trained: a variant of one name differs between profiles."""
    steps: dict[tuple[int, str, str], set[int]] = {}
    for result in board.members:
        profile, training = (result.provenance.get(word) for word in ("profile", "training"))
        if profile and training and "steps" in training:
            predicts, kept = training.get("prediction") or profile["prediction"], profile["keep"]
            budget = profile["batch_size"], PREDICTS.get(predicts, predicts), KEPT.get(kept, kept)
            steps.setdefault(budget, set()).add(training["steps"])
    # seeds that stopped early at different steps share a line
    return [
        f"Trained: {' to '.join(f'{n:,}' for n in sorted({min(taken), max(taken)}))} steps of {batch}, "
        f"predicts {predicts}, {kept}."
        for (batch, predicts, kept), taken in sorted(steps.items())
    ]


def _made(board: Board) -> list[str]:
    """With what and on what the results were made; several lines where that was not the same for all."""
    made = set()
    for result in board.members:
        versions, machine = (result.provenance.get(word) for word in ("versions", "machine"))
        if versions and machine:
            packages = ", ".join(f"{name} {versions[name]}" for name in ("mribench", "torch", "diffusers"))
            made.add(f"Made with {packages} on {machine['device']}, threads: {machine['threads']}.")
    return sorted(made)


def _short(value: Any) -> str:
    """Lists in words, and of a hash what is enough to tell it from another."""
    words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return re.sub(r"[0-9a-f]{40,}", lambda digits: digits[0][:12], words) or "none"


def _marked(row: Row) -> str:
    """The row's name; a control's in italics."""
    return f"*{row.name}*" if row.is_control else row.name


def _invalid(board: Board) -> str:
    """Loudly, above the numbers: what a control does that it must not."""
    said = violations(board)
    return "".join(f"**INVALID BOARD, nothing is ranked: {_plain(sentence)}.**\n\n" for sentence in said)


def _headline(board: Board) -> str:
    titles, lines = tables.headline(board)
    name = titles.index("variant")
    for line in lines:
        if line.kind != "trained":
            line.cells[name] = f"*{line.cells[name]}*"
    return _table(titles, [line.cells for line in lines])


def _more(board: Board) -> str:
    """The metrics that the headline leaves out."""
    shown = tables.more_addresses(board)
    if not shown:
        return ""
    titles = ["variant", *(tables.title(board, address) for address in shown)]
    lines = [[_marked(row), *(tables.cell(board, row, address) for address in shown)] for row in board.rows]
    lines += [[f"*{name}*", *numbers] for name, numbers in tables.real(board, shown)]
    return f"<details><summary>more metrics</summary>\n\n{_table(titles, lines)}\n</details>\n"


def _levels(board: Board) -> str:
    """The paired metrics at every level of noise."""
    addresses = [a for a in board.addresses if a[2] is not None]
    levels = sorted({a[2] for a in addresses}, reverse=True)
    if len(levels) < 2:
        return ""
    metrics = list(dict.fromkeys(a[0] for a in addresses))
    titles = ["restored from", "variant", *(tables.title(board, (m, None, None)) for m in metrics)]
    lines = [
        [f"ᾱ = {level:.3f}", _marked(row)]
        + [tables.cell(board, row, (metric, None, level)) for metric in metrics]
        for level in levels
        for row in board.rows
    ]
    return (
        "<details><summary>reconstruction at every noise level</summary>\n\n"
        + _table(titles, lines)
        + "\n</details>\n"
    )


def _notes(board: Board) -> str:
    lines = against_control(board)
    for address in board.addresses:
        entries = [row.entries[address] for row in board.rows if address in row.entries]
        for reason in dict.fromkeys(e.reason for e in entries if e.reason):
            lines.append(f"{tables.title(board, address)} is blank: {reason}")
        n, m = entries[0].n, entries[0].n_reference
        if address[:2] == ("fid", "inception") and any(e.value is not None for e in entries):
            lines += filter(None, [fid_note(n, m)])
        if m is not None and any(e.value is not None for e in entries):
            lines.append(f"{tables.title(board, address)}: {n} generated against {m} test images.")
    for space in dict.fromkeys(address[1] for address in board.addresses if address[1]):
        if reason := board.untrusted(space):
            lines.append(f"{space} ranks nothing on these images: {reason}.")
    return "".join(f"- {_plain(line)}\n" for line in dict.fromkeys(lines))


def _pictures(board: Board, out: Path) -> str:
    links = [
        f"[{row.name} seed {result.seed}: {kind}]({path})"
        for row in board.rows
        for result in row.results
        for kind, path in result.figures.items()
        if not row.is_control and (out / path).exists()
    ]
    return "Pictures: " + ", ".join(links) + ".\n" if links else ""


def _reported(boards: Iterable[Board]) -> str:
    rows = {b.members[0].data["title"]: b.members[0].reported for b in boards if b.members[0].reported}
    if not rows:
        return ""
    names = ("psnr", "ssim", "mse", "mae", "fid")
    titles = ["modality", "PSNR ↑", "SSIM ↑", "MSE ↓", "MAE ↓", "FID ↓"]
    lines = [[title, *(f"{row[name]:g}" for name in names)] for title, row in rows.items()]
    sources = "; ".join(dict.fromkeys(row["source"] for row in rows.values()))
    return f"## Reported, not reproduced\n\n{sources}\n\n{REPORTED_NOTE}\n\n" + _table(titles, lines)


def _table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |\n"

    return line(titles) + "|" + " --- |" * len(titles) + "\n" + "".join(map(line, lines))


def _plain(text: str) -> str:
    """Foreign words (titles, reasons) on one line and without markup of their own."""
    return " ".join(text.split()).replace("<", "&lt;")
