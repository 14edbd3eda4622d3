"""``--variants all``: every installed trained variant that a sampler draws from."""

from __future__ import annotations

from collections.abc import Sequence

from mribench.errors import PluginError
from mribench.plugins import lookup
from mribench.progress import say
from mribench.sampling import forward_process
from mribench.sampling.samplers import SamplerChoice
from mribench.spec import Control, GenerativeModel, Variant

ALL = "all"


def variants(
    names: Sequence[str], choices: Sequence[SamplerChoice], own_samplers: bool
) -> dict[str, Variant | GenerativeModel | Control]:
    """The variants of a run by name, in the order given; ``all`` stands for the others that fit, by name.

    Of those that ``all`` leaves out a line says which and why: no sampler asked for draws from them, or their package
    is broken. A variant that is named is not left out.

    Args:
        names: Of variants, and ``all``.
        choices: The samplers asked for, or the profile's.
        own_samplers: Whether a variant from which none of them draws may have another.

    Raises:
        InputError, PluginError: a variant that is named is unknown or broken.
    """
    named = lookup.load_all("variants", [name for name in names if name != ALL])
    if ALL not in names:
        return named
    found, unserved = dict(named), []
    for name in lookup.names("variants"):
        try:
            variant = lookup.load("variants", name)
        except PluginError as error:
            say(f"left out of all variants: {error}")
            continue
        if isinstance(variant, Control) or name in named:
            continue
        if _fits(variant, choices, own_samplers):
            found[name] = variant
        else:
            unserved.append(variant)
    if unserved:
        asked = ", ".join(choice.name for choice in choices)
        say(
            f"left out of all variants: {', '.join(variant.name for variant in unserved)}, from which {asked} cannot "
            f"draw; {_advice(unserved)}"
        )
    return found


def _fits(variant: Variant | GenerativeModel, choices: Sequence[SamplerChoice], own_samplers: bool) -> bool:
    if isinstance(variant, GenerativeModel) or (own_samplers and forward_process.samplers_of(variant)):
        return True
    return any(forward_process.compatible(variant, choice.sampler) for choice in choices)


def _advice(unserved: Sequence[Variant]) -> str:
    """One sampler that draws from all of them, where there is one."""
    served = [{sampler.name for sampler in forward_process.samplers_of(variant)} for variant in unserved]
    common = sorted(set.intersection(*served))
    return f"samplers that can: {', '.join(common)}" if common else "no one sampler draws from all of them"
