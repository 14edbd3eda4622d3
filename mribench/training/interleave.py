"""Train several models in turn on one GPU, each on a CUDA stream of its own.

One 64x64 model leaves most of a large GPU idle: its kernels are short and wait for one another. Kernels of another
model fill the gaps. Each training is the same recorded step on the same draws: its numbers are those of training alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

import torch

from mribench.errors import Interrupted, concerns_one_cell
from mribench.signals import deferred_interrupts

Training = Generator[int, None, dict[str, Any]]
MAX_TRAININGS = 8  # bounds memory, and what a kill undoes; up to six, each further one was seen to help
HEADROOM = 1.25  # times the measured memory of one training: evaluation and the allocator need some


def train_interleaved(starts: Iterable[Callable[[Callable[[], bool]], Training]]) -> None:
    """Run every training to its end, as many at once as the measured memory allows.

    starts: functions of ``interrupted`` that begin a training. Every training is carried as far as it goes; when none
    is left the first error is raised, that of a single training (TrainingDiverged) only where there is no other.
    """
    waiting, running, errors = list(starts), [], []
    need = 0.0
    with deferred_interrupts() as interrupted:
        while waiting or running:
            while (
                waiting and len(running) < MAX_TRAININGS and (not running or _free_bytes() > HEADROOM * need)
            ):
                before = _free_bytes()
                running.append((waiting.pop(0)(interrupted), torch.cuda.Stream()))
                _advance(running, -1, errors)
                torch.cuda.synchronize()
                need = max(need, before - _free_bytes())
            for index in reversed(range(len(running))):
                _advance(running, index, errors)
            if interrupted() and waiting:
                waiting.clear()
                errors.append(Interrupted("interrupted, state saved; run the same command to go on"))
    if errors:
        raise min(errors, key=concerns_one_cell)


def _advance(running: list[tuple[Training, torch.cuda.Stream]], index: int, errors: list[Exception]) -> None:
    """One step of a training; it leaves the list at its end."""
    training, stream = running[index]
    try:
        with torch.cuda.stream(stream):
            next(training)
    except StopIteration:
        del running[index]
    except Exception as error:
        errors.append(error)
        del running[index]


def _free_bytes() -> float:
    """Free memory of the device."""
    return torch.cuda.mem_get_info()[0]
