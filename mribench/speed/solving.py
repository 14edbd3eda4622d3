"""What solvers would cost, before anything is run: calls of a prior's denoiser, counted on images of few pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mribench.runner.plan import Plan
from mribench.sampling.offers import fits, not_applicable
from mribench.spec import Measurement, Solver, Task, Variant
from mribench.tasks.inverse import FINALISTS, OF_A_SUBJECT, SAMPLES, VALIDATION_IMAGES

SIDE = 8
WITH_GRADIENT = 3  # a call and its gradient, in calls
TEST_SHARE = 0.15  # of the subjects


def evaluations(plan: Plan) -> float:
    """Calls of denoisers of one organ and seed, over all priors and solvers: the answers, and the trial of settings."""
    priors = [variant for variant in plan.variants if isinstance(variant, Variant)]
    return sum(
        len(task.problem.levels) * _of_a_level(solver, plan)
        for task in plan.tasks
        for solver in plan.solvers
        for prior in priors
        if task.problem and fits(solver, task) and not not_applicable(task, prior)
    )


def rows(plan: Plan, task: Task) -> int:
    """Rows of the board of a problem, controls included."""
    priors = [v for v in plan.variants if isinstance(v, Variant) and not not_applicable(task, v)]
    with_prior = sum(fits(solver, task) for solver in plan.solvers)
    return len(priors) * with_prior + sum(fits(solver, task) for solver in _alone(plan))


def _alone(plan: Plan) -> list[Solver]:
    """Baselines and controls: solvers without a prior."""
    return [variant for variant in plan.variants if isinstance(variant, Solver)]


def _of_a_level(solver: Solver, plan: Plan) -> float:
    """Of the best setting nothing is known yet: a mean setting is taken for it."""
    calls = [_calls(solver, setting) for setting in solver.search or ({},)]
    questions = OF_A_SUBJECT * max(1, round(TEST_SHARE * plan.profile.phantom_subjects))
    of_finalists = FINALISTS * sum(calls) / len(calls)
    tried = VALIDATION_IMAGES / 2 * (sum(calls) + of_finalists) if len(calls) > 1 else 0
    return tried + questions * (SAMPLES if solver.samples else 1) * sum(calls) / len(calls)


def _calls(solver: Solver, setting: Mapping[str, Any]) -> float:
    """Calls for one image, by solving one that is measured whole with a denoiser that only counts."""
    import torch

    from mribench.sampling.reverse import ImageDraws
    from mribench.seeds import torch_generator

    counting = _Counting()
    y = torch.full((1, 1, SIDE, SIDE), 0.5)
    draws = ImageDraws([torch_generator("forecast", solver.name)], y.device)
    with torch.no_grad():
        solver.solve(counting, Measurement(y, _Whole(), 0.05, (SIDE, SIDE)), draws, **setting)
    return counting.cost


class _Counting:
    """The denoiser of white Gaussian images, which counts what it costs."""

    sigmas = (1e-3, 80.0)

    def __init__(self) -> None:
        self.nfe = 0
        self.cost = 0.0

    def __call__(self, x: Any, sigma: Any) -> Any:
        self.nfe += 1
        self.cost += WITH_GRADIENT if x.requires_grad else 1
        return (0.04 * x + sigma**2 * 0.5) / (0.04 + sigma**2)


class _Whole:
    """Every pixel is measured."""

    def __call__(self, x: Any) -> Any:
        return x

    adjoint = __call__
