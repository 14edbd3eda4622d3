"""What a row cost: network evaluations of an image, images and seconds of its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mribench.board.rows import Row


def _produced(row: Row) -> Mapping[str, Any]:
    """The generation record of a row, or one that a solver made; that of denoising has the NFE of a level."""
    of_row = (r for r in row.results if r.task == "generation" or "solver" in r.provenance.get("plugins", {}))
    found = next(of_row, None)
    return (found.provenance.get("produced") or {}) if found else {}


def training(row: Row) -> Mapping[str, Any] | None:
    """What the first record says of the training, ``train.json``; None of a control."""
    found = next((r for r in row.results if r.task == "generation"), row.results[0])
    return found.provenance.get("training")


def nfe(row: Row) -> int | None:
    """Network evaluations per generated image, or answer of a solver at its last level; 0 of a control.

    None where none was generated, or trained elsewhere.
    """
    if row.trained_elsewhere:
        return None
    if not training(row):
        return 0
    evaluations = _produced(row).get("nfe")
    # a solver tries its settings first
    return int(evaluations[-1]) if evaluations else None


def train_images(row: Row) -> int | None:
    """Training images seen; None where it was trained elsewhere."""
    if row.trained_elsewhere:
        return None
    return int((training(row) or {}).get("images_seen", _in_solving(row, "train_images") or 0))


def train_seconds(row: Row) -> float | None:
    """Seconds of training; None where it was trained elsewhere, or by a version that did not record it."""
    if row.trained_elsewhere:
        return None
    if (spent := training(row)) or not _in_solving(row, "train_images"):
        return float((spent or {}).get("seconds", 0))
    return _in_solving(row, "train_seconds")


def _in_solving(row: Row, name: str) -> float | None:
    """What is recorded of a solver that learns from pairs, which it does while it is asked."""
    found = ((result.provenance.get("produced") or {}).get(name) for result in row.results)
    return max((number for number in found if number is not None), default=None)
