"""Samplers: how the reverse process is integrated. Each is a diffusers scheduler and the timesteps it visits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.spec import Integrator, Sampler

if TYPE_CHECKING:
    import numpy as np

RHO = 7.0  # Karras et al. 2022, table 1
SIGMA_MAX = 80.0  # Karras et al. 2022, table 1; above it an image is lost in the noise
SPACED_FROM = 200.0  # above the end of DDPM's linear schedule, 157
SIGMA_MIN = 0.06  # of images in [-1, 1]: below the noise of a magnitude image at an SNR of 30
MAX_STEPS = 1000


class SamplerChoice(NamedTuple):
    """A sampler with a number of steps, as one row of a board has it."""

    sampler: Sampler | Integrator
    steps: int  # timesteps, or noise levels of an integrator

    @property
    def name(self) -> str:
        """'ddim-50'."""
        return f"{self.sampler.name}-{self.steps}"

    @property
    def nfe(self) -> int:
        """Network evaluations from noise; of an integrator about so many."""
        return self.steps * (self.sampler.evaluations if isinstance(self.sampler, Integrator) else 1)


def resolve(name: str) -> SamplerChoice:
    """'ddim-50' -> the ddim sampler with 50 steps; 'ddim' -> with its default number of steps.

    Raises InputError for an unknown sampler or a number of steps outside 1..1000.
    """
    numbered = re.fullmatch(r"(.+)-(\d+)", name)
    if name in lookup.names("samplers") or not numbered:
        sampler = lookup.load("samplers", name)
        return SamplerChoice(sampler, sampler.default_steps)
    steps = int(numbered[2])
    if not 1 <= steps <= MAX_STEPS:
        raise InputError(f"sampler {name!r} asks for {steps} steps; expected 1 to {MAX_STEPS}")
    return SamplerChoice(lookup.load("samplers", numbered[1]), steps)


def with_nfe(sampler: Sampler | Integrator, nfe: int) -> SamplerChoice:
    """A sampler with as many steps as make about ``nfe`` network evaluations."""
    return SamplerChoice(sampler, max(1, math.ceil(nfe / SamplerChoice(sampler, 1).nfe)))


def at_each_nfe(names: Iterable[str], nfes: Sequence[int]) -> list[str]:
    """'heun' at 5 and 10 network evaluations -> 'heun-3', 'heun-5'.

    Raises InputError for a name that carries a number of steps, and for evaluations outside 1..1000.
    """
    for nfe in nfes:
        if not 1 <= nfe <= MAX_STEPS:
            raise InputError(f"NFE {nfe} is asked for; expected 1 to {MAX_STEPS}")
    found = []
    for name in names:
        if name not in lookup.names("samplers") and re.fullmatch(r".+-\d+", name):
            raise InputError(
                f"sampler {name!r} has its steps in its name and NFE are asked for; leave out one of the two"
            )
        found += [with_nfe(lookup.load("samplers", name), nfe).name for nfe in nfes]
    return list(dict.fromkeys(found))


def _ddpm_scheduler(config: Any) -> Any:
    from diffusers import DDPMScheduler

    return DDPMScheduler.from_config(config, timestep_spacing="trailing")


def _ddim_scheduler(config: Any) -> Any:
    from diffusers import DDIMScheduler

    # trailing: the first step starts at t = T - 1, where the training noise is (Lin et al., arXiv 2305.08891)
    # a clipped x_0 beside noise that is not clipped makes black greyer with each step; the paper clips nothing
    return DDIMScheduler.from_config(config, timestep_spacing="trailing", clip_sample=False)


def _dpm_solver_scheduler(config: Any) -> Any:
    from diffusers import DPMSolverMultistepScheduler

    return DPMSolverMultistepScheduler.from_config(
        config, algorithm_type="dpmsolver++", timestep_spacing="trailing"
    )


def _unipc_scheduler(config: Any) -> Any:
    from diffusers import UniPCMultistepScheduler

    return UniPCMultistepScheduler.from_config(config, timestep_spacing="trailing")


def spaced_timesteps(scheduler: Any, steps: int, start: int | None) -> list[int]:
    """Timesteps ``start``, ``start - T/steps``, ... down to 0 or just above; without ``start`` the scheduler's own.

    The stride is that of a full run with ``steps`` steps, so that denoising from x_t costs its share of the NFE.
    """
    if start is None:
        scheduler.set_timesteps(steps)
        return scheduler.timesteps.tolist()
    return list(range(start, -1, -max(1, scheduler.config.num_train_timesteps // steps)))


def _listed_timesteps(scheduler: Any, steps: int, start: int | None) -> list[int]:
    """``spaced_timesteps``, for schedulers that keep the list of timesteps as state."""
    timesteps = spaced_timesteps(scheduler, steps, start)
    if start is not None:
        scheduler.set_timesteps(timesteps=timesteps)
    return timesteps


def noise_levels(steps: int, least: float, largest: float) -> np.ndarray:
    """float64 (steps,), descending: Karras et al. 2022, arXiv 2206.00364, equation 5 with rho 7.

    To ``SIGMA_MIN`` at the least, below which the last step removes all noise at once. Equal strides in t would spend
    most of the steps where there is only noise, and one step on all fine detail.
    """
    import numpy as np

    levels: np.ndarray = np.linspace(largest ** (1 / RHO), max(SIGMA_MIN, least) ** (1 / RHO), steps) ** RHO
    return levels


def _karras_spaced(scheduler: Any, steps: int, start: int | None) -> list[int]:
    """The timesteps nearest to the ``noise_levels`` of a full run; from x_t its own and those below it.

    A full run starts at T - 1, and its levels are spaced as from ``SPACED_FROM`` at most: the cosine schedule ends at
    sigma 20,000, and half of 16 steps would go where there is only noise. From x_t they are spaced as those of the
    integrators, so that equal noise costs equal NFE, whatever the noise schedule.
    """
    import numpy as np

    alpha_bar = scheduler.alphas_cumprod.double()
    sigma = ((1 - alpha_bar) / alpha_bar).sqrt().numpy()
    levels = noise_levels(steps, sigma[0], min(SPACED_FROM if start is None else SIGMA_MAX, sigma[-1]))
    timesteps = [len(sigma) - 1 if start is None else start]
    below = levels[1:] if start is None else levels[levels < sigma[start]][:start]
    for steps_left, level in zip(range(len(below) - 1, -1, -1), below, strict=True):
        nearest = int(np.abs(np.log(sigma / level)).argmin())
        # each timestep once, and room for those that are left
        timesteps.append(max(steps_left, min(nearest, timesteps[-1] - 1)))
    return timesteps


def _karras_timesteps(scheduler: Any, steps: int, start: int | None) -> list[int]:
    timesteps = _karras_spaced(scheduler, steps, start)
    scheduler.set_timesteps(timesteps=timesteps)
    return timesteps


def _unipc_timesteps(scheduler: Any, steps: int, start: int | None) -> list[int]:
    """As ``_karras_timesteps``. The scheduler takes no list of timesteps: it is told them after it was reset."""
    timesteps = _karras_spaced(scheduler, steps, start)
    scheduler.set_timesteps(len(timesteps))
    alpha_bar = scheduler.alphas_cumprod[timesteps]
    sigmas = ((1 - alpha_bar) / alpha_bar).sqrt()
    scheduler.timesteps = scheduler.timesteps.new_tensor(timesteps)
    scheduler.sigmas = sigmas.new_tensor([*sigmas.tolist(), 0.0])
    return timesteps


def _ddim_timesteps(scheduler: Any, steps: int, start: int | None) -> list[int]:
    """DDIM's step() goes back by T // steps: visit just that, also where steps does not divide T, so that ddim-16 takes
    17 evaluations; the record counts them."""
    scheduler.set_timesteps(steps)
    return spaced_timesteps(
        scheduler, steps, scheduler.config.num_train_timesteps - 1 if start is None else start
    )


DDPM = Sampler(
    name="ddpm",
    title="DDPM ancestral",
    paper="Ho et al. 2020, arXiv 2006.11239, algorithm 2",
    scheduler=_ddpm_scheduler,
    timesteps=_listed_timesteps,
    default_steps=1000,
)
DDIM = Sampler(
    name="ddim",
    title="DDIM, eta 0",
    paper="Song et al. 2020, arXiv 2010.02502, equation 12",
    scheduler=_ddim_scheduler,
    timesteps=_ddim_timesteps,
    default_steps=50,
    version=2,  # 1: x_0 was clipped
)
DPM_SOLVER = Sampler(
    name="dpm-solver",
    title="DPM-Solver++ 2M",
    paper="Lu et al. 2022, arXiv 2211.01095, algorithm 2",
    scheduler=_dpm_solver_scheduler,
    timesteps=_karras_timesteps,
    default_steps=20,
    version=2,
)
UNIPC = Sampler(
    name="unipc",
    title="UniPC",
    paper="Zhao et al. 2023, arXiv 2302.04867, algorithms 5 and 6",
    scheduler=_unipc_scheduler,
    timesteps=_unipc_timesteps,
    default_steps=20,
)
