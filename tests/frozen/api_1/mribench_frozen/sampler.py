"""Frozen sampler, a sampler for mribench: here DPM-Solver++ of third order. Replace the scheduler by yours."""

from mribench.spec import Sampler


def scheduler(config):
    """A diffusers scheduler made from the config that the variant was trained with."""
    from diffusers import DPMSolverMultistepScheduler

    return DPMSolverMultistepScheduler.from_config(
        config, algorithm_type="dpmsolver++", solver_order=3, timestep_spacing="trailing"
    )


def timesteps(scheduler, steps, start):
    """Where the network is asked: ``steps`` times from noise; from x_t at ``start`` with the same stride."""
    if start is None:
        scheduler.set_timesteps(steps)
    else:
        stride = max(1, scheduler.config.num_train_timesteps // steps)
        scheduler.set_timesteps(timesteps=list(range(start, -1, -stride)))
    return scheduler.timesteps.tolist()


FROZEN_SAMPLER = Sampler(
    name="frozen-sampler",
    title="Frozen sampler",
    paper="the paper, with its arXiv number and equation",
    scheduler=scheduler,
    timesteps=timesteps,
    default_steps=20,
)
