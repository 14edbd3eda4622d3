"""Sampling: image i depends on (seed, i) alone, the NFE is what was spent, denoising starts where it says."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from tiny import TINY, fit

from mribench.errors import InputError
from mribench.sampling import samplers
from mribench.sampling.sample import TrainedModel
from mribench.spec import Network
from mribench.variants import ddpm

# the tolerance that PROTOCOL and sample.Trained state, in grey range [0, 1], fp32
BETWEEN_BATCH_SIZES = 1e-3


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    fit(folder, replace(TINY, max_steps=60, eval_every=60, network=Network((8, 16), 1)))
    return folder / "best"


def model(pipeline, name, batch=4):
    sampler = samplers.resolve(name)
    return TrainedModel(pipeline, ddpm.DDPM, sampler, replace(TINY, sample_batch=batch), "fp32")


@pytest.mark.parametrize("name", ["ddpm-20", "ddim-10", "dpm-solver-8"])
def test_an_image_depends_on_seed_and_index_alone(pipeline, name):
    four = model(pipeline, name, batch=4)
    images = four.generate(range(6), seed=3)
    assert images.shape == (6, 16, 16) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1
    assert np.array_equal(images[[5, 2]], four.generate([5, 2], seed=3))
    assert not np.allclose(images[0], four.generate([0], seed=4)[0], atol=0.05)
    other = model(pipeline, name, batch=3).generate(range(6), seed=3)
    assert np.abs(images - other).max() < BETWEEN_BATCH_SIZES


@pytest.mark.parametrize(("name", "nfe"), [("ddpm-20", 20), ("ddim-10", 10), ("dpm-solver-8", 8)])
def test_nfe_is_what_the_network_was_asked(pipeline, name, nfe):
    trained = model(pipeline, name, batch=2)
    calls = []
    trained.net.register_forward_hook(lambda *_: calls.append(1))
    trained.generate(range(2), seed=0)
    assert len(calls) == nfe and trained.nfe == [nfe]
    x_t = np.random.default_rng(0).standard_normal((2, 16, 16))
    trained.denoise(x_t, 0.52409, seed=0)  # after 250 of 1,000 steps
    assert trained.nfe[1] == len(calls) - nfe
    assert nfe / 4 <= trained.nfe[1] <= nfe / 4 + 2


@pytest.mark.parametrize("name", ["ddpm-100", "ddim-50", "dpm-solver-20"])
def test_little_noise_is_undone_better_than_it_is_left(pipeline, name):
    """Denoising from a high alpha-bar must come closer to the image than rescaling its noisy version does."""
    from tiny import blobs

    split = blobs(8)
    x0 = split.unit() * 2 - 1
    alpha_bar = 0.89702
    x_t = np.sqrt(alpha_bar) * x0 + np.sqrt(1 - alpha_bar) * np.random.default_rng(0).standard_normal(
        x0.shape
    )
    restored = model(pipeline, name, batch=8).denoise(x_t, alpha_bar, seed=0)
    left = np.clip((x_t / np.sqrt(alpha_bar) + 1) / 2, 0, 1)
    assert np.square(restored - split.unit()).mean() < np.square(left - split.unit()).mean()


def test_a_perfect_network_gives_the_image_back(pipeline):
    """With the true noise as prediction every sampler must end at x_0 exactly: the start level and the steps agree."""
    import torch

    x0 = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    for name in ("ddim-50", "dpm-solver-50"):
        trained = model(pipeline, name)
        levels = trained.train_scheduler.alphas_cumprod

        class Oracle(torch.nn.Module):
            def forward(self, x, t, levels=levels):
                from types import SimpleNamespace

                a = levels[t]
                eps = (x - a.sqrt() * x0) / (1 - a).sqrt()
                return SimpleNamespace(sample=a.sqrt() * eps - (1 - a).sqrt() * x0)

        trained.net = Oracle()
        a = levels[249]
        x_t = (a.sqrt() * x0 + (1 - a).sqrt() * eps)[:, 0].numpy()
        restored = trained.denoise(x_t, float(a), seed=0)
        assert np.abs(restored - (x0[:, 0].numpy() + 1) / 2).max() < 0.02, name


def test_trajectory_runs_from_noise_to_the_generated_image(pipeline):
    trained = model(pipeline, "ddim-10", batch=2)
    frames = trained.trajectory(range(2), seed=0, frames=5)
    assert frames.shape == (2, 5, 16, 16)
    assert np.abs(frames[:, -1] - trained.generate(range(2), seed=0)).max() < BETWEEN_BATCH_SIZES


@pytest.mark.parametrize("name", ["ddim-0", "ddim-1001", "ddin-50", "ddim-x"])
def test_a_sampler_that_is_not_there_is_refused_in_words(name):
    with pytest.raises(InputError):
        samplers.resolve(name)


def test_names_with_and_without_steps():
    assert samplers.resolve("ddim").steps == 50
    assert samplers.resolve("dpm-solver-12").name == "dpm-solver-12"


@pytest.mark.parametrize("steps", [1, 2, 7, 16, 50, 333, 1000])
def test_dpm_solver_spaces_its_levels_of_noise_as_karras(steps):
    """Every step once, from T - 1 down to SIGMA_MIN, equal in sigma^(1/7) as far as whole timesteps allow."""
    scheduler = ddpm.DDPM.scheduler(TINY)
    own = samplers.DPM_SOLVER.scheduler(scheduler.config)
    timesteps = samplers.DPM_SOLVER.timesteps(own, steps, None)
    assert len(set(timesteps)) == steps and timesteps == sorted(timesteps, reverse=True)
    assert timesteps[0] == 999 and own.timesteps.tolist() == timesteps
    sigma = ((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod).sqrt().numpy()[timesteps]
    if 1 < steps <= 16:
        assert sigma[-1] == pytest.approx(samplers.SIGMA_MIN, rel=0.05)
        assert np.ptp(np.diff(sigma ** (1 / 7))) < 0.02


def test_a_schedule_that_ends_in_noise_alone_spends_no_steps_there():
    """The cosine schedule ends at sigma 20,000; one step is enough above 200, of which seven of 16 were taken."""
    config = {**ddpm.DDPM.scheduler(TINY).config, "beta_schedule": "squaredcos_cap_v2"}
    own = samplers.DPM_SOLVER.scheduler(config)
    timesteps = samplers.DPM_SOLVER.timesteps(own, 16, None)
    sigma = ((1 - own.alphas_cumprod) / own.alphas_cumprod).sqrt().numpy()[timesteps]
    assert timesteps[0] == 999 and sigma[0] > 10_000
    assert (sigma[1:] < 200).all() and np.ptp(np.diff(sigma[1:] ** (1 / 7))) < 0.05


@pytest.mark.parametrize("sampler", [samplers.DPM_SOLVER, samplers.UNIPC])
@pytest.mark.parametrize(("steps", "nfe"), [(1, [1, 1, 1]), (16, [4, 6, 8]), (1000, [None, None, None])])
def test_equal_noise_costs_equal_nfe_whatever_the_schedule(sampler, steps, nfe):
    """From x_t: its own level and those of an integrator's run below it, which depend on nothing but the noise."""
    config = ddpm.DDPM.scheduler(TINY).config
    for alpha_bar, evaluations in zip((0.89702, 0.52409, 0.07859), nfe, strict=True):
        for schedule in ("linear", "squaredcos_cap_v2"):
            own = sampler.scheduler({**config, "beta_schedule": schedule})
            start = int((own.alphas_cumprod - alpha_bar).abs().argmin())
            timesteps = sampler.timesteps(own, steps, start)
            assert timesteps[0] == start and own.timesteps.tolist() == timesteps
            assert all(a > b >= 0 for a, b in pairwise(timesteps))
            assert len(timesteps) == (evaluations or len(timesteps))
    assert sampler.timesteps(own, steps, 0) == [0]


