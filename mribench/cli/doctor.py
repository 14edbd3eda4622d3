"""What this machine has and what is wrong with it, one check a line."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Check:
    name: str
    state: Literal["ok", "note", "broken"]
    words: str


def run() -> list[Check]:
    """Every check; one that fails in an unforeseen way is reported as broken, never raised."""
    return [_guarded(name, check) for name, check in CHECKS.items()]


def _guarded(name: str, check: Callable[[], tuple[str, str]]) -> Check:
    try:
        return Check(name, *check())
    except Exception as error:  # a doctor must not die of the disease
        return Check(name, "broken", f"{type(error).__name__}: {error}")


def _python() -> tuple[str, str]:
    return "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> tuple[str, str]:
    from mribench.provenance import versions

    absent = [name for name, version in versions().items() if version == "absent"]
    words = ", ".join(f"{name} {version}" for name, version in versions().items())
    return ("broken", f"absent: {', '.join(absent)}; install them with pip") if absent else ("ok", words)


def _torchvision() -> tuple[str, str]:
    """A torch without CUDA files beside the usual torchvision breaks diffusers; only the pair tells."""
    import torch

    try:
        import torchvision
    except (ImportError, RuntimeError) as error:
        return "broken", (
            f"torchvision does not load beside torch {torch.__version__} ({error}); install both from one "
            "source: pip install --force-reinstall torch torchvision"
        )
    return "ok", f"torch {torch.__version__}, torchvision {torchvision.__version__}"


def _device() -> tuple[str, str]:
    import torch

    from mribench import device, profiles
    from mribench.provenance import machine

    here = machine()
    profile = profiles.get(None)
    state = "ok" if torch.cuda.is_available() else "note"
    words = f"{here['device']}, {here['cores']} cores, {here['threads']} threads"
    return state, f"{words}; precision {device.precision(profile)}, default profile {profile.name}"


def _inception() -> tuple[str, str]:
    """Looks only: what asks how a machine is must not change it."""
    from mribench.errors import InputError, Unavailable
    from mribench.features import inception

    try:
        found = inception.find_weights()
    except Unavailable as reason:
        return "note", f"FID will be blank: {reason}"
    except InputError as reason:
        return "broken", str(reason)
    if found is None:
        return "note", (
            f"the Inception weights are not here: a run downloads them once, or set {inception.WEIGHTS_VARIABLE} "
            "to the file; without them FID stays blank"
        )
    return "ok", inception.identity()


def _plugins() -> tuple[str, str]:
    from mribench.plugins import lookup

    found = [entry for group in lookup.GROUPS for entry in lookup.entries(group)]
    broken = [f"{e.name} of {e.distribution}: {e.problem}" for e in found if e.problem]
    if broken:
        return "broken", "; ".join(broken)
    modalities = ", ".join(lookup.names("modalities"))
    return (
        ("ok", f"{len(found)} plugins; modalities: {modalities}")
        if modalities
        else ("note", "no modality installed")
    )


def _disk() -> tuple[str, str]:
    free = shutil.disk_usage(Path.cwd()).free / 1024**3
    state = "note" if free < 5 else "ok"
    writable = os.access(Path.cwd(), os.W_OK)
    return (
        state if writable else "note",
        f"{free:.0f} GiB free here{'' if writable else ', but the folder is not writable'}",
    )


CHECKS: dict[str, Callable[[], tuple[str, str]]] = {
    "python": _python,
    "packages": _packages,
    "torch and torchvision": _torchvision,
    "device": _device,
    "plugins": _plugins,
    "inception weights": _inception,
    "disk": _disk,
}
