"""Small data and a small budget for the checks: blobs instead of patients, two steps instead of a training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mribench import profiles
from mribench.errors import PluginError
from mribench.plugins import lookup
from mribench.sampling import forward_process
from mribench.spec import Field, GenerativeModel, Integrator, Prepared, Profile, Sampler, Split, Variant
from mribench.spec.field import COIL_MAPS, KSPACE, NOISE, SLICE
from mribench.testing.checking import CheckFailed

if TYPE_CHECKING:
    import torch

    from mribench.training.space import Space

IMAGE_SIZE = 32
TINY = replace(
    profiles.get("smoke", precision="fp32"), max_steps=2, n_generated=5, sample_batch=4, eval_images=4
)


def toy_images(n: int, seed: int = 0, size: int = IMAGE_SIZE) -> np.ndarray:
    """uint8 (n, size, size): smooth blobs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    centre, width = rng.uniform(0.3, 0.7, (n, 2, 1, 1)), rng.uniform(0.05, 0.2, (n, 1, 1))
    blobs = np.exp(-((x - centre[:, 0]) ** 2 + (y - centre[:, 1]) ** 2) / width)
    return (blobs * 220 + rng.uniform(0, 20, (n, size, size))).astype(np.uint8)


def images_in_air(n: int, noise: float, seed: int = 0) -> np.ndarray:
    """float32 (n, 64, 64) in [0, 1]: blobs in air with Rician noise of that standard deviation."""
    bodies = toy_images(n, seed, 64) / 255.0
    bodies[bodies < 0.2] = 0
    real, imaginary = noise * np.random.default_rng(seed).standard_normal((2, n, 64, 64))
    return np.hypot(bodies + real, imaginary).clip(0, 1).astype(np.float32)


@cache
def toy_data() -> Prepared:
    """24, 6 and 12 blobs, three to a subject."""
    parts = {
        name: Split(toy_images(n, seed), tuple(f"{name}{i // 3}" for i in range(n)))
        for seed, (name, n) in enumerate((("train", 24), ("validation", 6), ("test", 12)))
    }
    return Prepared(Path(), "0" * 64, "made up", "phantom", **parts)


def with_fields(data: Prepared, names: Iterable[str]) -> Prepared:
    """The same with fields made up from its images: bright parts, other grey values of the same blobs, and of what has
    a lesion these with the bright parts as they were; k-space of one coil that sees all alike."""
    kinds = {"labels": "labels", "lesion": "mask", SLICE: "index"}
    kinds |= {KSPACE: "complex", COIL_MAPS: "complex", NOISE: "number", "motion": "displacement"}
    kinds |= {name: "labels" for name in ("end-diastole-labels", "end-systole-labels")}
    meaning = {
        name: Field(name, kind, ("background", "bright") if kind == "labels" else ())
        for name, kind in ((name, kinds.get(name, "image")) for name in names)
    }

    def made(split: Split, field: Field) -> np.ndarray:
        if field.kind == "index":
            return np.arange(len(split), dtype=np.int64) % 3
        if field.name == NOISE:
            return np.full(len(split), 0.01, np.float32)
        if field.kind == "complex":
            seen = split.unit()[:, None]
            found = np.fft.fft2(seen, norm="ortho") if field.name == KSPACE else np.ones_like(seen)
            return found.astype(np.complex64)
        if field.kind == "displacement":
            return np.zeros((len(split), 2, *split.images.shape[1:]), np.float32)
        bright, other = split.images > 120, 255 - split.images
        if field.name == "abnormal":
            return np.where(bright, split.images, other)
        return other if field.kind == "image" else bright.astype(np.uint8)

    splits = {
        name: replace(part, fields={field.name: made(part, field) for field in meaning.values()})
        for name, part in (("train", data.train), ("validation", data.validation), ("test", data.test))
    }
    return replace(data, **splits, fields=meaning, field_keys={name: "0" * 64 for name in meaning})


@cache
def trained(variant: Variant | GenerativeModel) -> tuple[TemporaryDirectory, dict]:
    """A folder with the variant after two steps of training, kept until the process ends, and its record."""
    from mribench.training.arguments import TrainingArguments
    from mribench.training.train import train

    folder = TemporaryDirectory(prefix="mribench-check-")
    record = train(
        variant,
        TrainingArguments(toy_data().train, toy_data().validation, TINY, 0, Path(folder.name), "train"),
    )
    return folder, record


def untrained_space(variant: Variant, profile: Profile = TINY) -> Space:
    """The space of a variant, its autoencoder as it is before training."""
    import torch

    from mribench.training.space import Space

    if variant.autoencoder is None:
        return Space(variant)
    torch.manual_seed(0)
    return Space(variant, variant.autoencoder.stage.network(profile).eval())


def network_on(
    variant: Variant, draw: torch.Generator, profile: Profile = TINY
) -> tuple[Any, Any, torch.Tensor]:
    """Network in evaluation mode and scheduler of a profile, and four random images in the space of the process."""
    import torch

    from mribench.training.conditions import at_first_label

    x = torch.rand(4, 1, profile.size, profile.size, generator=draw) * 2 - 1
    x0 = untrained_space(variant, profile).encode(x)
    torch.manual_seed(0)
    net = at_first_label(variant, variant.network(profile).eval())
    return net, variant.scheduler(profile), x0


def sampler_for(variant: Variant) -> Sampler | Integrator:
    """An installed sampler that fits: ddim where it does. Raises CheckFailed where none is installed."""
    fitting = forward_process.samplers_of(variant)
    if not fitting:
        raise CheckFailed(
            f"no installed sampler reverses the process {variant.process!r}",
            "install mribench-score for its integrators, give the package a sampler with the same word in `process`, "
            "or leave `process` out for a diffusion",
        )
    return next((sampler for sampler in fitting if sampler.name == "ddim"), fitting[0])


def variant_for(sampler: Sampler) -> Variant:
    """An installed variant that fits: ddpm where it does. Raises CheckFailed where none is installed."""
    found = {}
    for name in lookup.names("variants"):
        try:
            found[name] = lookup.load("variants", name)
        except PluginError:
            continue  # another plugin's fault is not this one's
    fitting = [variant for variant in found.values() if forward_process.compatible(variant, sampler)]
    if not fitting:
        raise CheckFailed(
            f"no installed variant has the process {sampler.process!r}",
            "give the package a variant with the same word in `process`, or leave `process` out for diffusions",
        )
    return next((variant for variant in fitting if variant.name == "ddpm"), fitting[0])
