"""DDPM trained across sites that exchange weights and no images; McMahan et al. 2017, arXiv 1602.05629, algorithm 1.

Each site takes the profile's optimiser's steps on its own subjects and keeps its moments; after ``local_steps`` of them
the weights are averaged, by the number of images of a site, and every site goes on from the average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mribench.errors import InputError
from mribench.seeds import number, numpy_rng
from mribench.spec import TrainingStep
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class FederatedAveraging:
    """A local step of every site; at the end of a round, and of the training, the average."""

    sites: int = 4
    local_steps: int = 20  # of a round

    def __call__(self, step: TrainingStep) -> torch.Tensor:
        import torch

        members = self.members(step)
        size = self.local_batch(step)
        parameters = [p for group in step.optimizer.param_groups for p in group["params"]]
        average = [p.detach().clone() for p in parameters]
        sites = _Sites(step.optimizer, parameters)
        is_first = step.number % self.local_steps == 0
        losses = []
        for site, images in enumerate(members):
            sites.enter(site, average if is_first else None)
            rows = images[batch_rows(len(images), size, step.number, step.seed)]
            draws = step.draws(size)
            loss = step.loss(step.net, step.batch(rows, draws), draws).mean()
            loss.backward()
            if step.profile.grad_clip:
                torch.nn.utils.clip_grad_norm_(parameters, step.profile.grad_clip)
            step.optimizer.step()
            step.net.zero_grad()
            sites.leave(site)
            losses.append(loss.detach())
        if self.is_last(step):
            average = sites.averaged([len(images) / len(step.subjects) for images in members])
        sites.settle(average)
        return torch.stack(losses).mean()

    def is_last(self, step: TrainingStep) -> bool:
        """Whether the round ends with this step."""
        done = step.number + 1
        return done % self.local_steps == 0 or done == step.total

    def local_batch(self, step: TrainingStep) -> int:
        """Images of a site in a local step: all sites see a batch of the profile together."""
        size, left = divmod(step.profile.batch_size, self.sites)
        if left:
            raise InputError(
                f"a batch of {step.profile.batch_size} images cannot be shared equally by {self.sites} sites; use a "
                f"profile with a multiple of {self.sites}"
            )
        return size

    def members(self, step: TrainingStep) -> list[np.ndarray]:
        """The images of each site. Raises InputError where a site would have none."""
        if len(set(step.subjects)) < self.sites:
            raise InputError(
                f"{len(set(step.subjects))} training subjects were found, expected at least one for each of "
                f"{self.sites} sites"
            )
        at = site_of(step.subjects, self.sites)
        return [np.flatnonzero(at == site) for site in range(self.sites)]

    def about(self, step: TrainingStep) -> Mapping[str, Any]:
        rounds = -(-(step.number + 1) // self.local_steps)
        images = [len(images) for images in self.members(step)]
        return {"federated": {"images_of_sites": images, "rounds": rounds, "local_steps": self.local_steps}}


@lru_cache(maxsize=8)
def site_of(subjects: tuple[str, ...], sites: int) -> np.ndarray:
    """int64, the site of each image: subjects in the order of their hash are dealt to the sites in turn."""
    order = sorted(set(subjects), key=lambda subject: (number("site", subject), subject))
    place = {subject: i % sites for i, subject in enumerate(order)}
    return np.asarray([place[subject] for subject in subjects])


def batch_rows(n: int, size: int, step: int, seed: int) -> np.ndarray:
    """int64 (size,): batch ``step`` of successive permutations of range(n), as a training on these images alone has."""
    epoch, place = np.divmod(np.arange(step * size, (step + 1) * size), n)
    order = {e: numpy_rng("epoch", seed, int(e)).permutation(n) for e in set(epoch.tolist())}
    return np.asarray([order[e][p] for e, p in zip(epoch.tolist(), place, strict=True)])


class _Sites:
    """Weights and moments of every site between its steps, kept in the optimiser's state and so in every checkpoint."""

    def __init__(self, optimizer: Any, parameters: Sequence[torch.Tensor]):
        self.optimizer, self.parameters = optimizer, parameters
        self.kept: list[dict[int, dict[str, Any]]] = [
            optimizer.state.pop(p, {}).get("sites", {}) for p in parameters
        ]

    def enter(self, site: int, weights: Sequence[torch.Tensor] | None) -> None:
        """Give the network the weights of a site, or ``weights``, and the optimiser the moments of the site."""
        import torch

        with torch.no_grad():
            for i, parameter in enumerate(self.parameters):
                moments = self.kept[i].pop(site, {})
                own = moments.pop("weights", None)
                parameter.copy_(own if weights is None else weights[i])
                if moments:
                    self.optimizer.state[parameter] = moments

    def leave(self, site: int) -> None:
        """Keep what a step of the site has left."""
        for i, parameter in enumerate(self.parameters):
            moments = self.optimizer.state.pop(parameter, {})
            self.kept[i][site] = {**moments, "weights": parameter.detach().clone()}

    def averaged(self, shares: Sequence[float]) -> list[torch.Tensor]:
        """The mean of the sites' weights; algorithm 1, last line of the server."""
        return [sum(share * of[site]["weights"] for site, share in enumerate(shares)) for of in self.kept]

    def settle(self, weights: Sequence[torch.Tensor]) -> None:
        """Give the network ``weights`` and put everything back where the optimiser keeps it."""
        import torch

        with torch.no_grad():
            for parameter, value, kept in zip(self.parameters, weights, self.kept, strict=True):
                parameter.copy_(value)
                # Adam expects its own entries when it is loaded; those of a site, which nothing reads, satisfy it
                some = {name: entry for name, entry in kept[0].items() if name != "weights"}
                self.optimizer.state[parameter] = {**some, "sites": kept}


FED_AVG = replace(
    DDPM,
    name="fed-avg",
    title="DDPM, federated over 4 sites",
    paper="McMahan et al. 2017, arXiv 1602.05629",
    take_step=FederatedAveraging(),
)
