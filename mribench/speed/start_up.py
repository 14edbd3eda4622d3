"""Seconds until a command answers, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from mribench.speed.clock import seconds

COMMANDS = {
    "python": ["-c", "pass"],
    "mribench --help": ["-m", "mribench", "--help"],
    "mribench list": ["-m", "mribench", "list"],
    "import what run trains with": [
        "-c",
        "from mribench.lean import load_diffusers; load_diffusers(); import mribench.train",
    ],
}


def measure(rounds: int = 5) -> dict[str, float]:
    """Median seconds per command, warm disk cache."""
    found = {}
    for name, words in COMMANDS.items():
        start(words)
        found[name] = round(median(seconds(lambda words=words: start(words)) for _ in range(rounds)), 3)
    return found


def start(words: list[str]) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
