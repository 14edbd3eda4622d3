"""What this machine computes with: GPU, precision, threads, free memory."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mribench import environ
from mribench.errors import InputError
from mribench.spec import Profile

if TYPE_CHECKING:
    from accelerate import Accelerator


# the device files of NVIDIA's driver, of AMD's, and of Windows' under WSL
DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
CPUINFO = Path("/proc/cpuinfo")
NAMES = ("cpu", "cuda", "mps")
# oneDNN's variable that bounds the instructions it uses, and its values that leave bf16 out
INSTRUCTIONS = "ONEDNN_MAX_CPU_ISA"
WITHOUT_BF16 = {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"}
VARIABLE = "MRIBENCH_DEVICE"  # one of NAMES: an environment variable reaches the workers too


@dataclass(frozen=True)
class Hardware:
    """What this machine has."""

    gpu: bool
    bf16: bool  # whether the processor multiplies it natively
    threads: int  # one for every core that this process may use; OMP_NUM_THREADS bounds them


def use(name: str | None) -> AbstractContextManager[None]:
    """``with use("cpu"):`` computes there, in this process and in the workers that it starts.

    Args:
        name: cpu, cuda or mps; None is a GPU where there is one.

    Raises:
        InputError: an unknown device, or one that this machine has not.
    """
    if name is not None and name not in NAMES:
        # no "did you mean": the nearest name to gpu is cpu
        raise InputError(f"unknown device {name!r}; expected cpu, cuda or mps")
    if name not in (None, "cpu") and not _has(name):
        raise InputError(f"device {name} was asked for and this machine has none; use cpu")
    return environ.set_to(VARIABLE, name)


def _has(name: str) -> bool:
    import torch

    return torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()


def place() -> str:
    """Where networks compute: the device that was asked for, else cuda where there is a GPU, else cpu."""
    return os.environ.get(VARIABLE) or ("cuda" if _gpu() else "cpu")


def hardware() -> Hardware:
    """What this machine has to compute with, if possible without torch.

    Importing torch takes seconds and half a GiB, and a process that hands out work has no other use for it. It is
    asked only where a GPU may be there, or where the system does not tell what its processor can.
    """
    return Hardware(_gpu(), _bf16(), _threads())


def _gpu() -> bool:
    if os.environ.get(VARIABLE, "cuda") != "cuda":
        return False
    if "torch" not in sys.modules and not any(Path(driver).exists() for driver in DRIVERS):
        return False
    import torch

    return torch.cuda.is_available()


@cache
def _bf16() -> bool:
    if os.environ.get(INSTRUCTIONS, "").upper() in WITHOUT_BF16:
        return False
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        import torch

        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    # these are the names on x86; torch asks for no others
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return "avx512_bf16" in flags or "amx_tile" in flags


def _threads() -> int:
    import psutil

    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(limit) if limit.isdecimal() and int(limit) else cores


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
    if profile.precision == "fp16" and not hardware().gpu:
        raise InputError("precision fp16 needs a GPU and none was found; use bf16 or fp32")
    if profile.precision:
        return profile.precision
    here = hardware()
    if here.gpu:
        import torch

        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if here.bf16 else "fp32"


def accelerator(precision: str, track: str | None = None, folder: str | None = None) -> Accelerator:
    """An Accelerator for one or several processes.

    Args:
        precision: fp32, bf16 or fp16.
        track: name of the tracker that loss curves are sent to.
        folder: where a tracker writes its files.
    """
    from datetime import timedelta

    import torch
    from accelerate import Accelerator, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState

    mixed_precision = {"fp32": "no"}.get(precision, precision)
    # the state is a process-wide singleton that refuses a second precision or device, which a Python session may well
    # ask for
    if AcceleratorState._shared_state:
        state, wanted = AcceleratorState(), os.environ.get(VARIABLE) or ("cuda" if _gpu() else None)
        is_elsewhere = wanted not in (None, state.device.type)
        if state.mixed_precision != mixed_precision or is_elsewhere:
            AcceleratorState._reset_state(reset_partial_state=is_elsewhere)
    _, processes = world()
    return Accelerator(
        # without this, processes started on a machine without a GPU do not find each other
        cpu=os.environ.get(VARIABLE) == "cpu" or (processes > 1 and not torch.cuda.is_available()),
        mixed_precision=mixed_precision,
        log_with=track,
        project_dir=folder,
        # one process samples and scores while the others wait
        kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(hours=12))],
    )


def one_gpu() -> bool:
    """Whether this is one process with a GPU."""
    return hardware().gpu and world()[1] == 1


def world() -> tuple[int, int]:
    """(rank, number of processes) of ``accelerate launch``; (0, 1) otherwise."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
