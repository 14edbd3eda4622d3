"""Timing: candidates take turns, and a ratio is the median over rounds. Warm-up and compilation are not counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch

from mribench import device


def finish() -> None:
    """Wait until the device has finished its work."""
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
    """Seconds per round of each piece of work. They take turns, so that a machine that slows down slows all.

    Each must have been called once before, because the first call compiles, allocates and chooses algorithms.
    """
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, piece in work.items():
            taken[name].append(seconds(piece))
    return taken


def ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    """Seconds of ``slow`` over seconds of ``fast``, round by round: median, least and largest."""
    ratios = sorted(a / b for a, b in zip(slow, fast, strict=True))
    return {
        name: round(value, 2)
        for name, value in zip(
            ("median", "low", "high"), (median(ratios), ratios[0], ratios[-1]), strict=True
        )
    }


def speedup_row(
    name: str, network: str, used: bool, without: list[float], having: list[float], steps: int
) -> dict[str, Any]:
    """One row of the table of optimisations.

    Args:
        name: of the optimisation.
        network: that it is measured on.
        used: whether ``mribench run`` has it on this machine.
        without: seconds of each round without it.
        having: seconds of each round with it.
        steps: training steps of a round.
    """
    rounds = {"without": without, "with": having}
    return {
        "name": name,
        "network": network,
        "used": used,
        "seconds_per_step": {side: round(median(taken) / steps, 5) for side, taken in rounds.items()},
        "ratio": ratio(without, having),
        "rounds": {side: [round(s, 4) for s in taken] for side, taken in rounds.items()},
    }


def multiplies_bf16() -> bool:
    """Whether this device does, rather than an emulation."""
    here = device.hardware()
    return here.gpu or here.bf16


def peak_tflops(size: int | None = None) -> dict[str, float]:
    """TFLOP/s of a square matrix product in fp32 and bf16 on this device: what 'fraction of peak' is a fraction of.

    A processor without bf16 takes minutes for one such product: that precision is left out there.
    """
    target = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = size or (8192 if target.type == "cuda" else 2048)
    measured = {}
    kinds = {"fp32": torch.float32} | ({"bf16": torch.bfloat16} if multiplies_bf16() else {})
    for name, kind in kinds.items():
        a, b = (torch.randn(size, size, device=target).to(kind) for _ in range(2))
        product = lambda a=a, b=b: a @ b  # noqa: E731
        seconds(product)
        best = median(seconds(product) for _ in range(7))
        measured[name] = round(2 * size**3 / best / 1e12, 3)
    return measured
