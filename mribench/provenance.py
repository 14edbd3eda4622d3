"""What made a result: versions of packages, commit, machine, memory."""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mribench import device

PACKAGES = ("mribench", "torch", "diffusers", "accelerate", "datasets", "numpy", "torch-fidelity", "pillow")
PROCESS_STATUS = Path("/proc/self/status")


@cache
def versions() -> dict[str, str]:
    """Of Python and of every package that numbers depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


@cache
def git_commit() -> str | None:
    """Commit of the checkout mribench runs from, '+dirty' where files differ; None for an installed wheel."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        head, status = (
            subprocess.run(
                ["git", "-C", root, *args], capture_output=True, text=True, check=True, timeout=10
            ).stdout
            for args in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.strip() + ("+dirty" if status.strip() else "")


def machine() -> dict[str, Any]:
    """Model of the GPU, or of the processor and its instructions; cores and threads; never a host name."""
    return dict(_machine(device.hardware().gpu))


@cache
def _machine(on_gpu: bool) -> dict[str, Any]:
    import torch

    gpu = torch.cuda.get_device_name() if on_gpu else None
    return {
        "device": gpu or f"{_processor()} ({_instructions()})",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def environment() -> dict[str, Any]:
    """Packages, commit and machine of this process, recorded with what it makes."""
    return {"versions": versions(), "git_commit": git_commit(), "machine": machine()}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _instructions() -> str:
    """What torch computes with, 'AVX512, bf16' or 'AVX2': seconds of machines that differ in it do not compare."""
    import torch

    return torch.backends.cpu.get_cpu_capability() + (", bf16" if device.hardware().bf16 else "")


def peak_memory_gib() -> dict[str, float]:
    """Largest resident set of this process so far, and largest GPU allocation since ``reset_gpu_peak``."""
    peak = {"process_peak_gib": round(_peak_kib() / 1024**2, 3)}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peak["gpu_peak_gib"] = round(torch.cuda.max_memory_allocated() / 1024**3, 3)
    return peak


def _peak_kib() -> float:
    # on Linux, getrusage of a new process begins with the peak of the process that started it; this file does not
    if PROCESS_STATUS.exists():
        match = re.search(r"^VmHWM:\s+(\d+) kB", PROCESS_STATUS.read_text(), re.MULTILINE)
        if match:
            return int(match[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak


def reset_gpu_peak() -> None:
    """Measure the largest GPU allocation anew; the peak of a process's resident set cannot be reset."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def gflops_per_image(net: Any, size: int, channels: int = 1) -> float:
    """GFLOPs of one network evaluation of one image; a multiply-add counts twice (torch's FlopCounterMode)."""
    import torch

    where = next(net.parameters()).device
    x = torch.zeros(1, channels, size, size, device=where)
    with torch.no_grad():
        return round(gflops(lambda: net(x, torch.zeros((), dtype=torch.long, device=where))), 4)


def gflops(call: Callable[[], Any]) -> float:
    """GFLOPs of a call; a multiply-add counts twice (torch's FlopCounterMode)."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 1e9
