"""Frozen variant, a variant for mribench: here DDPM with the cosine schedule. Replace schedule and loss by yours."""

from mribench.spec import Profile, Variant
from mribench.variants.ddpm import network


def scheduler(profile: Profile):
    """The forward process q(x_t | x_0): Nichol & Dhariwal 2021, arXiv 2102.09672, equation 17."""
    from diffusers import DDPMScheduler

    return DDPMScheduler(
        num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2", prediction_type=profile.prediction
    )


def loss(net, scheduler, x0, noise, t):
    """float32 (N,): squared error of what the profile predicts, per image; x0, noise: (N, 1, H, W)."""
    x_t = scheduler.add_noise(x0, noise, t)
    epsilon = scheduler.config.prediction_type == "epsilon"
    target = noise if epsilon else scheduler.get_velocity(x0, noise, t)
    return (net(x_t, t).sample.float() - target).square().mean(dim=(1, 2, 3))


FROZEN_VARIANT = Variant(
    name="frozen-variant",
    title="Frozen variant",
    paper="the paper, with its arXiv number",
    network=network,
    scheduler=scheduler,
    loss=loss,
)
