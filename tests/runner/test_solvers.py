"""Tasks that pose a problem: which solver answers which, how it is tuned, and that nothing else enters its answers."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import mribench
from mribench.board.boards import boards
from mribench.errors import InputError, MribenchError
from mribench.plugins import lookup
from mribench.runner import runspec
from mribench.runner.cell import Cell
from mribench.runner.plan import Plan
from mribench.runner.questions import questions
from mribench.runner.trainings import trainings
from mribench.runner.verify import verify
from mribench.sampling import fitting, offers
from mribench.sampling.solving import SolvingModel, UnitDenoiser
from mribench.spec import Expected, Measurement, Problem, Solver, Split
from mribench.tasks import inverse
from mribench.tasks.generation import GENERATION
from mribench.testing.fixtures import TINY, toy_data
from mribench.variants.controls import NOISE
from mribench.variants.ddpm import DDPM


class Identity:
    def __call__(self, x):
        return x

    adjoint = __call__


def measure(x, level, draws):
    return Measurement(x + level * draws.normal(*x.shape[1:]), Identity(), level, x.shape[-2:])


PROBLEM = Problem("noisy", "Noisy", measure, levels=(0.1,), level_name="σ", kind="denoise")
TASK = inverse.inverse_task(PROBLEM)


def scaled(denoiser, m, draws, scale=1.0):
    return scale * m.y


BASELINE = Solver(
    "scaled", "Scaled", "", scaled, needs=(), samples=False, search=({"scale": 0.2}, {"scale": 1.0})
)
WITH_PRIOR = Solver("with-prior", "With a prior", "", scaled)
FOR_OTHERS = Solver("for-others", "For others", "", scaled, kinds=("mri",))


def model(solver, batch=4):
    return SolvingModel(solver, PROBLEM, None, batch, torch.device("cpu"))


def images(n=6):
    return toy_data().test.images[:n]


def test_images_are_measured_alike_where_they_are_asked_about_like_others():
    a = np.full((3, 8, 8), 100, np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None]
    b = a + np.uint8(40)
    ask = model(BASELINE, batch=2)

    def noise(images, **more):
        return ask.answer(0.1, images, 0, setting={"scale": 1.0}, **more) - images / 255

    assert np.allclose(noise(a), noise(b, like=a), atol=1e-6)
    assert np.abs(noise(a) - noise(b)).mean() > 0.05


def test_a_solver_is_asked_only_problems_of_its_kind():
    assert offers.fits(BASELINE, TASK) and not offers.fits(FOR_OTHERS, TASK)
    assert not offers.fits(BASELINE, GENERATION)


def plan_of(*solvers):
    return Plan(
        spec=runspec.RunSpec(),
        profile=TINY,
        modalities=(),
        variants=(),
        samplers=(),
        tasks=(GENERATION, TASK),
        metrics={},
        spaces={},
        out=None,
        solvers=solvers,
    )


def asked(variant, monkeypatch):
    choice = mribench.sampling.samplers.resolve("ddim-5")
    monkeypatch.setattr(Plan, "samplers_of", lambda plan, variant: [choice])
    modality = lookup.load("modalities", lookup.names("modalities")[0])
    found = questions(Cell(modality, toy_data(), variant, 0), plan_of(WITH_PRIOR, FOR_OTHERS))
    return [(question.cell.drawn_by, question.task.name) for question in found]


def test_a_prior_is_asked_with_each_solver_that_fits_and_images_with_each_sampler(monkeypatch):
    assert asked(DDPM, monkeypatch) == [("ddim-5", "generation"), ("with-prior", "noisy")]


def test_a_control_of_generation_is_asked_no_problem(monkeypatch):
    assert asked(NOISE, monkeypatch) == [(None, "generation")]


def test_a_baseline_is_asked_problems_alone(monkeypatch):
    assert asked(BASELINE, monkeypatch) == [(None, "noisy")]


def test_no_prior_is_trained_that_no_solver_asks():
    modality = lookup.load("modalities", lookup.names("modalities")[0])
    changes = {"tasks": (TASK,), "modalities": (modality,), "variants": (DDPM,), "out": Path("out")}
    for solvers, trained in (((), 0), ((FOR_OTHERS,), 0), ((WITH_PRIOR,), 1)):
        plan = replace(plan_of(*solvers), **changes)
        cell = Cell(modality, toy_data(), DDPM, 0).with_training(plan)
        assert (trainings(plan), bool(cell.trained)) == (trained, bool(trained))


def test_a_solver_that_learns_is_a_training_of_each_organ_level_and_seed():
    """A run of such solvers alone takes several processes too."""
    modalities = tuple(lookup.load("modalities", name) for name in lookup.names("modalities")[:2])
    learns = replace(BASELINE, trains=True)
    asked = replace(plan_of(), modalities=modalities, tasks=(TASK,), variants=(BASELINE, learns))
    seeds = len(asked.spec.seeds)
    assert trainings(asked) == 2 * len(TASK.problem.levels) * seeds > 1
    assert not trainings(replace(asked, variants=(BASELINE,)))


def test_an_answer_does_not_depend_on_the_batch_and_the_measurement_not_on_the_solver():
    whole = model(BASELINE).answer(0.1, images(), 0)
    assert np.allclose(model(BASELINE, batch=5).answer(0.1, images()[3:4], 0), whole[3:4], atol=1e-6)
    other = model(replace(BASELINE, name="other")).answer(0.1, images(), 0)
    assert np.array_equal(whole, other)
    assert not np.array_equal(whole, model(BASELINE).answer(0.1, images(), 1))


def test_the_setting_is_the_best_on_validation_subjects():
    data = toy_data()
    assert inverse.best_setting(model(BASELINE), 0.1, data.validation, 0) == 1
    black = Split(np.zeros_like(data.validation.images), data.validation.subjects)
    assert inverse.best_setting(model(BASELINE), 0.1, black, 0) == 0
    assert inverse.best_setting(model(WITH_PRIOR), 0.1, black, 0) == -1


def test_all_settings_are_tried_on_half_of_the_images_and_two_on_all(monkeypatch):
    scales = (0.2, 1.1, 1.0, 0.5)
    asked = model(replace(BASELINE, search=tuple({"scale": scale} for scale in scales)))
    images, subjects = toy_data().train.images[:20], [f"p{n // 2}" for n in range(20)]
    tried, answer = [], asked.answer

    def noted(level, images, seed, sample=0, setting=None):
        tried.append((setting["scale"], [image.tobytes() for image in images]))
        return answer(level, images, seed, sample, setting)

    monkeypatch.setattr(asked, "answer", noted)
    assert inverse.best_setting(asked, 0.01, Split(images, subjects), 0) == 2
    half = inverse.VALIDATION_IMAGES // 2
    assert [(scale, len(images)) for scale, images in tried] == [
        *((scale, half) for scale in scales),
        *((1.0, half), (1.1, half)),
    ]
    assert len({*tried[0][1], *tried[-1][1]}) == inverse.VALIDATION_IMAGES


def test_values_that_are_not_finite_are_refused_with_the_solver_and_the_level():
    broken = Solver("broken", "", "", lambda denoiser, m, draws: m.y / 0, needs=())
    with pytest.raises(MribenchError, match="solver broken gave values that are not finite on noisy"):
        model(broken).answer(0.1, images(), 0)


def test_the_denoiser_of_grey_values_is_that_of_the_process_on_its_own_scale():
    class Prior:
        sigmas, nfe = (0.01, 100.0), 3

        def __call__(self, x, sigma):
            return x / (1 + sigma**2)

    denoise, x = UnitDenoiser(Prior()), torch.linspace(0, 1, 32).view(2, 1, 4, 4)
    assert denoise.sigmas == (0.005, 50.0) and denoise.nfe == 3
    assert torch.allclose(2 * denoise(x, 0.3) - 1, (2 * x - 1) / (1 + 0.6**2), atol=1e-6)


INSTALLED = {"scaled": BASELINE, "with-prior": WITH_PRIOR, "for-others": FOR_OTHERS}


def test_all_solvers_are_those_that_fit_a_problem_of_the_run():
    assert fitting.solvers({}, INSTALLED, [TASK]) == [BASELINE, WITH_PRIOR]
    assert fitting.solvers({}, INSTALLED, [GENERATION]) == []


def test_a_solver_that_is_named_and_answers_nothing_is_refused():
    with pytest.raises(InputError, match="'for-others' answers none of the tasks asked for"):
        fitting.solvers({"for-others": FOR_OTHERS}, {}, [TASK])
    with pytest.raises(InputError, match="expected one that poses an inverse problem"):
        fitting.solvers({"scaled": BASELINE}, {}, [GENERATION])


def test_a_problem_that_no_installed_solver_answers_is_refused():
    with pytest.raises(InputError, match="no solver answers the task 'noisy'"):
        fitting.solvers({}, {"for-others": FOR_OTHERS}, [TASK])


def test_controls_of_problems_answer_for_no_solver():
    control = replace(BASELINE, name="control", expected=Expected("last", "it is bad"))
    with pytest.raises(InputError, match="no solver answers the task 'noisy'"):
        fitting.solvers({"control": control}, {"control": control, "for-others": FOR_OTHERS}, [TASK])


def test_a_solver_that_is_named_without_a_prior_is_refused():
    with pytest.raises(InputError, match="'with-prior' needs a prior, and no variant of the run is one"):
        fitting.check_priors([BASELINE, WITH_PRIOR], [TASK], [])
    fitting.check_priors([BASELINE, WITH_PRIOR], [TASK], [DDPM])
    fitting.check_priors([BASELINE], [TASK], [])


def test_a_level_that_does_not_fit_the_images_is_refused_before_anything_is_trained():
    def narrow(x, level, draws):
        raise InputError(f"{x.shape[-1]} lines are too few")

    task = inverse.inverse_task(replace(PROBLEM, measure=narrow))
    with pytest.raises(InputError, match="16 lines are too few"):
        fitting.check_problems([task], 16, [SimpleNamespace(is_mri=True)])
    fitting.check_problems([GENERATION], 16, [])


def test_a_problem_of_mri_is_asked_of_no_microscopy():
    task = inverse.inverse_task(replace(PROBLEM, mri_only=True))
    nuclei, brain = (SimpleNamespace(name=name, is_mri=name == "brain") for name in ("nuclei", "brain"))
    with pytest.raises(InputError, match="'noisy' measures MRI, and nuclei is microscopy"):
        fitting.check_problems([task], 16, [nuclei])
    fitting.check_problems([task], 16, [nuclei, brain])
    assert not offers.poses(task, nuclei) and offers.poses(task, brain) and offers.poses(TASK, nuclei)


@pytest.mark.slow
@pytest.mark.skipif("nlm" not in lookup.names("solvers"), reason="needs mribench-inverse")
def test_priors_and_baselines_stand_on_one_board_apart_from_generation(tmp_path):
    organ = lookup.names("modalities")[0]
    found = mribench.run(
        modalities=organ,
        controls="noise",
        tasks=("generation", "denoise-gaussian"),
        solvers=("nlm", "pnp"),
        profile="smoke",
        out=str(tmp_path),
    )
    solved = [r for r in found if r.task == "denoise-gaussian"]
    assert [(r.variant, r.sampler, r.is_control, r.answers_by) for r in solved] == [
        ("ddpm", "pnp", False, "prior"),
        ("nlm", None, False, "rule"),
        ("training-mean", None, True, "rule"),
        ("wiener", None, True, "rule"),
    ]
    shown = [{(row.variant, row.sampler) for row in board.rows} for board in boards(found)]
    assert {("ddpm", "pnp"), ("nlm", None), ("training-mean", None), ("wiener", None)} in shown
    assert not any(("nlm", None) in rows and ("ddpm", "ddim-10") in rows for rows in shown)
    for result in solved:
        assert verify(tmp_path, result, beside=found).answer == "reproduced"
