"""The candidates of ``mribench tune``: each changes one setting of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from mribench.spec import Profile, Variant
from mribench.variants.ddpm import DDPM


@dataclass(frozen=True)
class Candidate:
    """What is changed of a profile."""

    name: str
    changes: Mapping[str, Any] = field(
        default_factory=dict
    )  # fields of the profile; of its network as "network.X"
    coarse: float = 0.5  # share of the seconds for coarse steps
    snr: float | None = None  # cap of min-SNR weights; None: plain MSE
    betas: str = "linear"  # diffusers' name of the noise schedule
    budget: float = 1.0  # times the seconds

    def cost(self, profile: Profile) -> str:
        """What a step's time depends on. Of candidates with the same cost one is timed, and all get as many steps."""
        changed = self.applied(profile)
        return f"{changed.network}, batch {changed.batch_size}"

    def applied(self, profile: Profile) -> Profile:
        own = {k: v for k, v in self.changes.items() if not k.startswith("network.")}
        net = {k.removeprefix("network."): v for k, v in self.changes.items() if k.startswith("network.")}
        return replace(profile, **own, network=replace(profile.network, **net))

    def variant(self) -> Variant:
        made = weighted(self.snr) if self.snr else DDPM
        if self.betas == "linear":
            return made

        def scheduler(profile: Profile) -> Any:
            linear = DDPM.scheduler(profile)
            return type(linear).from_config(linear.config, beta_schedule=self.betas)

        return replace(made, scheduler=scheduler)


def around_quick() -> list[Candidate]:
    """``quick``, what differs from it in one setting, and its own curve over the budget."""
    return [
        Candidate("quick"),
        Candidate("min-SNR 5", snr=5.0),
        Candidate("wider", {"network.channels": (48, 96, 128, 128)}),
        Candidate("attention at 8x8", {"network.attention_levels": (2,)}),
        Candidate("4x4 patches", {"network.patch": 4, "network.channels": (64, 128, 128)}),
        Candidate("cosine noise schedule", betas="squaredcos_cap_v2"),
        Candidate("flips", {"flip": True}),
        Candidate("epsilon", {"prediction": "epsilon"}),
        Candidate(
            "full resolution, thin first level",
            {"network.patch": 1, "network.channels": (8, 32, 64, 128, 128)},
        ),
        Candidate("average of 0.995", {"ema_decay": 0.995}),
        Candidate("quick, half the budget", budget=0.5),
        Candidate("quick, twice the budget", budget=2.0),
        Candidate("quick, four times the budget", budget=4.0),
        Candidate("constant learning rate", {"lr_schedule": "constant"}),
        Candidate("narrower", {"network.channels": (24, 48, 96, 96)}),
        Candidate("learning rate 1.2e-3", {"lr": 1.2e-3}),
        Candidate("learning rate 2.4e-3", {"lr": 2.4e-3}),
        Candidate("a third of the time coarse", coarse=1 / 3),
        Candidate("two thirds of the time coarse", coarse=2 / 3),
        Candidate("no coarse steps", coarse=0.0),
        Candidate("batch 8", {"batch_size": 8}),
        Candidate("batch 32", {"batch_size": 32}),
        Candidate("two layers per block", {"network.layers_per_block": 2}),
    ]


def around_standard() -> list[Candidate]:
    """``standard`` and what differs from it in one setting, with a fifth of the seconds for coarse steps.

    Not yet measured.
    """

    def one(
        name: str, changes: Mapping[str, Any] | None = None, coarse: float = 0.2, **kwargs: Any
    ) -> Candidate:
        return Candidate(name, changes or {}, coarse, **kwargs)

    return [
        one("standard"),
        one("learning rate 8e-4", {"lr": 8e-4}),
        one("learning rate 1.6e-3", {"lr": 1.6e-3}),
        one("learning rate 2e-4", {"lr": 2e-4}),
        one("half of the time coarse", coarse=0.5),
        one("no coarse steps", coarse=0.0),
        one("batch 32", {"batch_size": 32}),
        one("batch 128", {"batch_size": 128}),
        one("one layer per block", {"network.layers_per_block": 1}),
        one("wider", {"network.channels": (96, 192, 256, 256)}),
        one("narrower", {"network.channels": (64, 96, 192, 192)}),
        one("no attention", {"network.attention_levels": ()}),
        one("attention at 8x8", {"network.attention_levels": (2,)}),
        one("4x4 patches", {"network.patch": 4, "network.channels": (128, 256, 256)}),
        one("full resolution", {"network.patch": 1, "network.channels": (32, 64, 128, 256, 256)}),
        one("min-SNR 5", snr=5.0),
        one("cosine noise schedule", betas="squaredcos_cap_v2"),
        one("epsilon", {"prediction": "epsilon"}),
        one("constant learning rate", {"lr_schedule": "constant"}),
        one("average of 0.9999", {"ema_decay": 0.9999}),
        one("flips", {"flip": True}),
        one("standard, half the budget", budget=0.5),
        one("standard, twice the budget", budget=2.0),
    ]


AROUND = {"quick": around_quick, "standard": around_standard}


def weighted(cap: float) -> Variant:
    """DDPM with min-SNR weights, Hang et al. 2023, arXiv 2303.09556, equations 8 and 9 (for v: divided by SNR + 1)."""

    def loss(net: Any, scheduler: Any, x0: Any, noise: Any, t: Any) -> torch.Tensor:
        level = scheduler.alphas_cumprod.to(t.device)[t]
        snr = level / (1 - level)
        below = snr if scheduler.config.prediction_type == "epsilon" else snr + 1
        return DDPM.loss(net, scheduler, x0, noise, t) * snr.clamp(max=cap) / below

    return replace(DDPM, loss=loss)
