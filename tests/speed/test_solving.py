"""What solvers would cost is counted before anything is trained."""

from dataclasses import replace
from types import SimpleNamespace

import torch

from mribench.runner.trainings import of_solvers
from mribench.spec import Measurement, Problem, Solver
from mribench.speed import solving
from mribench.tasks.inverse import inverse_task
from mribench.testing.fixtures import TINY
from mribench.variants.ddpm import DDPM


def measure(x, level, draws):
    return Measurement(x, None, level, x.shape[-2:])


def with_prior(denoiser, m, draws, steps=10):
    x = m.y
    for _ in range(steps):
        x = denoiser(x, 0.1)
    return x


def with_gradient(denoiser, m, draws):
    with torch.enable_grad():
        return denoiser(m.y.clone().requires_grad_(), 0.1)


TASK = inverse_task(Problem("noisy", "Noisy", measure, levels=(0.1, 0.2), level_name="σ", kind="denoise"))
PRIOR = Solver("a", "A", "", with_prior, samples=False, search=({"steps": 10}, {"steps": 30}))
GRADIENT = Solver("b", "B", "", with_gradient)
FOR_OTHERS = replace(PRIOR, name="c", kinds=("mri",))
TRAINS = Solver("d", "D", "", with_prior, needs=(), fit=lambda examples: None, trains=True)


def plan(*solvers):
    profile = replace(TINY, phantom_subjects=100)
    return SimpleNamespace(
        profile=profile,
        tasks=(TASK,),
        solvers=tuple(s for s in solvers if s.needs),
        variants=(DDPM, *(s for s in solvers if not s.needs)),
    )


def test_the_trial_of_settings_counts_and_of_answers_a_mean_setting():
    # 2 levels, 16 images at 10 and at 30 calls, 2 images of 15 subjects at 20
    assert solving.evaluations(plan(PRIOR)) == 2 * (16 * 40 + 30 * 20)


def test_a_gradient_costs_three_calls_and_samples_are_four():
    assert solving.evaluations(plan(GRADIENT)) == 2 * 30 * 4 * 3


def test_a_solver_for_other_problems_costs_nothing_and_a_comparator_trains_at_each_level():
    asked = plan(FOR_OTHERS, TRAINS)
    assert solving.evaluations(asked) == 0
    assert of_solvers(asked) == 2 and solving.rows(asked, TASK) == 1
