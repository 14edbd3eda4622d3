"""A trained cell as a plain diffusers repository: a ``UNet2DModel``, the sampler's scheduler, and ``pipeline.py``.

Only what such a repository can say in full is written so: a U-Net on pixels or on patches of them, noised by a
diffusers scheduler and drawn by another. Everything else is published as it was trained, and opens with mribench.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench import files
from mribench.errors import InputError
from mribench.hub import weights
from mribench.hub.cells import TrainedCell
from mribench.plugins import lookup
from mribench.sampling import samplers
from mribench.sampling.samplers import SamplerChoice
from mribench.spec import Sampler, Variant

PIPELINE = "pipeline.py"
CLASS = "GreyImagePipeline"
WEIGHTS = "diffusion_pytorch_model.safetensors"
# of the tensors of a ``PatchUNet2DModel``, whose one part is its U-Net
INNER = "unet."


@dataclass(frozen=True)
class Recipe:
    """What a plain repository says beside the weights."""

    unet: Mapping[str, Any]  # configuration of the ``UNet2DModel``
    prefix: str  # of the names of the trained tensors, which the published ones lack
    patch: int
    sampler: SamplerChoice
    scheduler: Any
    timesteps: list[int] | None  # None: the scheduler's own


def recipe(cell: TrainedCell) -> Recipe | None:
    """How a cell is written as plain diffusers; None where it cannot be."""
    config = _unet_config(cell.pipeline)
    if config is None or cell.stages or not weights.is_reversible(cell.pipeline / "unet" / WEIGHTS):
        return None
    try:
        variant = lookup.load("variants", cell.results[0].variant)
    except InputError:
        return None  # the card names the package that has it
    if not (isinstance(variant, Variant) and _is_plain(variant)):
        return None
    trained_with = _scheduler_config(cell.pipeline)
    if trained_with is None:
        return None
    for name in dict.fromkeys(result.sampler for result in cell.results if result.sampler):
        if found := _drawn_by(name, trained_with):
            unet, prefix, patch = config
            return Recipe(unet, prefix, patch, *found)
    return None


def write(recipe: Recipe, pipeline: Path, folder: Path) -> None:
    """The repository's side that diffusers reads.

    Args:
        recipe: Of the cell.
        pipeline: Its trained pipeline.
        folder: Gets ``model_index.json``, ``pipeline.py``, ``unet/`` and ``scheduler/``.
    """
    import diffusers

    version = diffusers.__version__
    files.write_json(
        folder / "model_index.json",
        {
            "_class_name": [Path(PIPELINE).stem, CLASS],
            "_diffusers_version": version,
            "unet": ["diffusers", "UNet2DModel"],
            "scheduler": ["diffusers", type(recipe.scheduler).__name__],
            "patch": recipe.patch,
            "num_inference_steps": recipe.sampler.steps,
            "timesteps": recipe.timesteps,
        },
    )
    shutil.copyfile(Path(__file__).with_name(PIPELINE), folder / PIPELINE)
    files.write_json(folder / "unet" / "config.json", dict(recipe.unet) | {"_diffusers_version": version})
    source, target = (where / "unet" / WEIGHTS for where in (pipeline, folder))
    weights.rename(source, target, lambda name: name.removeprefix(recipe.prefix))
    recipe.scheduler.save_pretrained(folder / "scheduler")


def _unet_config(pipeline: Path) -> tuple[dict[str, Any], str, int] | None:
    """(configuration, prefix, patch) as a plain ``UNet2DModel``; None for another network."""
    path = pipeline / "unet" / "config.json"
    if not (path.is_file() and (pipeline / "unet" / WEIGHTS).is_file()):
        return None
    config = {name: value for name, value in files.read_json(path).items() if name != "_name_or_path"}
    kind, patch = config.get("_class_name"), config.pop("patch", 1)
    if kind not in ("UNet2DModel", "PatchUNet2DModel") or config["in_channels"] != config["out_channels"]:
        return None
    if config["in_channels"] != 1:
        return None
    config |= {
        "_class_name": "UNet2DModel",
        "sample_size": config["sample_size"] // patch,
        "in_channels": patch**2,
        "out_channels": patch**2,
    }
    return config, INNER if kind == "PatchUNet2DModel" else "", patch


def _is_plain(variant: Variant) -> bool:
    own = (variant.path, variant.estimate, variant.encode, variant.noise, variant.autoencoder)
    is_plain = all(part is None for part in own) and not variant.conditions
    return variant.process == "diffusion" and is_plain


def _scheduler_config(pipeline: Path) -> Any:
    """Of the scheduler that the network was trained with; None where it is none of diffusers."""
    import diffusers

    name = files.read_json(pipeline / "scheduler" / "scheduler_config.json").get("_class_name", "")
    kind = getattr(diffusers, str(name), None)
    return kind.from_pretrained(pipeline / "scheduler").config if kind else None


def _drawn_by(name: str, trained_with: Any) -> tuple[SamplerChoice, Any, list[int] | None] | None:
    """A sampler with its scheduler, and the timesteps where they are not that scheduler's own.

    None where ``pipeline.set_timesteps`` would not bring the scheduler into the state that the sampler brings it into.
    """
    from mribench.hub.pipeline import set_timesteps

    try:
        choice = samplers.resolve(name)
    except InputError:
        return None
    sampler = choice.sampler
    if not isinstance(sampler, Sampler) or sampler.process != "diffusion":
        return None
    reference = sampler.scheduler(trained_with)
    if not type(reference).__module__.startswith("diffusers."):
        return None
    wanted = sampler.timesteps(reference, choice.steps, None)
    for timesteps in (None, [*wanted]):
        scheduler = sampler.scheduler(trained_with)
        visited = [float(t) for t in set_timesteps(scheduler, choice.steps, timesteps)]
        if visited == [float(t) for t in wanted] and _state(scheduler) == _state(reference):
            return choice, scheduler, timesteps
    return None


def _state(scheduler: Any) -> list[list[float]]:
    """What ``set_timesteps`` leaves in a scheduler."""
    known = (getattr(scheduler, name, None) for name in ("timesteps", "sigmas"))
    return [[float(value) for value in values] for values in known if values is not None]
