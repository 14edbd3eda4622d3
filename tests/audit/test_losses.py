"""The loss of an image is a matter of its content, level and seed; subjects enter in equal parts."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import TINY, blobs, fit

from mribench.audit import losses
from mribench.spec import Prepared


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from mribench.sampling import samplers
    from mribench.sampling.sample import TrainedModel
    from mribench.variants import ddpm

    folder = tmp_path_factory.mktemp("trained")
    fit(folder, replace(TINY, max_steps=30, eval_every=30))
    sampler = samplers.resolve("ddim-2")
    return TrainedModel(folder / "best", ddpm.DDPM, sampler, replace(TINY, sample_batch=4), "fp32")


def test_a_loss_depends_on_image_level_and_seed_alone(model):
    images = blobs(7).unit()
    found = model.losses(images, 0.5, 0)
    assert (
        found.shape == (7,) and found.dtype == np.float32 and np.isfinite(found).all() and (found > 0).all()
    )
    assert (found[[5, 2]] == model.losses(images[[5, 2]], 0.5, 0)).all()
    assert (found != model.losses(images, 0.5, 1)).all()
    assert (found != model.losses(images, 0.1, 0)).all()


def test_the_loss_is_that_of_training(model):
    """Against the expectation over many draws of the formula itself, equation 14 of Ho et al."""
    import torch

    image = blobs(1).unit()
    ours = np.mean([model.losses(image, 0.52409, seed)[0] for seed in range(40)])
    generator = torch.Generator().manual_seed(5)
    t = torch.full((400,), 250)
    level = float(model.train_scheduler.alphas_cumprod[250])
    x0 = torch.from_numpy(image * 2 - 1)[None].repeat(400, 1, 1, 1)
    noise = torch.randn(x0.shape, generator=generator)
    with torch.inference_mode():
        output = model.net(level**0.5 * x0 + (1 - level) ** 0.5 * noise, t).sample
    v = level**0.5 * noise - (1 - level) ** 0.5 * x0
    target = noise if model.train_scheduler.config.prediction_type == "epsilon" else v
    theirs = (output - target).square().mean((1, 2, 3)).mean().item()
    assert ours == pytest.approx(theirs, rel=0.05)


def test_a_process_of_its_own_has_its_loss_at_the_same_level_of_noise(tmp_path):
    """A straight line from image to noise, whose scheduler knows no alpha-bar: half and half is its middle."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    from mribench.sampling.sample import TrainedModel
    from mribench.sampling.samplers import SamplerChoice
    from mribench.spec import Integrator
    from mribench.variants import ddpm

    asked = []

    def straight(net, scheduler, x0, noise, t):
        asked.append(set(t.tolist()))
        sigma = ((t + 1) / 1000)[:, None, None, None]
        velocity = net((1 - sigma) * x0 + sigma * noise, t).sample
        return (velocity - (noise - x0)).square().mean((1, 2, 3))

    sigma = (np.arange(1000) + 1) / 1000
    line = replace(
        ddpm.DDPM,
        process="line",
        scheduler=lambda profile: FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000),
        loss=straight,
        path=lambda scheduler: (1 - sigma, sigma),
        estimate=lambda net, x_t, t, signal, sigma: x_t - sigma * net(x_t, t).sample,
    )
    fit(tmp_path, replace(TINY, max_steps=2, eval_every=2), line)
    still = SamplerChoice(Integrator("still", "Still", "a test", lambda denoise, x, sigmas, draws: x, 1), 1)
    model = TrainedModel(tmp_path / "best", line, still, TINY, "fp32")
    asked.clear()
    found = model.losses(blobs(3).unit(), 0.5, 0)
    assert found.shape == (3,) and np.isfinite(found).all() and asked == [{499}]


def test_what_is_stored_for_the_audit(model):
    data = Prepared(Path(), "0", "made up", "phantom", blobs(12), blobs(4), blobs(6))
    outputs = losses.produce(model, data, TINY, 0)
    assert {name: part.shape for name, part in outputs.items()} == {
        "train_rows": (12,),
        "train_loss": (5, 12),
        "test_rows": (6,),
        "test_loss": (5, 6),
    }
    assert losses.produce(object(), data, TINY, 0) == {}, "a control has no network and no loss"


def test_subjects_enter_in_equal_parts():
    subjects = ["many"] * 40 + ["some"] * 5 + ["few"] * 2
    rows = losses.equal_by_subject(subjects, 12, "train", 0)
    assert Counter(subjects[row] for row in rows) == {"many": 5, "some": 5, "few": 2}
    assert list(rows) == sorted(set(rows))
    assert (rows == losses.equal_by_subject(subjects, 12, "train", 0)).all()
    assert (rows != losses.equal_by_subject(subjects, 12, "train", 1)).any()
    assert len(losses.equal_by_subject(subjects, 256, "train", 0)) == len(subjects)


def test_levels_are_those_of_the_linear_schedule():
    levels = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    assert np.allclose([levels[t - 1] for t in (50, 100, 250, 500, 750)], losses.LEVELS, atol=6e-6)
