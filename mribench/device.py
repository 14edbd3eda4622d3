"""Where the work is done and in which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mribench.errors import InputError
from mribench.spec import Profile

if TYPE_CHECKING:
    from accelerate import Accelerator


def precision(profile: Profile) -> str:
    """fp32, bf16 or fp16: the profile's own, else bf16 where the hardware multiplies it natively, else fp32.

    Raises InputError for fp16 without a GPU: Accelerate scales its gradients there alone.
    """
    import torch

    if profile.precision == "fp16" and not torch.cuda.is_available():
        raise InputError("precision fp16 needs a GPU and none was found; use bf16 or fp32")
    if profile.precision:
        return profile.precision
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    flags = (torch.cpu._is_avx512_bf16_supported, torch.cpu._is_amx_tile_supported)
    return "bf16" if any(flag() for flag in flags) else "fp32"


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
    import torch

    return torch.cuda.is_available() and world()[1] == 1


def world() -> tuple[int, int]:
    """(rank, number of processes) of ``accelerate launch``; (0, 1) otherwise."""
    import os

    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
