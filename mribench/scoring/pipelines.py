"""A pipeline of diffusers as a generator: from a folder or the Hub, safetensors only, no code but diffusers' own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files, hashing
from mribench.device import place
from mribench.errors import InputError
from mribench.progress import progress

INDEX = "model_index.json"
# whose classes may be loaded; ``mribench`` for what earlier versions of it published
LIBRARIES = ("diffusers", "transformers", "mribench")
OURS = ["pipeline", "GreyImagePipeline"]  # what ``mribench push`` names; its code is in this package
BATCH = 16  # images at once; fixed, because the last bits of a convolution depend on the shape of the batch
PATTERNS = ["*.json", "*.safetensors", "*.txt"]  # all that is downloaded


class Pipeline:
    """``generate(indices, seed)`` of an unconditional pipeline; image i has a generator of its own.

    Args:
        folder: holds ``model_index.json`` and the weights as safetensors.
        steps: ``num_inference_steps``; None leaves the pipeline's own.
        title: what the progress bar says.

    Raises:
        InputError: it brings code or pickles, takes a condition, or does not load.
    """

    def __init__(self, folder: Path, steps: int | None = None, title: str = "sample"):
        check(folder)
        self._folder, self.steps, self._title = folder, steps, title
        self.weights = sorted(folder.rglob("*.safetensors"))

    @property
    def sha256(self) -> str:
        """Over the weights and the configurations."""
        configurations = sorted(self._folder.rglob("*.json"))
        return hashing.json_sha256([hashing.file_sha256(path) for path in (*self.weights, *configurations)])

    def __call__(self, indices: Sequence[int], seed: int) -> np.ndarray:
        """float32 (len(indices), H, W, C) in [0, 1]."""
        from mribench.seeds import torch_generator

        pipeline, rows, made = load(self._folder), list(indices), []
        more = {} if self.steps is None else {"num_inference_steps": self.steps}
        with progress(self._title, len(rows)) as advance:
            for first in range(0, len(rows), BATCH):
                chunk = rows[first : first + BATCH]
                filled = chunk + chunk[:1] * (BATCH - len(chunk))
                generators = [torch_generator("sample", seed, i) for i in filled]
                out = pipeline(batch_size=BATCH, generator=generators, output_type="np", **more)
                made.append(np.asarray(out.images, dtype=np.float32)[: len(chunk)])
                advance(first + len(chunk))
        return np.concatenate(made)


def check(folder: Path, called: str | None = None) -> None:
    """Raises InputError where a pipeline names code that is not diffusers', or has weights other than safetensors.

    called: what messages name it, in place of its folder.
    """
    called = called or folder.name
    try:
        parts = dict(files.read_json(folder / INDEX))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{called}/{INDEX} cannot be read ({error}); write the pipeline again") from error
    kind = parts.get("_class_name")
    if kind == OURS:
        kind = str(parts.pop("_class_name")[1])
    for name, part in parts.items():
        # a part is [library, class]; other lists are settings, such as the timesteps of what mribench publishes
        library = (
            part[0] if isinstance(part, list) and part and not isinstance(part[0], int | float) else None
        )
        if library is not None and str(library).partition(".")[0] not in LIBRARIES:
            raise InputError(
                f"{called} takes its {name} from {library}, expected parts of diffusers alone, as no code of a "
                "model is run; give a callable module:function of yours instead"
            )
    if not isinstance(kind, str):
        raise InputError(
            f"{called} is a {kind} of its own code, expected a class of diffusers; give a callable"
        )
    if not any(folder.rglob("*.safetensors")):
        raise InputError(
            f"{called} has no safetensors, expected weights in that format, as pickles run code; save it with "
            "save_pretrained(folder, safe_serialization=True)"
        )


@lru_cache(maxsize=1)
def load(folder: Path) -> Any:
    """The pipeline, on the GPU where there is one. Raises InputError in one sentence."""
    from diffusers import DiffusionPipeline
    from diffusers.utils import logging

    import mribench.networks  # noqa: F401  # the class of networks that earlier versions saved by that name
    from mribench.hub.pipeline import GreyImagePipeline

    is_ours = files.read_json(folder / INDEX)["_class_name"] == OURS
    kind = GreyImagePipeline if is_ours else DiffusionPipeline
    logging.disable_progress_bar()
    try:
        pipeline = kind.from_pretrained(str(folder), use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, TypeError, AttributeError, ImportError, KeyError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{folder.name} does not load as a pipeline of diffusers ({first}); save it again"
        ) from error
    parameters = signature(type(pipeline).__call__).parameters
    lacking = [name for name in ("batch_size", "generator", "output_type") if name not in parameters]
    if lacking:
        raise InputError(
            f"{type(pipeline).__name__} takes no {' and no '.join(lacking)}, expected an unconditional pipeline; give "
            "a callable module:function that calls it"
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(place())


def download(repository: str) -> tuple[Path, str]:
    """The files of a pipeline on the Hub and their commit; configurations and safetensors alone are downloaded."""
    from mribench.hub import client

    client.check_name(repository)
    head = client.retry(lambda: client.head(repository, "model"))
    if INDEX not in head.files:
        raise InputError(
            f"{repository} has no {INDEX}, expected a pipeline of diffusers; give a callable instead"
        )
    folder = client.retry(lambda: client.snapshot(repository, "model", head.commit, PATTERNS))
    check(folder, repository)
    return folder, head.commit
