"""Where the work is done and in which precision."""

from __future__ import annotations

import os
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
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Found:
    """What this machine has. bf16: the processor multiplies it natively; threads: one for every core that this process
    may use (OMP_NUM_THREADS bounds them).
    """

    gpu: bool
    bf16: bool
    threads: int


def found() -> Found:
    """Torch is asked only where a GPU may be there, or the system does not tell what its processor can: importing it
    takes seconds and half a GiB, and a process that hands out work has no other use for it.
    """
    return Found(_gpu(), _bf16(), _threads())


def _gpu() -> bool:
    if "torch" not in sys.modules and not any(Path(driver).exists() for driver in DRIVERS):
        return False
    import torch

    return torch.cuda.is_available()


@cache
def _bf16() -> bool:
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        import torch

        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    # other processors than x86 call them otherwise; torch asks for these alone
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return "avx512_bf16" in flags or "amx_tile" in flags


def _threads() -> int:
    import psutil

    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(asked) if asked.isdecimal() and int(asked) else cores


def free_gib() -> float:
    """Memory that can be taken without swapping: of the machine, and of the control group where one bounds it."""
    import psutil

    free = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        limit = "max"
    if limit != "max":
        free = min(free, int(limit) - used)
    return free / 1024**3


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
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
