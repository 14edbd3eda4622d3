"""Forward processes: which noise levels a variant knows, and which samplers reverse its process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mribench.errors import InputError, PluginError
from mribench.plugins import lookup
from mribench.sampling.samplers import SamplerChoice, with_nfe
from mribench.spec import Control, GenerativeModel, Integrator, Sampler, Variant

if TYPE_CHECKING:
    import numpy as np


def alpha_bars(variant: Variant, scheduler: Any) -> tuple[np.ndarray, np.ndarray]:
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


def compatible(variant: Variant | GenerativeModel | Control, sampler: Sampler | Integrator) -> bool:
    """Whether a sampler draws from the variant: by its forward process, or by its denoiser."""
    if not isinstance(variant, Variant):
        return False
    if isinstance(sampler, Integrator):
        return variant.has_denoiser
    # a scheduler's own draws are white
    return variant.process == sampler.process and variant.noise is None


def reverses(sampler: Sampler | Integrator) -> str:
    """What a sampler needs, in a word."""
    return "any with a denoiser" if isinstance(sampler, Integrator) else sampler.process


def check_compatible(variants: Iterable[Variant | Control], choices: Sequence[SamplerChoice]) -> None:
    """Each trained variant needs a compatible sampler, and each sampler a variant. Raises InputError, naming both."""
    trained = [variant for variant in variants if isinstance(variant, Variant)]
    for variant in trained:
        if not any(compatible(variant, choice.sampler) for choice in choices):
            asked = ", ".join(f"{choice.name} ({reverses(choice.sampler)})" for choice in choices) or "none"
            raise InputError(
                f"variant {variant.name!r} has the forward process {variant.process!r}, which no sampler asked for "
                f"reverses (found {asked}); {_advice(variant, trained, choices)}"
            )
    for choice in choices:
        if trained and not any(compatible(variant, choice.sampler) for variant in trained):
            asked = ", ".join(f"{variant.name} ({variant.process})" for variant in trained)
            raise InputError(
                f"sampler {choice.name!r} reverses the forward process {reverses(choice.sampler)!r}, which no variant "
                f"asked for has (found {asked}); leave it out or add such a variant"
            )


def default_sampler(variant: Variant, nfe: int) -> SamplerChoice:
    """What draws from a variant that none of the profile's samplers fits, at about ``nfe`` network evaluations.

    ``Variant.sampler``, or the first installed one that fits. Raises InputError where there is none.
    """
    candidates = [lookup.load("samplers", variant.sampler)] if variant.sampler else samplers_of(variant)
    fitting = [sampler for sampler in candidates if compatible(variant, sampler)]
    if not fitting:
        raise InputError(
            f"variant {variant.name!r} has the forward process {variant.process!r}, which no installed sampler "
            "reverses; install a plugin that brings one (mribench-score has integrators)"
        )
    return with_nfe(fitting[0], nfe)


def own_samplers(
    variants: Iterable[Variant | Control], choices: Sequence[SamplerChoice]
) -> dict[str, SamplerChoice]:
    """A sampler for each trained variant that none of the profile's fits, at as many network evaluations."""
    return {
        variant.name: default_sampler(variant, choices[0].nfe)
        for variant in variants
        if isinstance(variant, Variant) and not any(compatible(variant, choice.sampler) for choice in choices)
    }


def _advice(variant: Variant, trained: Sequence[Variant], choices: Sequence[SamplerChoice]) -> str:
    """The option as it should be given: the samplers that serve another variant, and one for this."""
    candidates = samplers_of(variant)
    if not candidates:
        return "install a plugin that brings one"
    useful = [choice.name for choice in choices if any(compatible(v, choice.sampler) for v in trained)]
    steps = choices[0].steps if choices else candidates[0].default_steps
    return f"use --samplers {','.join([*useful, SamplerChoice(candidates[0], steps).name])}"


def samplers_of(variant: Variant) -> list[Sampler | Integrator]:
    """The installed samplers that draw from a variant, those of its own process first.

    One that cannot be loaded is left out.
    """
    samplers = []
    for name in lookup.names("samplers"):
        try:
            sampler = lookup.load("samplers", name)
        except PluginError:
            continue
        if compatible(variant, sampler):
            samplers.append(sampler)
    return sorted(samplers, key=lambda sampler: isinstance(sampler, Integrator))
