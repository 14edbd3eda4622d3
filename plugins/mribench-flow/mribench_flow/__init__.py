"""Rectified flow, a variant for mribench with its own forward process and the sampler that reverses it.

Liu, Gong & Liu, arXiv 2209.03003; Lipman et al., arXiv 2210.02747 (optimal transport path, sigma_min = 0). In the time
of diffusers 0 is the image and 1 the noise: x_sigma = (1 - sigma) x_0 + sigma eps; t in [0, T) is sigma = (t + 1) / T.
"""

import numpy as np

from mribench.spec import Profile, Sampler, Variant
from mribench.variants.ddpm import network

TIMESTEPS = 1000


def scheduler(profile: Profile):
    """The straight path from image to noise."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=TIMESTEPS)


def path(scheduler):
    """(1 - sigma_t, sigma_t), float64 (T,) each: the forward process, at the timesteps that the loss is asked for."""
    steps = scheduler.config.num_train_timesteps
    sigma = (np.arange(steps) + 1) / steps
    return 1 - sigma, sigma


def loss(net, scheduler, x0, noise, t):
    """float32 (N,): || (eps - x_0) - v(x_sigma, sigma) ||^2 per image; Liu et al., equation 1."""
    time = t + 1
    sigma = (time / scheduler.config.num_train_timesteps)[:, None, None, None]
    x_sigma = (1 - sigma) * x0 + sigma * noise
    return (net(x_sigma, time).sample.float() - (noise - x0)).square().mean(dim=(1, 2, 3))


def estimate(net, x_t, t, signal, sigma):
    """x_0 = x_sigma - sigma v: along a straight line the velocity leads there. The network counts sigma from 1 / T."""
    return x_t - sigma * net(x_t, t + 1).sample.float()


def euler(config):
    """The ordinary differential equation dx = v(x, sigma) dsigma, one Euler step at a time."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler.from_config(config)


def timesteps(scheduler, steps, start):
    """sigma from 1, or from that of ``start``, evenly down to 0; the stride is that of a full run."""
    total = scheduler.config.num_train_timesteps
    first = total if start is None else start + 1
    count = max(1, round(steps * first / total))
    scheduler.set_timesteps(sigmas=np.linspace(first / total, 0, count + 1)[:-1].tolist())
    return scheduler.timesteps.tolist()


FLOW = Variant(
    name="flow",
    title="Rectified flow",
    paper="Liu et al. 2022, arXiv 2209.03003; Lipman et al. 2022, arXiv 2210.02747",
    network=network,
    scheduler=scheduler,
    loss=loss,
    process="flow",
    path=path,
    estimate=estimate,
)
EULER = Sampler(
    name="flow-euler",
    title="Euler steps along the flow",
    paper="Liu et al. 2022, arXiv 2209.03003, algorithm 1",
    scheduler=euler,
    timesteps=timesteps,
    default_steps=50,
    process="flow",
)
