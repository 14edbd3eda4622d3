"""How many steps a stage may take: every family spends what the profile's own U-Net would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch

from mribench.spec import Batch, Profile, Stage
from mribench.training.draws import BatchDraws
from mribench.training.space import Space
from mribench.training.stages import diffusion_stage
from mribench.variants.ddpm import DDPM


@dataclass(frozen=True)
class StepCost:
    """FLOPs for one image, forward and backward, in a step at full size and in a coarse one."""

    full: int
    coarse: int

    def mean(self, share_of_coarse: float) -> float:
        """Over a schedule with that share of coarse steps."""
        return (1 - share_of_coarse) * self.full + share_of_coarse * self.coarse

    def total(self, profile: Profile, steps: int) -> int:
        """FLOPs of a training that ended after so many steps."""
        coarse = min(steps, profile.coarse_steps)
        return profile.batch_size * (coarse * self.coarse + (steps - coarse) * self.full)


def budgeted(profile: Profile, n: int, share: float, cost: StepCost) -> Profile:
    """The profile with as many steps as a stage may take on ``n`` training images.

    The binding bound is a share of the training FLOPs of the profile's own U-Net on its own schedule, the second one
    the same share of the images that it sees: a cheap network is not trained for ever.
    """
    steps = profile.total_steps(n)
    coarse = profile.coarse_steps / steps
    # 1: no FLOPs are counted where no operation is a convolution or a product of matrices
    part = share * min(1.0, reference_cost(profile).mean(coarse) / max(1, cost.mean(coarse)))
    if part == 1.0:
        return profile
    allowed = max(1, int(steps * part))
    return replace(
        profile,
        max_steps=allowed,
        max_epochs=None,
        coarse_steps=int(allowed * coarse),
        # else a short stage would end within its warm-up, at a fraction of its learning rate
        warmup_steps=int(profile.warmup_steps * part),
    )


def step_cost(stage: Stage, net: Any, earlier: Mapping[str, Any], profile: Profile) -> StepCost:
    """What a step of a stage costs: the losses of all its updates and their gradients, no optimiser.

    net: as ``Stage.network`` made it, not yet changed for this machine; it is left as it was.
    """
    full = _flops(stage, net, earlier, profile.size)
    if not (stage.coarse and profile.coarse_steps):
        return StepCost(full, full)
    return StepCost(full, _flops(stage, net, earlier, profile.size // 2))


@lru_cache(maxsize=8)
def reference_cost(profile: Profile) -> StepCost:
    """What a step of the profile's own U-Net costs."""
    with torch.random.fork_rng():
        stage = diffusion_stage(DDPM, DDPM.scheduler(profile), Space(DDPM))
        return step_cost(stage, DDPM.network(profile), {}, profile)


def _flops(stage: Stage, net: Any, earlier: Mapping[str, Any], size: int) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    where = next(net.parameters()).device
    draws = BatchDraws(torch.Generator(where).manual_seed(0), 2, slice(None))
    label = torch.zeros(2, dtype=torch.int64, device=where)
    batch = Batch(torch.zeros(2, 1, size, size, device=where), label)
    was_training = net.training
    net.eval()  # else a batch norm would note these images
    with torch.random.fork_rng(), FlopCounterMode(display=False) as counter:
        for update in stage.updates:
            update.loss(net, batch, earlier, draws).sum().backward()
    net.zero_grad()
    net.train(was_training)
    return counter.get_total_flops() // 2
