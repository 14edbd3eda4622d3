"""From what the user names to a generator: images on disk or in memory, a pipeline, or a Python callable."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench import hashing
from mribench.code_hash import code_hash
from mribench.errors import InputError
from mribench.figures import evenly_spaced
from mribench.plugins import lookup
from mribench.progress import say
from mribench.sampling.pretrained import grey_images
from mribench.scoring import pipelines, stored_images
from mribench.spec import PretrainedModel

CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
SIDES = range(32, 257)
LEAST = 16  # images: below, no distance between two sets means anything


@dataclass(frozen=True)
class Source:
    """What is to be scored, before it is known how many images are wanted."""

    model: PretrainedModel
    side: int  # of its images, in pixels
    images: np.ndarray | None = None  # uint8 (N, H, W) where they exist; None: as many as are asked for

    def drawing(self, n: int, beside: bool = False) -> PretrainedModel:
        """The model of which ``n`` images are scored. Of more images as many are taken, at equal distances.

        Raises InputError for fewer. beside: rows beside it have as many, so that no other number can be chosen.
        """
        if self.images is None:
            return self.model
        found = len(self.images)
        if found < n:
            otherwise = (
                "leave --beside out" if beside else f"give --n {found}, which makes a board of its own"
            )
            raise InputError(
                f"{found} images were found, expected {n}; generate {n - found} more, or {otherwise}"
            )
        if found > n:
            why = "as many as of the rows beside" if beside else f"--n {found} scores all"
            say(f"{n} of the {found} images are scored, at equal distances; {why}")
        return replace(self.model, generate=GivenImages(self.images[evenly_spaced(found, n)]))


class GivenImages:
    """``generate`` of images that exist: image i is the i-th, whatever the seed."""

    def __init__(self, images: np.ndarray):
        self.images = images

    def __call__(self, indices: Sequence[int], seed: int) -> np.ndarray:
        """uint8 (len(indices), H, W)."""
        return self.images[list(indices)]


def read(given: Any, name: str | None = None, steps: int | None = None, seed: int = 0) -> Source:
    """The generator that somebody gives.

    Args:
        given: a path, the id of a pipeline on the Hub, ``module:function``, a function ``generate(indices, seed)``, or
            an array or tensor of images (N, H, W).
        name: of the row; None makes one up from the content, as a file's own name may be a patient's.
        steps: of a pipeline; None leaves its own.
        seed: with which a callable is asked for the first image, to learn its side.

    Raises:
        InputError: in one sentence; what was found, what was expected, what to do.
    """
    if isinstance(given, str | Path):
        source = _named(str(given), steps)
    elif isinstance(given, PretrainedModel):
        source = _asked(given, seed)
    elif callable(given):
        source = _asked(_of_function(given, getattr(given, "__name__", "callable")), seed)
    else:
        images = grey_images(given, "the argument images")
        source = _of_images(images, "array", hashing.arrays_sha256({"images": images}))
    if steps is not None and source.model.source.get("kind") != "pipeline":
        raise InputError(f"--steps {steps} is for a pipeline, and this is none; leave it out")
    if source.side not in SIDES:
        raise InputError(
            f"the images are {source.side} pixels wide, expected {SIDES[0]} to {SIDES[-1]}; generate or crop such"
        )
    return replace(source, model=replace(source.model, name=row_name(name, source.model.name)))


def row_name(asked: str | None, otherwise: str) -> str:
    """What boards call the row, a part of file names: 'my VAE' is 'my-VAE'. Raises InputError where it is taken."""
    name = re.sub(r"[^A-Za-z0-9._+]+", "-", asked.strip()).strip("-.") if asked is not None else otherwise
    if not re.fullmatch(r"[A-Za-z0-9][\w.+-]{0,63}", name):
        raise InputError(
            f"--name is {asked!r}, expected up to 64 letters, digits, dots and hyphens; choose such a name"
        )
    taken = next((group for group in ("variants", "models") if asked and name in lookup.names(group)), None)
    if taken:
        raise InputError(
            f"--name {name} is the name of an installed {taken.removesuffix('s')}; choose another"
        )
    return name


def _named(text: str, steps: int | None) -> Source:
    path = Path(text).expanduser()
    if (path / pipelines.INDEX).is_file():
        return _of_pipeline(path, steps, {})
    if path.exists():
        stored = stored_images.read(path)
        return _of_images(stored.images, stored.kind, stored.sha256)
    if text in lookup.names("models"):
        return _asked(lookup.load("models", text), 0)
    if CALLABLE.fullmatch(text):
        return _asked(_of_function(_imported(text), text.partition(":")[2]), 0)
    if REPOSITORY.fullmatch(text):
        folder, commit = pipelines.download(text)
        return _of_pipeline(folder, steps, {"repository": text, "commit": commit}, _name_of(text))
    raise InputError(
        f"{text!r} is neither a file or folder, nor a Hub id user/name, nor module:function, nor an installed model; "
        "check the path"
    )


def _of_images(images: np.ndarray, kind: str, sha256: str) -> Source:
    if len(images) < LEAST:
        raise InputError(f"{len(images)} images were found, expected at least {LEAST}; generate more")
    origin = {"kind": kind, "sha256": sha256, "images": len(images)}
    model = PretrainedModel(f"samples-{sha256[:8]}", "given images", "", GivenImages(images), source=origin)
    return Source(model, _side(images), images)


def _of_pipeline(folder: Path, steps: int | None, origin: dict[str, Any], name: str | None = None) -> Source:
    pipeline = pipelines.Pipeline(folder, steps)
    origin = {"kind": "pipeline", "sha256": pipeline.sha256, "steps": steps, **origin}
    called = name or f"pipeline-{pipeline.sha256[:8]}"
    return _asked(PretrainedModel(called, "a pipeline of diffusers", "", pipeline, source=origin), 0)


def _name_of(repository: str) -> str:
    """'ddpm-brain' of 'user/ddpm-brain'; with the user where that is the name of something installed."""
    user, _, own = repository.partition("/")
    is_taken = any(own in lookup.names(group) for group in ("variants", "models", "solvers"))
    return f"{user}-{own}" if is_taken else own


def _of_function(generate: Callable[..., Any], name: str) -> PretrainedModel:
    # the code of the function, and not the weights that it may load
    origin = {"kind": "callable", "sha256": code_hash(generate)}
    return PretrainedModel(
        re.sub(r"\W+", "-", name).strip("-") or "callable", name, "", generate, source=origin
    )


def _asked(model: PretrainedModel, seed: int) -> Source:
    """The side of a generator's images is learnt from its first one."""
    return Source(model, _side(grey_images(model.generate(range(1), seed), model.name)))


def _side(images: np.ndarray) -> int:
    height, width = images.shape[1:]
    if height != width:
        raise InputError(
            f"the images are {height}x{width} pixels, expected squares; pad or crop them as the data are"
        )
    return int(height)


def _imported(text: str) -> Callable[..., Any]:
    module, _, name = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise InputError(
            f"{text} cannot be imported ({error}); expected module:function, generate(indices, seed)"
        ) from error
    if not callable(found):
        raise InputError(
            f"{text} is a {type(found).__name__}, expected a function generate(indices, seed); name that"
        )
    return found
