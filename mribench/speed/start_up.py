"""Seconds until a command answers, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from statistics import median

from mribench.plugins import lookup
from mribench.speed.clock import seconds

COMMANDS = {
    "python": ["-c", "pass"],
    "mribench --help": ["-m", "mribench", "--help"],
    "mribench list": ["-m", "mribench", "list"],
    "import what run trains with": [
        "-c",
        "from mribench.training.imports import load_diffusers; load_diffusers(); import mribench.training.train",
    ],
}
FIRST_STEP = "run to its first training step (draws its phantoms)"
# the command, in a process that ends after its first training step
UNTIL_FIRST_STEP = """
import os, sys
from mribench.cli import app
from mribench.runner import train_cells
training = train_cells._model_and_arguments

def hooked(*args):
    from mribench.training.step import RecordedStep, Step
    for kind in (Step, RecordedStep):
        def first(self, number, step=kind.__call__):
            step(self, number).item()
            os._exit(0)
        kind.__call__ = first
    return training(*args)

train_cells._model_and_arguments = hooked
sys.argv = ["mribench", "run", "--profile", "quick", "--modalities", sys.argv[1], "--out", sys.argv[2]]
app.main()
"""


def measure(rounds: int = 5) -> dict[str, float]:
    """Median seconds per command, warm disk cache."""
    measured = {}
    organs = lookup.names("modalities")
    if organs:
        measured[FIRST_STEP] = round(median(_first_step(organs[0]) for _ in range(3)), 3)
    for name, arguments in COMMANDS.items():
        start_python(arguments)
        rounds_taken = [seconds(lambda arguments=arguments: start_python(arguments)) for _ in range(rounds)]
        measured[name] = round(median(rounds_taken), 3)
    return measured


def _first_step(organ: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return seconds(
            lambda: start_python(["-c", UNTIL_FIRST_STEP, organ, folder], stderr=subprocess.DEVNULL)
        )


def start_python(arguments: list[str], stderr: int | None = None) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=stderr)
