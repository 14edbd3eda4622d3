"""Each family against what its paper's equations give in closed form."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_score import cosine, edm, masked, min_snr, p2, sub_vp, ve, x0

from mribench.sampling.denoiser import VariantDenoiser

T = 1000
WIDTH = 0.3  # standard deviation of the Gaussian images


def profile(prediction="epsilon"):
    return SimpleNamespace(prediction=prediction)


class Answers:
    """A network that answers by a function of what it is shown."""

    training = False

    def __init__(self, answer):
        self._answer = answer

    def __call__(self, x, t):
        self.seen, self.t = x, t
        return SimpleNamespace(sample=self._answer(x))


def draw(n, *shape, width=1.0, seed=0):
    return width * torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))


def test_the_cosine_schedule_is_equation_17():
    f = np.cos((np.arange(T + 1) / T + 0.008) / 1.008 * np.pi / 2) ** 2
    betas = np.minimum(1 - f[1:] / f[:-1], 0.999)
    expected = np.cumprod(1 - betas)
    assert np.allclose(cosine.scheduler(profile()).alphas_cumprod, expected, rtol=1e-3, atol=1e-9)


def x0_and_noise_of(prediction, out, x_t, alpha_bar):
    signal, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    if prediction == "epsilon":
        return (x_t - sigma * out) / signal, out
    return signal * x_t - sigma * out, sigma * x_t + signal * out


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("t", [3, 200, 900])
def test_weights_are_those_of_the_papers_whatever_the_network_predicts(t, prediction):
    image, noise, out = (draw(2, 1, 8, 8, seed=seed) for seed in range(3))
    net, when = Answers(lambda x: out), torch.full((2,), t)
    for family in (min_snr, p2):
        scheduler = family.DDPM.scheduler(profile(prediction))
        alpha_bar = scheduler.alphas_cumprod[t]
        x_t = alpha_bar.sqrt() * image + (1 - alpha_bar).sqrt() * noise
        image_out, noise_out = x0_and_noise_of(prediction, out, x_t, alpha_bar)
        ratio = alpha_bar / (1 - alpha_bar)
        if family is min_snr:
            expected = min(ratio, 5.0) * (image_out - image).square().mean(dim=(1, 2, 3))
        else:
            expected = (noise_out - noise).square().mean(dim=(1, 2, 3)) / (1 + ratio)
        assert torch.allclose(family.loss(net, scheduler, image, noise, when), expected, rtol=1e-3)


def test_x0_teaches_the_image():
    image, noise = draw(2, 1, 8, 8), draw(2, 1, 8, 8, seed=1)
    scheduler, t = x0.scheduler(profile()), torch.tensor([10, 900])
    assert scheduler.config.prediction_type == "sample"
    assert x0.loss(Answers(lambda x: image), scheduler, image, noise, t).abs().max() == 0
    assert x0.loss(Answers(lambda x: noise), scheduler, image, noise, t).min() > 0.1


def gaussian_case(family, t, n=200_000):
    """Images N(0, WIDTH^2) of one pixel, noise, signal and sigma at t."""
    scheduler = family.scheduler(profile())
    signal, sigma = (float(part[t]) for part in family.path(scheduler))
    return scheduler, draw(n, 1, 1, 1, width=WIDTH), draw(n, 1, 1, 1, seed=1), signal, sigma


@pytest.mark.parametrize("t", [0, 300, 600, 999])
def test_edm_has_the_loss_of_the_optimal_denoiser_at_each_level(t):
    """lambda E || D - x_0 ||^2 = s^2 (sigma^2 + sd^2) / (sd^2 (s^2 + sigma^2)) of images N(0, s^2)."""
    scheduler, image, noise, _, sigma = gaussian_case(edm, t)
    sd = scheduler.config.sigma_data
    x, norm = image + sigma * noise, sigma**2 + sd**2
    wiener = WIDTH**2 / (WIDTH**2 + sigma**2) * x
    # equation 7 solved for F
    answer = (wiener - sd**2 / norm * x) / (sigma * sd / math.sqrt(norm))
    net, when = Answers(lambda seen: answer), torch.full((len(image),), t)
    expected = WIDTH**2 * norm / (sd**2 * (WIDTH**2 + sigma**2))
    assert edm.loss(net, scheduler, image, noise, when).mean().item() == pytest.approx(expected, rel=0.02)
    # what it is shown: c_in and c_noise of table 1
    assert net.seen.std().item() == pytest.approx(math.sqrt((WIDTH**2 + sigma**2) / norm), rel=0.02)
    assert net.t[0].item() == pytest.approx(math.log(sigma) / 4, abs=1e-5)


def test_edm_preconditions_as_diffusers_does():
    x, out, sigma = (
        draw(3, 1, 4, 4),
        draw(3, 1, 4, 4, seed=1),
        torch.tensor([0.01, 0.5, 16.0])[:, None, None, None],
    )
    scheduler, net = edm.scheduler(profile()), Answers(lambda x: out)
    found = edm.estimate(net, x, None, sigma**0, sigma)
    assert torch.allclose(found, scheduler.precondition_outputs(x, out, sigma), atol=1e-5)
    assert torch.allclose(net.seen, scheduler.precondition_inputs(x, sigma), atol=1e-5)
    assert torch.allclose(net.t, scheduler.precondition_noise(sigma).flatten(), atol=1e-5)


def test_the_levels_of_edm_are_log_normal():
    signal, sigma = edm.path(edm.scheduler(profile()))
    assert (signal == 1).all()
    assert np.log(sigma).mean() == pytest.approx(-1.2, abs=1e-6)
    assert np.log(sigma).std() == pytest.approx(1.2, rel=0.005)
    # equally likely: the share below each level is that of the normal distribution
    share = [0.5 * (1 + math.erf((math.log(s) + 1.2) / (1.2 * math.sqrt(2)))) for s in sigma]
    assert np.allclose(share, (np.arange(T) + 0.5) / T, atol=1e-9)


PAPERS = {"ve": lambda: ve.levels(), "sub-vp": lambda: np.divide(*sub_vp.path(profile())[::-1])}


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("t", [50, 400, 900])
@pytest.mark.parametrize("variant", [ve.VE, sub_vp.SUB_VP], ids=["ve", "sub-vp"])
def test_a_process_is_a_diffusion_at_its_papers_levels(variant, t, prediction):
    """Of images N(0, s^2): E || eps - eps_theta ||^2 = s^2 / (s^2 + sigma^2), and D is the Wiener filter."""
    sigma = PAPERS[variant.name]()[t]
    scheduler = variant.scheduler(profile(prediction))
    image, noise = draw(200_000, 1, 1, 1, width=WIDTH), draw(200_000, 1, 1, 1, seed=1)
    power, length = WIDTH**2 + sigma**2, math.sqrt(1 + sigma**2)
    # the network sees x_t / length; v = (eps - sigma x_0) / length
    of_seen = length * (sigma / power if prediction == "epsilon" else sigma * (1 - WIDTH**2) / power / length)
    net, when = Answers(lambda seen: of_seen * seen), torch.full((len(image),), t)
    expected = WIDTH**2 / power * (1 if prediction == "epsilon" else length**2)
    assert variant.loss(net, scheduler, image, noise, when).mean().item() == pytest.approx(
        expected, rel=0.02, abs=1e-6
    )
    x = image + sigma * noise
    found = VariantDenoiser(variant, net, scheduler)(x, float(sigma))
    assert torch.allclose(found, WIDTH**2 / power * x, rtol=2e-3, atol=3e-4)


def moments(drift, diffusion, steps=20_000):
    """Mean of x_0 = 1 and variance of x_0 = 0 along dx = drift(t) x dt + diffusion(t) dw, at t in (0, 1].

    Those of the Euler-Maruyama chain, without its random numbers.
    """
    mean, variance, dt, found = 1.0, 0.0, 1 / steps, []
    for step in range(steps):
        t = (step + 0.5) * dt
        mean *= 1 + drift(t) * dt
        variance = (1 + drift(t) * dt) ** 2 * variance + diffusion(t) ** 2 * dt
        found.append((mean, variance))
    return np.array(found)[steps // T - 1 :: steps // T].T


def test_the_kernel_of_sub_vp_is_that_of_its_sde():
    """dx = -beta/2 x dt + sqrt(beta (1 - exp(-2 int beta))) dw; Song et al., equation 28."""

    def beta(t):
        return 0.1 + 19.9 * t

    def spread(t):
        return math.sqrt(beta(t) * (1 - math.exp(-2 * (0.1 * t + 19.9 * t**2 / 2))))

    mean, variance = moments(lambda t: -beta(t) / 2, spread)
    signal, sigma = sub_vp.path(profile())
    # DDPM's betas are the SDE's at a thousand steps: 9 % less noise at the first of them, 3 % less signal at the last
    assert np.allclose(signal, mean, rtol=0.04) and np.allclose(signal[:500], mean[:500], rtol=0.005)
    assert np.allclose(sigma, variance**0.5, rtol=0.1)
    assert np.allclose(sigma[100:], variance[100:] ** 0.5, rtol=0.01)


def test_the_kernel_of_ve_is_that_of_its_sde():
    """dx = sqrt(d sigma^2 / dt) dw from sigma_min on; Song et al., equation 9."""
    sigma = ve.levels()
    rate = 2 * math.log(ve.SIGMA_MAX / ve.SIGMA_MIN)
    _, variance = moments(lambda t: 0.0, lambda t: ve.SIGMA_MIN * math.exp(rate * t / 2) * math.sqrt(rate))
    there = ve.SIGMA_MIN**2 + variance
    # level i of T - 1 steps lies at t = i / (T - 1)
    expected = np.interp(np.arange(T) / (T - 1), (np.arange(T) + 1) / T, np.log(there) / 2)
    assert np.allclose(np.log(sigma[2:]), expected[2:], atol=0.01)


def test_masks_belong_to_training():
    net = Answers(lambda x: torch.zeros_like(x))
    image, noise, t = draw(400, 1, 16, 16), draw(400, 1, 16, 16, seed=1), torch.full((400,), 300)
    scheduler = masked.MASKED.scheduler(profile())
    plain = x0.loss(net, scheduler, image, noise, t)
    whole = net.seen
    assert torch.equal(masked.loss(net, scheduler, image, noise, t), plain)
    assert torch.equal(net.seen, whole)
    net.training = True
    torch.manual_seed(0)
    # the target is the image where it is hidden too
    assert torch.equal(masked.loss(net, scheduler, image, noise, t), plain)
    hidden = net.seen == 0
    assert torch.equal(net.seen[~hidden], whole[~hidden])
    patches = hidden.view(400, 8, 2, 8, 2).permute(0, 1, 3, 2, 4).flatten(3)
    assert torch.equal(patches.any(3), patches.all(3))
    of_images = hidden.flatten(1).float().mean(1)
    assert (of_images == 0).float().mean().item() == pytest.approx(0.5, abs=0.08)
    assert of_images[of_images > 0].mean().item() == pytest.approx(0.25, abs=0.02)
