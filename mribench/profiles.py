"""The four budgets: ``smoke``, ``quick``, ``standard`` and ``paper``.

``paper`` is the study. Where the study does not name a setting, it is chosen here and recorded in every result:

- The U-Net is the default of diffusers' ``train_unconditional.py``.
- EMA 0.9999 and gradient clipping at 1 are those of Ho et al. (arXiv 2006.11239).
- Patience is 40 evaluations of 500 steps. There is no augmentation.
- Sampling is ancestral with all 1,000 steps, of 1,000 images. The split is 70/15/15 by subject.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from mribench import device, profile_file
from mribench.errors import InputError, unknown_name
from mribench.spec import Network, Profile

SMOKE = Profile(
    name="smoke",
    purpose="seconds, for tests: does everything run? Its scores mean nothing.",
    size=32,
    max_images=120,
    phantom_subjects=24,
    phantom_slices=3,
    network=Network(channels=(8, 16, 32), layers_per_block=1),
    prediction="v_prediction",
    optimizer="adam",
    lr=2e-3,
    lr_schedule="constant",
    warmup_steps=0,
    batch_size=8,
    max_epochs=None,
    max_steps=40,
    eval_every=20,
    eval_images=16,
    patience=None,
    ema_decay=0.9,
    grad_clip=1.0,
    flip=False,
    keep="best",
    samplers=("ddim-5",),
    n_generated=24,
    sample_batch=8,
    checkpoint_every=20,
    ranks=False,
)

QUICK = Profile(
    name="quick",
    purpose="two minutes an organ on two CPU cores: learns phantoms; on real anatomy a first look only.",
    size=64,
    max_images=1000,
    phantom_subjects=200,
    phantom_slices=5,
    # on patches of 2 x 2 pixels; most steps are on images of half the side
    network=Network(channels=(32, 64, 128, 128), layers_per_block=1, patch=2),
    prediction="v_prediction",
    optimizer="adamw",
    # higher is better up to 2.4e-3, where a batch of 8 diverges (leaderboards/tuning/first.md)
    lr=1.8e-3,
    lr_schedule="cosine",
    warmup_steps=100,
    batch_size=16,
    max_epochs=None,
    max_steps=1800,
    coarse_steps=1260,
    eval_every=600,
    eval_images=96,
    patience=None,
    ema_decay=0.98,
    grad_clip=1.0,
    flip=False,
    keep="best",
    samplers=("dpm-solver-16",),
    n_generated=256,
    sample_batch=16,
    checkpoint_every=600,
)

STANDARD = Profile(
    name="standard",
    purpose="minutes an organ on one GPU: the budget to compare methods with.",
    size=64,
    max_images=10_000,
    phantom_subjects=400,
    phantom_slices=5,
    network=Network(
        channels=(64, 128, 256, 256), layers_per_block=2, attention_levels=(1,), norm_groups=32, patch=2
    ),
    prediction="v_prediction",
    optimizer="adamw",
    lr=4e-4,
    lr_schedule="cosine",
    warmup_steps=200,
    batch_size=64,
    max_epochs=None,
    max_steps=5000,
    coarse_steps=2000,
    eval_every=500,
    eval_images=256,
    patience=None,
    ema_decay=0.999,
    grad_clip=1.0,
    flip=False,
    keep="best",
    samplers=("dpm-solver-25",),
    n_generated=2048,
    sample_batch=256,
    checkpoint_every=1000,
)

PAPER = Profile(
    name="paper",
    purpose="the study's own settings: Adam 1e-3, batch 32, 64 x 64, up to 10,000 epochs with early stopping.",
    size=64,
    max_images=1000,
    phantom_subjects=200,
    phantom_slices=5,
    network=Network(
        channels=(128, 128, 256, 256, 512, 512), layers_per_block=2, attention_levels=(4,), norm_groups=32
    ),
    prediction="epsilon",
    optimizer="adam",
    lr=1e-3,
    lr_schedule="constant",
    warmup_steps=0,
    batch_size=32,
    max_epochs=10_000,
    max_steps=None,
    eval_every=500,
    eval_images=256,
    patience=40,
    ema_decay=0.9999,
    grad_clip=1.0,
    flip=False,
    keep="best",
    samplers=("ddpm-1000",),
    n_generated=1000,
    sample_batch=32,
    precision="fp32",
    checkpoint_every=500,
    compile=True,
)

PRECISIONS = ("fp32", "bf16", "fp16")
SIZES = range(32, 257)  # pixels a side
PROFILES = {profile.name: profile for profile in (SMOKE, QUICK, STANDARD, PAPER)}


def get(
    name: str | None,
    train_steps: int | None = None,
    precision: str | None = None,
    n_generated: int | None = None,
    size: int | None = None,
) -> Profile:
    """A profile by its name.

    Args:
        name: None is ``standard`` with a GPU and ``quick`` without; a path that ends in .toml is a profile of one's
            own (``profile_file``).
        train_steps: replaces the number of optimiser steps; the share of coarse ones stays. The profile is then
            called "quick@6000", so that no board mixes it with the plain one.
        precision: replaces the profile's.
        n_generated: replaces the profile's number of generated images. No weights depend on it, and no board mixes two.
        size: replaces the profile's side of the images in pixels. No board mixes two.

    Raises:
        InputError: an unknown name or precision, a size that the network cannot halve, or fewer steps than 1 or images
            than 2.
    """
    if name is None:
        name = "standard" if device.hardware().gpu else "quick"
    if profile_file.is_file(name):
        profile = profile_file.read(Path(name), PROFILES)
    elif name in PROFILES:
        profile = PROFILES[name]
    else:
        expected = f"expected {', '.join(PROFILES)}, or the path of a .toml file"
        raise InputError(unknown_name("profile", name, PROFILES, expected))
    if train_steps is not None:
        if train_steps < 1:
            raise InputError(f"train steps must be at least 1, found {train_steps}")
        coarse = train_steps * profile.coarse_steps // profile.max_steps if profile.coarse_steps else 0
        profile = replace(
            profile,
            name=f"{profile.name}@{train_steps}",
            max_steps=train_steps,
            max_epochs=None,
            coarse_steps=coarse,
        )
    if n_generated is not None:
        if n_generated < 2:
            raise InputError(f"at least 2 generated images are needed, found {n_generated}")
        profile = replace(profile, n_generated=n_generated)
    if precision is not None:
        if precision not in PRECISIONS:
            raise InputError(unknown_name("precision", precision, PRECISIONS))
        profile = replace(profile, precision=precision)
    if size is not None:
        profile = replace(profile, size=size)
    _check_size(profile)
    return profile


def _check_size(profile: Profile) -> None:
    """The U-Net halves its input once a level, its patches make the first halving, and coarse steps begin with half."""
    net = profile.network
    step = net.patch * 2 ** (len(net.channels) - 1) * (2 if profile.coarse_steps else 1)
    if profile.size not in SIZES or profile.size % step:
        raise InputError(
            f"images of {profile.size} pixels do not fit profile {profile.name}; expected a multiple of {step} from "
            f"{SIZES[0]} to {SIZES[-1]}"
        )


def from_record(recorded: Mapping[str, Any]) -> Profile:
    """The profile of a record's provenance. Raises InputError where this mribench has other settings."""

    def made(kind: type, values: Mapping[str, Any]) -> Any:
        unknown = sorted(set(values) - {field.name for field in fields(kind)})
        if unknown:
            raise InputError(
                f"the record has a setting {unknown[0]!r} that this mribench does not know; use the version on record"
            )
        return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})

    try:
        return made(Profile, {**recorded, "network": made(Network, recorded["network"])})
    except (TypeError, KeyError) as error:
        raise InputError(
            f"the record lacks settings of this mribench ({error}); use the version on record"
        ) from error


def training_budget(profile: Profile) -> dict[str, Any]:
    """The part of a profile that a trained checkpoint depends on; JSON-serialisable."""
    not_of_training = {
        "name",
        "purpose",
        "keep",
        "samplers",
        "n_generated",
        "sample_batch",
        "alpha_bars",
        "checkpoint_every",
        "ranks",
    }
    return {name: value for name, value in settings(profile).items() if name not in not_of_training}


def settings(profile: Profile) -> dict[str, Any]:
    """The fields of a profile that enter hashes and keys; JSON-serialisable.

    A field that was added after 0.1.0 carries ``metadata={"since": "0.1.1"}`` and is left out while it has its default:
    a new setting that nobody uses renames no folder and separates no boards.
    """
    values = asdict(profile)
    added = [field for field in fields(profile) if "since" in field.metadata]
    unused = {field.name for field in added if getattr(profile, field.name) == field.default}
    return {name: value for name, value in values.items() if name not in unused}
