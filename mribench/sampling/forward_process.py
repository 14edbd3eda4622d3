"""Forward processes: what levels of noise a variant knows, and which samplers can reverse it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mribench.errors import InputError, PluginError
from mribench.plugins import lookup
from mribench.spec import Control, Sampler, Variant

if TYPE_CHECKING:
    import numpy as np


def levels(variant: Variant, scheduler: Any) -> tuple[np.ndarray, np.ndarray]:
    """(alpha_bar, scale), float (T,) each, of the timesteps 0 .. T - 1 of a variant's forward process.

    A task speaks of sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps. Any process x_t = signal_t x_0 + sigma_t eps holds
    the same image at the same signal-to-noise ratio, ``scale`` times as large (Karras et al., arXiv 2206.00364, section
    2): alpha_bar = signal^2 / (signal^2 + sigma^2), scale = sqrt(signal^2 + sigma^2).
    """
    import numpy as np

    if variant.path is None:
        alpha_bar = scheduler.alphas_cumprod.numpy()
        return alpha_bar, np.ones_like(alpha_bar)
    signal, sigma = (np.asarray(part, dtype=np.float64) for part in variant.path(scheduler))
    power = signal**2 + sigma**2
    return signal**2 / power, np.sqrt(power)


def fits(variant: Variant | Control, sampler: Sampler) -> bool:
    """Whether a sampler reverses the variant's forward process; a control needs none."""
    return isinstance(variant, Variant) and variant.process == sampler.process


def check(variants: Iterable[Variant | Control], samplers: Sequence[tuple[str, Sampler, int]]) -> None:
    """Each trained variant needs a sampler that fits, and each sampler a variant. Raises InputError, naming both.

    samplers: (full name, sampler, steps) as asked for.
    """
    trained = [variant for variant in variants if isinstance(variant, Variant)]
    for variant in trained:
        if not any(fits(variant, sampler) for _, sampler, _ in samplers):
            asked = ", ".join(f"{name} ({sampler.process})" for name, sampler, _ in samplers) or "none"
            raise InputError(
                f"variant {variant.name!r} has the forward process {variant.process!r}, which no sampler asked for "
                f"reverses (found {asked}); {_advice(variant, trained, samplers)}"
            )
    for name, sampler, _ in samplers:
        if trained and not any(fits(variant, sampler) for variant in trained):
            asked = ", ".join(f"{variant.name} ({variant.process})" for variant in trained)
            raise InputError(
                f"sampler {name!r} reverses the forward process {sampler.process!r}, which no variant asked for has "
                f"(found {asked}); leave it out or add such a variant"
            )


def _advice(
    variant: Variant, trained: Sequence[Variant], samplers: Sequence[tuple[str, Sampler, int]]
) -> str:
    """The option as it should be given: the samplers that serve another variant, and one for this."""
    fitting = installed(variant.process)
    if not fitting:
        return "install a plugin that brings one"
    kept = [name for name, sampler, _ in samplers if any(fits(v, sampler) for v in trained)]
    steps = samplers[0][2] if samplers else fitting[0].default_steps
    return f"use --samplers {','.join([*kept, f'{fitting[0].name}-{steps}'])}"


def installed(word: str) -> list[Sampler]:
    """The installed samplers that reverse a process; what cannot be loaded is none."""
    found = []
    for name in lookup.names("samplers"):
        try:
            sampler = lookup.load("samplers", name)
        except PluginError:
            continue
        if sampler.process == word:
            found.append(sampler)
    return found
