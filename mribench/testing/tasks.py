"""Checks for tasks: what is produced can be stored, every metric is reported, and scoring twice agrees."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.runner.runspec import FEATURES
from mribench.sampling.offers import NEEDS, not_applicable, on_data
from mribench.spec import Model, Prepared, Problem, Score, Solver, Split, Task
from mribench.tasks import reading
from mribench.testing.checking import Case, Check, CheckWarning, require
from mribench.testing.fixtures import TINY, toy_data, trained, with_fields
from mribench.variants.ddpm import DDPM

DENOISES = {"denoising", "denoiser", "likelihood"}  # each of these needs says that ``denoise`` is there
CONTROLS = ("noise", "gaussian", "train-replay")


def its_needs_are_known(case: Case) -> None:
    unknown = set(case.plugin.needs) - set(NEEDS)
    require(not unknown, f"needs {', '.join(sorted(unknown))}", f"a task may need {', '.join(NEEDS)}")


def it_produces_and_scores_every_control(case: Case) -> None:
    task = case.plugin
    data = with_fields(toy_data(), (*task.fields, *task.any_fields))
    metrics = {name: lookup.load("metrics", name).in_spaces(FEATURES) for name in task.metrics}
    other = lookup.load("tasks", task.reads) if task.reads else None
    needed = [space for part in (task, *metrics.values()) for space in part.features]
    spaces = lookup.load_all("features", needed)
    for model in _models(task, data):
        watched = _Watched(model)
        read = other.produce(model, data, TINY, 0) if other else {}
        own = reading.produce(task, cast("Model", watched), data, TINY, 0, read)
        for name, part in own.items():
            require(
                _storable(part),
                f"output {name!r} is {part.dtype} {part.shape}",
                "produce images as uint8 (n, H, W), as they are stored and scored (mribench.tasks.to_uint8), "
                "and anything else as finite numbers",
            )
        outputs = read | own
        once, twice = (task.score(outputs, data, TINY, metrics, Extractor(spaces), 0) for _ in range(2))
        _scores(once, task.metrics, data.test)
        require(once == twice, "scoring the same outputs twice differs", "draw resamples from the seed given")
        if task.judge is not None:
            judgement = task.judge(outputs, data, TINY, Extractor(spaces), 0)
            require(
                isinstance(json.loads(json.dumps(judgement)).get("verdict"), str),
                f"the verdict is {judgement!r}",
                "judge with a JSON-serialisable dictionary whose `verdict` is a string",
            )
        if task.draw is not None:
            for kind, picture in task.draw(outputs, data, TINY, None, "a caption").items():
                require(
                    picture.dtype == np.uint8 and picture.ndim == 2,
                    f"picture {kind!r} is {picture.dtype} {picture.shape}",
                    "draw uint8 (H, W); model is None for a control",
                )
        if "denoise" in watched.asked and not DENOISES & set(task.needs):
            raise CheckWarning(
                "it calls model.denoise, which a variant with an encoder or with noise that is not white does not have",
                'declare needs=("denoising",): of such a variant the record then says "not applicable"',
            )


class _Watched:
    """A model that remembers what it was asked for."""

    def __init__(self, model: Model) -> None:
        self._model, self.asked = model, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(self._model, name)


def _models(task: Task, data: Prepared) -> Iterator[Model]:
    """The controls, or a variant after two steps of training where the task cannot be asked of controls.

    Of a task that poses a problem a solver without a prior.
    """
    if task.problem:
        yield adjoint_of_measurements(on_data(task.problem, data))
        return
    from mribench.sampling.controls import FittedControl

    controls = lookup.load_all("variants", CONTROLS).values()
    asked = [control for control in controls if not_applicable(task, control) is None]
    for control in asked:
        yield FittedControl(control, toy_data().train)
    if not asked:
        from mribench.sampling.sample import TrainedModel
        from mribench.sampling.samplers import resolve

        folder = Path(trained(DDPM)[0].name) / TINY.keep
        yield TrainedModel(folder, DDPM, resolve("ddim-5"), TINY, "fp32")


def adjoint_of_measurements(problem: Problem) -> Model:
    """A solver that answers with A* y."""
    import torch

    from mribench.sampling.solving import SolvingModel

    solver = Solver(
        "adjoint", "A* y", "", lambda _, m, draws: m.operator.adjoint(m.y), needs=(), samples=False
    )
    return SolvingModel(solver, problem, None, TINY.sample_batch, torch.device("cpu"))


def _storable(part: np.ndarray) -> bool:
    if part.ndim == 3:
        return part.dtype == np.uint8
    return part.dtype.kind in "iuf" and bool(np.isfinite(part).all())


def _scores(scores: list[Score], metrics: tuple[str, ...], test: Split) -> None:
    scored = sorted({score.metric for score in scores})
    require(
        set(scored) == set(metrics),
        f"scores of {', '.join(scored)}, metrics {', '.join(metrics)}",
        "report every metric that `metrics` names, blank with a reason where it has no value",
    )
    addresses = [(score.metric, score.space, score.level) for score in scores]
    require(
        len(set(addresses)) == len(addresses),
        "two scores have the same metric, space and level",
        "give levels and spaces that tell them apart",
    )
    for score in scores:
        require(
            score.n > 0 and 0 < score.subjects <= test.n_subjects,
            f"{score.metric}: n {score.n}, subjects {score.subjects}",
            f"say how many images entered and of how many subjects (at most {test.n_subjects} here)",
        )
        require(
            (score.value is None) == bool(score.reason),
            f"{score.metric}: value {score.value}, reason {score.reason!r}",
            "a blank needs a reason, and only a blank has one",
        )
        if score.value is not None:
            ordered = score.low is None or score.low <= score.high
            require(
                math.isfinite(score.value) and ordered,
                f"{score.metric}: {score.value} [{score.low}, {score.high}]",
                "values are finite, low is not above high",
            )


CHECKS = (
    Check("", its_needs_are_known),
    Check("produce", it_produces_and_scores_every_control),
)
