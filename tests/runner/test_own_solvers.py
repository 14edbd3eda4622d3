"""Problems that seek another image than the measured one: own solvers, own controls, noise of the prior's process."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.runner import plan, runspec
from mribench.runner.cell import Cell
from mribench.sampling import fitting, offers
from mribench.sampling.sample import TrainedModel
from mribench.sampling.samplers import resolve
from mribench.sampling.solving import SolvingModel
from mribench.scoring.questions import restoration_task
from mribench.spec import Measurement, Problem, Solver
from mribench.tasks.inverse import inverse_task
from mribench.testing.fixtures import TINY, toy_data, trained
from mribench.variants.ddpm import DDPM


class Identity:
    def __call__(self, x):
        return x

    adjoint = __call__


def measure(x, level, draws):
    return Measurement(x, Identity(), 0.1, x.shape[-2:])


def answer(known, m, draws):
    noises.append(draws.normal(1, *m.shape))
    return m.y


noises = []
PROBLEM = Problem(
    "other", "Other", measure, (0.1,), "σ", kind="other", restores=False, controls=("training-mean",)
)
TASK = replace(inverse_task(PROBLEM), needs=("process",))
OWN = Solver("own", "Own", "", answer, needs=("process",), kinds=("other",))
ANY = Solver("any", "Any", "", answer)


def halved(white):
    return 0.5 * white


COLOURED = replace(DDPM, name="coloured", noise=halved)


def test_only_a_solver_that_names_the_kind_is_asked():
    assert offers.fits(OWN, TASK) and not offers.fits(ANY, TASK)
    assert not offers.fits(OWN, inverse_task(replace(PROBLEM, kind="", restores=True)))
    with pytest.raises(
        InputError, match=r"solver 'training-mean' answers none of the tasks asked for \(other\)"
    ):
        fitting.solvers({"training-mean": lookup.load("solvers", "training-mean")}, {}, [TASK])


def test_its_controls_stand_beside_the_solvers_that_are_named(monkeypatch):
    own = {"other": TASK, "own": OWN, "training-mean": replace(OWN, name="training-mean", needs=())}
    load = lookup.load
    monkeypatch.setattr(lookup, "load", lambda group, name: own.get(name) or load(group, name))
    asked = runspec.make(modalities="brain", tasks="other", solvers="own", profile="smoke")
    assert plan.resolve(asked).variants[-1].name == "training-mean"
    assert all(one.name != "training-mean" for one in plan.resolve(runspec.make(asked, controls=[])).variants)


def test_a_process_of_coloured_noise_is_asked_where_its_own_noise_is_enough():
    assert offers.not_applicable(TASK, DDPM) is None and offers.not_applicable(TASK, COLOURED) is None
    assert "not white" in offers.not_applicable(replace(TASK, needs=("denoiser",)), COLOURED)


def test_draws_give_the_noise_of_the_process():
    noises.clear()
    images = toy_data().test.images[:4]
    for shape_noise in (None, halved):
        SolvingModel(OWN, PROBLEM, None, 4, torch.device("cpu"), shape_noise=shape_noise).answer(
            0.1, images, 0
        )
    white, shaped = noises
    assert torch.equal(shaped, 0.5 * white)


@pytest.mark.parametrize("variant", [DDPM, COLOURED], ids=lambda variant: variant.name)
def test_a_cell_gives_the_solver_its_own_noise(variant, monkeypatch):
    """The denoiser of a coloured process is given for its own noise and for no other."""
    pipeline = Path(trained(DDPM)[0].name) / TINY.keep
    model = TrainedModel(pipeline, variant, resolve("ddim-5"), TINY, "fp32")
    assert model.denoiser(of_own_noise=True).sigmas[0] > 0
    monkeypatch.setattr(Cell, "model", lambda *_, **__: model)
    modality = lookup.load("modalities", lookup.names("modalities")[0])
    only_profile = type("Plan", (), {"profile": TINY})
    made = Cell(modality, toy_data(), variant, 0, Path("t"), solver=OWN)._solving(only_profile, "t", PROBLEM)
    noises.clear()
    made.answer(0.1, toy_data().test.images[:4], 0)
    assert float(noises[0].std()) == pytest.approx(1.0 if variant is DDPM else 0.5, rel=0.05)


def test_nobody_is_asked_for_restored_images_of_it(monkeypatch):
    monkeypatch.setattr(lookup, "names", lambda group: ["other"])
    monkeypatch.setattr(lookup, "load", lambda group, name: TASK)
    with pytest.raises(InputError, match="the task other compares no restored images, expected denoising or"):
        restoration_task("other")
