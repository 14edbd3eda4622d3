"""How many networks a plan trains: what is known before the work begins."""

from __future__ import annotations

from mribench.runner.cell import is_joint
from mribench.runner.plan import Plan
from mribench.sampling.offers import fits
from mribench.spec import Control, GenerativeModel, PretrainedModel, Solver, Variant


def trainings(plan: Plan) -> int:
    """All of a run."""
    return of_variants(plan) + len(plan.modalities) * len(plan.spec.seeds) * of_solvers(plan)


def of_variants(plan: Plan) -> int:
    """Those of a run's variants: of a joint training one for all organs."""
    trained = [v for v in plan.variants if not is_untrained(v)] if plan.of_models else []
    joint = {variant.trained_as or variant.name for variant in trained if is_joint(variant)}
    of_one_organ = sum(not is_joint(variant) for variant in trained)
    return (len(plan.modalities) * of_one_organ + len(joint)) * len(plan.spec.seeds)


def of_solvers(plan: Plan) -> int:
    """Those of one organ and seed by solvers that learn from pairs: one for each level of each problem."""
    return sum(
        len(task.problem.levels)
        for task in plan.tasks
        for solver in plan.variants
        if task.problem and isinstance(solver, Solver) and solver.trains and fits(solver, task)
    )


def is_untrained(variant: Variant | GenerativeModel | Control | PretrainedModel | Solver) -> bool:
    """Whether a run trains no network of it before its tasks begin."""
    return isinstance(variant, Control | PretrainedModel | Solver)