@pytest.mark.parametrize("steps", [30, 300, 400, 700])
def test_ddim_steps_where_it_says_it_is(pipeline, steps):
    """An exact score of N(0, 0.2^2) data must give that spread back, also where steps does not divide T."""
    from types import SimpleNamespace

    import torch

    trained = model(pipeline, f"ddim-{steps}", batch=64)
    levels = trained.train_scheduler.alphas_cumprod

    class Exact(torch.nn.Module):
        def forward(self, x, t):
            a = levels[t]
            return SimpleNamespace(sample=v_of(x, a))

    def v_of(x, a):
        """E[v | x_t] for Gaussian data: linear in x_t."""
        variance = a * 0.04 + 1 - a
        x0, eps = a.sqrt() * 0.04 / variance * x, (1 - a).sqrt() / variance * x
        return a.sqrt() * eps - (1 - a).sqrt() * x0

    trained.net = Exact()
    images = trained.generate(range(64), seed=0) * 2 - 1
    assert images.std() == pytest.approx(0.2, rel=0.2 if steps < 100 else 0.06)


def test_a_plugins_own_network_class_comes_back(tmp_path):
    """DDPMPipeline would not know the class; the variant does."""
    from diffusers import UNet2DModel
    from tiny import blobs

    from mribench.training.arguments import TrainingArguments
    from mribench.training.train import train

    class Own(UNet2DModel):
        pass

    def network(profile):
        plain = ddpm.network(profile)
        return Own.from_config(plain.config)

    variant = replace(ddpm.DDPM, network=network)
    profile = replace(TINY, max_steps=4)
    train(variant, TrainingArguments(blobs(24), blobs(8), profile, 0, tmp_path, "own"))
    sampler = samplers.resolve("ddim-4")
    trained = TrainedModel(tmp_path / "best", variant, sampler, profile, "fp32")
    assert type(trained.net) is Own and trained.generate(range(2), 0).shape == (2, 16, 16)


def test_unipc_is_nearer_to_the_solution_than_ddim_and_both_converge():
    """Of images N(0, 0.3^2) the noise of x_t is known, and the ODE scales what it starts with."""
    scheduler = ddpm.DDPM.scheduler(replace(TINY, prediction="epsilon"))
    width, alpha_bar = 0.3, scheduler.alphas_cumprod.double()
    variance = alpha_bar * width**2 + 1 - alpha_bar

    def error(sampler, steps):
        own = sampler.scheduler(scheduler.config)
        timesteps = sampler.timesteps(own, steps, None)
        x = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        for t in timesteps:
            x = own.step((1 - alpha_bar[t]).sqrt() / variance[t] * x, torch.tensor(t), x).prev_sample
        # x_0 of the ODE through 1 at T - 1; the last step to 0 gives E[x_0 | x], the same as far as there is no noise
        return abs(x.item() - width / variance[-1].sqrt().item())

    assert error(samplers.UNIPC, 12) < 0.2 * error(samplers.DDIM, 12)
    assert error(samplers.UNIPC, 50) < 0.01
