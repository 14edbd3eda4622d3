"""``mribench doctor``: what this machine has and what is wrong with it, one check a line."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import typer

from mribench.cli.options import Format, check_format

ENOUGH_GIB = 5


class Diagnosis(NamedTuple):
    """The outcome of one check of this machine."""

    name: str
    state: Literal["ok", "note", "broken"]
    text: str


def doctor(format: Format = "table") -> None:
    """Check packages, torch, device, weights and plugins. Exit code 1 if something is broken."""
    check_format(format)
    from mribench.cli import console

    diagnoses = diagnose()
    if format == "json":
        print(console.json_text([diagnosis._asdict() for diagnosis in diagnoses]))
    else:
        console.checks(diagnoses)
    if any(diagnosis.state == "broken" for diagnosis in diagnoses):
        raise typer.Exit(1)


def diagnose() -> list[Diagnosis]:
    """The outcome of every check; one that raises is broken, whatever it raises."""
    return [_run(name, check) for name, check in CHECKS.items()]


def _run(name: str, check: Callable[[], tuple[str, str]]) -> Diagnosis:
    try:
        return Diagnosis(name, *check())
    except Exception as error:
        return Diagnosis(name, "broken", f"{type(error).__name__}: {error}")


def _python() -> tuple[str, str]:
    return "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> tuple[str, str]:
    from mribench.provenance import versions

    absent = [name for name, version in versions().items() if version == "absent"]
    if absent:
        return "broken", f"absent: {', '.join(absent)}; install them with pip"
    return "ok", ", ".join(f"{name} {version}" for name, version in versions().items())


def _torchvision() -> tuple[str, str]:
    """A torch without CUDA files beside the usual torchvision breaks diffusers: each alone looks sound."""
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

    hardware = machine()
    profile = profiles.get(None)
    state = "ok" if torch.cuda.is_available() else "note"
    summary = f"{hardware['device']}, {hardware['cores']} cores, {hardware['threads']} threads"
    return state, f"{summary}; precision {device.precision(profile)}, default profile {profile.name}"


def _inception() -> tuple[str, str]:
    """Looks for the weights without downloading them: a check must not change the machine."""
    from mribench.errors import InputError, Unavailable
    from mribench.features import inception

    try:
        weights = inception.find_weights()
    except Unavailable as reason:
        return "note", f"FID will be blank: {reason}"
    except InputError as reason:
        return "broken", str(reason)
    if weights is None:
        return "note", (
            f"the Inception weights are not here: a run downloads them once, or set {inception.WEIGHTS_VARIABLE} "
            "to the file; without them FID stays blank"
        )
    return "ok", inception.identity()


def _plugins() -> tuple[str, str]:
    from mribench.plugins import lookup

    plugins = [entry for group in lookup.GROUPS for entry in lookup.entries(group)]
    broken = [f"{e.name} of {e.distribution}: {e.problem}" for e in plugins if e.problem]
    if broken:
        return "broken", "; ".join(broken)
    modalities = ", ".join(lookup.names("modalities"))
    if not modalities:
        return "note", "no modality installed"
    return "ok", f"{len(plugins)} plugins; modalities: {modalities}"


def _disk() -> tuple[str, str]:
    free_gib = shutil.disk_usage(Path.cwd()).free / 1024**3
    writable = os.access(Path.cwd(), os.W_OK)
    state = "ok" if writable and free_gib >= ENOUGH_GIB else "note"
    return state, f"{free_gib:.0f} GiB free here{'' if writable else ', but the folder is not writable'}"


CHECKS: dict[str, Callable[[], tuple[str, str]]] = {
    "python": _python,
    "packages": _packages,
    "torch and torchvision": _torchvision,
    "device": _device,
    "plugins": _plugins,
    "inception weights": _inception,
    "disk": _disk,
}


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)
