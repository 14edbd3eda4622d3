"""Where the work is done and in which precision."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mribench.errors import InputError
from mribench.spec import Profile

if TYPE_CHECKING:
    from accelerate import Accelerator


# the device files of NVIDIA's driver, of AMD's, and of Windows' under WSL
DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


@dataclass(frozen=True)
class Found:
    """What torch finds on this machine. bf16: the processor multiplies it natively; threads: of a process that has
    all cores (OMP_NUM_THREADS bounds them).
    """

    gpu: bool
    bf16: bool
    threads: int


def found() -> Found:
    """Asked of torch here where it is imported or a GPU may be there, else of a process that ends with its answer: one
    that only hands out work carries no torch, which is half a GiB.
    """
    if "torch" in sys.modules or any(Path(driver).exists() for driver in DRIVERS):
        return asked()
    return _asked_elsewhere() or asked()


def asked() -> Found:
    """``found``, of the torch of this process."""
    import torch

    bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return Found(torch.cuda.is_available(), bf16, torch.get_num_threads())


@cache
def _asked_elsewhere() -> Found | None:
    """None where that process failed: the same import here then says why."""
    code = "import json\nfrom mribench.device import asked\nprint(json.dumps(vars(asked())))"
    try:
        answer = subprocess.run(
            [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
        )
        return Found(**json.loads(answer.stdout.splitlines()[-1]))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def precision(profile: Profile) -> str:
    """fp32, bf16 or fp16: the profile's own, else bf16 where the hardware multiplies it natively, else fp32.

    Raises InputError for fp16 without a GPU: Accelerate scales its gradients there alone.
    """
    if profile.precision == "fp16" and not found().gpu:
        raise InputError("precision fp16 needs a GPU and none was found; use bf16 or fp32")
    if profile.precision:
        return profile.precision
    here = found()
    if here.gpu:
        import torch

        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if here.bf16 else "fp32"


def accelerator(mixed: str, track: str | None = None, folder: str | None = None) -> Accelerator:
    """An Accelerator for 1..n processes; ``mixed`` is fp32, bf16 or fp16."""
    from datetime import timedelta

    import torch
    from accelerate import Accelerator, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState

    wanted = {"fp32": "no"}.get(mixed, mixed)
    # the state is a process-wide singleton that refuses a second precision, which a Python session may well ask for
    if AcceleratorState._shared_state and AcceleratorState().mixed_precision != wanted:
        AcceleratorState._reset_state()
    _, processes = world()
    return Accelerator(
        # without this, processes started on a machine without a GPU do not find each other
        cpu=processes > 1 and not torch.cuda.is_available(),
        mixed_precision=wanted,
        log_with=track,
        project_dir=folder,
        # one process samples and scores while the others wait
        kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(hours=12))],
    )


def one_gpu() -> bool:
    """Whether this is one process with a GPU."""
    return found().gpu and world()[1] == 1


def world() -> tuple[int, int]:
    """(rank, number of processes) of ``accelerate launch``; (0, 1) otherwise."""
    import os

    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
