"""Honest timing: candidates take turns, medians of several rounds, warm-up and compilation apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch


def finish() -> None:
    """Wait until the device has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(work: Callable[[], Any]) -> float:
    """Seconds that ``work`` takes, the device's part included."""
    finish()
    start = time.perf_counter()
    work()
    finish()
    return time.perf_counter() - start


def interleaved(work: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds per round of each piece of work; they take turns, so that a machine that slows down slows all.

    Call each once before: the first call compiles, allocates and chooses algorithms.
    """
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, piece in work.items():
            taken[name].append(seconds(piece))
    return taken


def ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    """How many times ``fast`` goes into ``slow``: median of the rounds' own ratios, the least and the largest."""
    ratios = sorted(a / b for a, b in zip(slow, fast, strict=True))
    return {
        name: round(value, 2)
        for name, value in zip(
            ("median", "low", "high"), (median(ratios), ratios[0], ratios[-1]), strict=True
        )
    }


def peak_tflops(size: int | None = None) -> dict[str, float]:
    """TFLOP/s of a square matrix product in fp32 and bf16 on this device: what 'fraction of peak' is a fraction of."""
    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = size or (8192 if where.type == "cuda" else 2048)
    found = {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = (torch.randn(size, size, device=where).to(kind) for _ in range(2))
        product = lambda a=a, b=b: a @ b  # noqa: E731
        seconds(product)
        best = median(seconds(product) for _ in range(7))
        found[name] = round(2 * size**3 / best / 1e12, 3)
    return found
