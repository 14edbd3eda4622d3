"""What a model is made of, as values for a hash: an edited variant with its old version number is another variant."""

from __future__ import annotations

from typing import Any

from mribench.code_hash import code_hash
from mribench.hashing import json_hash
from mribench.spec import Control, GenerativeModel, PretrainedModel, RestoredImages, Solver, Stage, Variant

Model = Variant | GenerativeModel | PretrainedModel | RestoredImages | Solver | Control


def trained_as(model: Model) -> str:
    """The name that its training goes by: variants that differ in guidance alone share one."""
    return getattr(model, "trained_as", None) or model.name


def model_code(model: Model) -> list[Any]:
    """Name, version, hash of the code, and the settings that no function holds; JSON-serialisable."""
    parts: list[Any]
    more: list[Any] = []
    if isinstance(model, Control):
        parts = [model.fit, model.generate, model.denoise]
    elif isinstance(model, Solver):
        parts, more = [model.solve, model.fit], [*map(dict, model.search)]
    elif isinstance(model, RestoredImages):
        parts, more = [], [dict(model.source)]
    elif isinstance(model, PretrainedModel):
        # a hash of the weights or images says more than the code that reads them
        parts, more = [] if model.source.get("sha256") else [model.generate], [dict(model.source)]
    elif isinstance(model, GenerativeModel):
        parts = [model.generate, model.denoise]
        more = [_settings(stage, parts) for stage in model.stages]
    else:
        parts = [
            model.network,
            model.scheduler,
            model.loss,
            model.path,
            model.encode,
            model.decode,
            model.noise,
            model.take_step,
        ]
        # absent where they say nothing: folders of variants on pixels keep their names
        more = ["orthonormal"] if model.encode and model.orthonormal else []
        if model.autoencoder:
            parts += [model.autoencoder.encode, model.autoencoder.decode]
            more = [_settings(model.autoencoder.stage, parts)]
        more += [model.conditions] if model.conditions else []
    return [trained_as(model), model.version, code_hash(*filter(None, parts)), *more]


def model_hash(model: Model) -> str:
    """``model_code`` as one hash."""
    parts = model_code(model)
    return json_hash(parts)


def _settings(stage: Stage, parts: list[Any]) -> list[Any]:
    """What a stage's training depends on beside its functions, which are added to ``parts``."""
    parts += [stage.network, stage.validation, *(update.loss for update in stage.updates)]
    parts += [update.take_step for update in stage.updates]
    own = [stage.name, stage.share, stage.coarse, stage.average]
    return [*own, *([update.part, update.lr, update.betas] for update in stage.updates)]
