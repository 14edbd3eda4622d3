"""Images from what was trained here or published by anyone: weights are safetensors, and no code comes with them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mribench import profiles
from mribench.errors import InputError, some_of
from mribench.hub import cells, layout
from mribench.hub.cells import TrainedCell
from mribench.hub.pull import as_folder
from mribench.plugins import lookup
from mribench.progress import say
from mribench.results import Result
from mribench.sampling import forward_process, samplers
from mribench.sampling.samplers import SamplerChoice
from mribench.spec import GenerativeModel, Model, Variant


@dataclass(frozen=True)
class Opened:
    """A trained model that images can be drawn from."""

    model: Model
    cell: str  # ``brain-ddpm-s0``
    seed: int  # of its training, and of the images that were scored
    sampler: str | None  # None for a model that has its own way from noise to image


def sample(
    source: str, n: int = 16, sampler: str | None = None, seed: int | None = None, cell: str | None = None
) -> np.ndarray:
    """Draw images; those of a smaller n are the first of a larger one, up to rounding.

    Args:
        source: Run folder, unpacked folder, or ``user/name`` on the Hub.
        n: Number of images.
        sampler: Such as ``ddim-50``; None: the first that the model was scored with.
        seed: None: the one whose images were scored.
        cell: Which of several trained models of a run, such as ``brain-ddpm-s0``.

    Returns:
        float32 (n, H, W) in [0, 1].

    Raises:
        InputError: There is no such model, its plugin is not installed, or the sampler does not draw from it.
    """
    if n < 1:
        raise InputError(f"{n} images were asked for; expected at least 1")
    opened = open_model(source, sampler, cell, n)
    return opened.model.generate(range(n), opened.seed if seed is None else seed)


def open_model(
    source: str, sampler: str | None = None, cell: str | None = None, batch: int | None = None
) -> Opened:
    """The model of a trained cell, loaded.

    Args:
        source: As of ``sample``.
        sampler: As of ``sample``.
        cell: As of ``sample``.
        batch: Draw at most as many images at once as this, and as the profile says.

    Raises:
        InputError: As ``sample`` does.
    """
    with _as_run(source) as run:
        chosen = _only(cells.find(run, [cell] if cell else ()), source)
        cells.check_weights(chosen)
        return _opened(chosen, sampler, batch)


@contextmanager
def _as_run(source: str) -> Iterator[Path]:
    """A run folder: the one that is given, a temporary one of what was pushed."""
    with as_folder(source) as folder:
        if not (folder / layout.MANIFEST).is_file():
            yield folder
            return
        with tempfile.TemporaryDirectory(prefix="mribench-sample-") as temporary:
            layout.restore(folder, Path(temporary), source)
            yield Path(temporary)


def _only(found: list[TrainedCell], source: str) -> TrainedCell:
    if len(found) > 1:
        names = some_of(cell.name for cell in found)
        raise InputError(f"{source} has {len(found)} trained models; give --cell one of {names}")
    return found[0]


def _opened(cell: TrainedCell, sampler: str | None, batch: int | None) -> Opened:
    first = cell.results[0]
    profile = profiles.from_record(first.provenance["profile"])
    if batch is not None:
        profile = replace(profile, sample_batch=min(batch, profile.sample_batch))
    precision = profile.precision or "fp32"
    variant = _variant(first)
    if isinstance(variant, GenerativeModel):
        if sampler is not None:
            raise InputError(
                f"{cell.name} has its own way from noise to image; leave the sampler {sampler!r} out"
            )
        from mribench.sampling.generator import TrainedGenerator

        generator = TrainedGenerator(cell.folder, variant, profile, precision)
        return Opened(generator, cell.name, first.seed, None)
    choice = _choice(cell, variant, sampler)
    from mribench.sampling.sample import TrainedModel
    from mribench.training.conditions import drawn_label

    label = drawn_label(variant, first.modality)
    model = TrainedModel(cell.pipeline, variant, choice, profile, precision, label=label)
    return Opened(model, cell.name, first.seed, choice.name)


def _variant(first: Result) -> Variant | GenerativeModel:
    """What was trained; of a plugin that is missing here the record knows the package."""
    try:
        variant = lookup.load("variants", first.variant)
    except InputError as error:
        package = first.provenance.get("plugins", {}).get("variant")
        raise InputError(f"{error}; the model was made with {package}" if package else str(error)) from error
    if not isinstance(variant, Variant | GenerativeModel):
        raise InputError(
            f"variant {first.variant!r} is a control here, and was trained where the record was made"
        )
    if variant.version != first.versions.get("variant", variant.version):
        say(
            f"{first.variant} is version {variant.version} here and was version {first.versions['variant']} when it "
            "was trained; its images may differ"
        )
    return variant


def _choice(cell: TrainedCell, variant: Variant, sampler: str | None) -> SamplerChoice:
    names = [result.sampler for result in cell.results if result.sampler]
    choice = samplers.resolve(sampler or names[0])
    if not forward_process.compatible(variant, choice.sampler):
        raise InputError(
            f"sampler {choice.name} does not draw from {variant.name}; it was scored with "
            f"{', '.join(dict.fromkeys(names))}"
        )
    return choice
