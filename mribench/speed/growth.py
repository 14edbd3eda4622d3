"""How cost grows: seconds of the processor against side, images, subjects, cells and boards, each as an exponent.

An exponent of 1 is linear: twice the images, twice the seconds. It is the slope of the logarithms between the largest
two sizes, so that what every size costs anyhow counts least. Seconds are of the processor and of all threads: a busy
machine does not count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mribench import files, profiles, provenance
from mribench.board import publish
from mribench.board.boards import boards
from mribench.data import prepare_data
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.progress import progress
from mribench.results import Result
from mribench.runner import runspec
from mribench.runner.run import run_suite
from mribench.runner.runspec import FEATURES
from mribench.spec import Prepared
from mribench.speed import scoring
from mribench.speed.made_records import CONTROLS, records
from mribench.speed.step import advance, synthetic_images, training_step
from mribench.tables import markdown_table

TIMES = 3  # each size is measured so often, and the median counts
ROWS = 6  # trained rows of a board, where the number of boards grows
PER_BOARD = 3 * (ROWS + len(CONTROLS))  # records: of three tasks
IMAGES = 1000  # of more and more subjects


@dataclass(frozen=True)
class Quantity:
    """What grows, and what is timed."""

    name: str  # 'training step'
    of: str  # 'pixels a side'
    sizes: tuple[int, ...]  # ascending
    prepare: Callable[[int], Callable[[], Any]]  # what is not timed; gives what is
    expected: str  # why it is not linear; empty where it is to be


def quantities() -> list[Quantity]:
    """All that are measured, with the sizes of a kept table."""
    return [
        Quantity(
            "training step", "pixels a side", (32, 64, 128), _training, "2: pixels; more where attention is"
        ),
        Quantity(
            "scores and audit", "images", (500, 1000, 2000), _scoring, "up to 2: neighbours among all pairs"
        ),
        Quantity(f"scores and audit of {IMAGES:,} images", "subjects", (50, 100, 200), _subjects, ""),
        Quantity("preparing", "images", (500, 1000, 2000), _preparing, ""),
        Quantity("run of one step", "cells", (5, 10, 20), _cells, ""),
        Quantity("finished run, again", "cells", (5, 10, 20), _finished, ""),
        Quantity(f"boards of {ROWS} rows, {PER_BOARD} records each", "boards", (38, 76, 152), _boards, ""),
        Quantity("one board", "rows", (10, 20, 40), _rows, "up to 2: every pair of rows"),
    ]


def measure(out: Path, chosen: Sequence[Quantity] | None = None, times: int = TIMES) -> dict[str, Any]:
    """Time every size of every quantity; the record is written after each of them.

    Args:
        out: folder for growth.json and growth.md.
        chosen: what is measured; None: ``quantities``.
        times: how often, of which the median counts.

    Returns:
        The record that growth.json holds.
    """
    found: list[dict[str, Any]] = []
    record = {"times": times, **provenance.environment(), "rows": found}
    chosen = quantities() if chosen is None else chosen
    with progress("growth", sum(len(one.sizes) for one in chosen)) as advanced:
        for one in chosen:
            seconds = []
            for size in one.sizes:
                seconds.append(median(_seconds(one.prepare(size)) for _ in range(times)))
                advanced(
                    sum(len(row["sizes"]) for row in found) + len(seconds), f"{one.name}, {size:,} {one.of}"
                )
            found.append(
                {
                    "name": one.name,
                    "of": one.of,
                    "sizes": list(one.sizes),
                    "cpu_seconds": [round(s, 4) for s in seconds],
                    "exponent": round(exponent(one.sizes, seconds), 2),
                    "expected": one.expected,
                }
            )
            files.write_json(out / "growth.json", record)
            files.write_text(out / "growth.md", markdown(record))
    return record


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of log seconds over log size between the largest two sizes."""
    (small, large), (before, after) = list(pairwise(sizes))[-1], list(pairwise(seconds))[-1]
    return math.log(after / before) / math.log(large / small)


def markdown(record: Mapping[str, Any]) -> str:
    """One row for each quantity."""
    machine, versions = record["machine"], record["versions"]
    rows = [
        [
            row["name"],
            row["of"],
            ", ".join(f"{size:,}: {s:.3g}" for size, s in zip(row["sizes"], row["cpu_seconds"], strict=True)),
            f"{row['exponent']:.2f}",
            row["expected"] or "1",
        ]
        for row in record["rows"]
    ]
    about = (
        f"{machine['device']}, torch {versions['torch']}. Seconds of the processor, medians of {record['times']}; the "
        "exponent is between the largest two sizes."
    )
    return f"{about}\n\n{markdown_table(['what', 'against', 'seconds', 'exponent', 'at most'], rows)}\n"


def _seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _training(side: int) -> Callable[[], Any]:
    """Four steps of the network of ``quick`` on images of this side, after one that allocates."""
    profile = replace(profiles.QUICK, size=side, coarse_steps=0)
    step = training_step(profile, synthetic_images(64, side), "fp32")
    advance([step], 1)
    return lambda: advance([step], 4)


def _scoring(n: int) -> Callable[[], Any]:
    parts = [scoring.drawn_split(seed, n) for seed in (1, 2, 3, 4)]
    return lambda: _scored(Prepared(Path(), "drawn", "drawn", "phantom", *parts[:3]), parts[3].images)


def _subjects(n: int) -> Callable[[], Any]:
    subjects = tuple(f"s{i * n // IMAGES}" for i in range(IMAGES))
    each = [replace(scoring.drawn_split(seed, IMAGES), subjects=subjects) for seed in (1, 2, 3, 4)]
    return lambda: _scored(Prepared(Path(), "drawn", "drawn", "phantom", *each[:3]), each[3].images)


def _scored(data: Prepared, images: np.ndarray) -> None:
    with TemporaryDirectory() as folder:
        scoring.parts(data, images, Extractor(lookup.load_all("features", FEATURES), Path(folder)))


def _preparing(n: int) -> Callable[[], Any]:
    """A file of images is read, split, checked for near duplicates, and kept."""
    part = scoring.drawn_split(1, n)

    def work() -> None:
        with TemporaryDirectory() as folder:
            np.savez(Path(folder) / "images.npz", images=part.images, subject=np.array(part.subjects))
            modality = lookup.load("modalities", lookup.names("modalities")[0])
            profile = replace(profiles.get("smoke"), max_images=n, size=64)
            prepare_data(modality, str(Path(folder) / "images.npz"), profile, Path(folder) / "out")

    return work


def _suite(out: str, cells: int) -> None:
    """So many trainings of one step, as seeds of one variant."""
    asked = {"modalities": lookup.names("modalities")[0], "controls": (), "tasks": "generation"}
    run_suite(runspec.make(**asked, profile="smoke", train_steps=1, seeds=range(cells), out=out))


def _cells(n: int) -> Callable[[], Any]:
    def work() -> None:
        with TemporaryDirectory() as folder:
            _suite(folder, n)

    return work


def _finished(n: int) -> Callable[[], Any]:
    folder = TemporaryDirectory()
    _suite(folder.name, n)

    def work() -> None:
        with folder as out:
            _suite(out, n)

    return work


def _boards(organs: int) -> Callable[[], Any]:
    found = records(ROWS, [f"organ-{i}" for i in range(organs)], seeds=1)
    return lambda: _written(found)


def _rows(n: int) -> Callable[[], Any]:
    found = records(n, ["organ"], seeds=1)
    return lambda: _written(found)


def _written(found: Sequence[Result]) -> None:
    with TemporaryDirectory() as folder:
        publish.write(boards(found), Path(folder))
