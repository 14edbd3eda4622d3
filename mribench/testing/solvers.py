"""Checks for solvers: images alone as in a batch, few settings, and an image that is measured whole is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch

from mribench.errors import PluginError
from mribench.plugins import lookup
from mribench.sampling.offers import NEEDS, fits
from mribench.sampling.reverse import ImageDraws
from mribench.seeds import torch_generator
from mribench.spec import Draws, Examples, Measurement, Network, Solver
from mribench.testing.checking import Case, Check, require
from mribench.testing.fixtures import TINY

SIDE = 8
MEAN, WIDTH = 0.5, 0.2  # of the prior, pixels being independent
SIGMA = 0.02  # of the measurement's noise
MAX_SETTINGS = 8
MAX_ERROR = 0.1  # root mean square of an image that is measured whole; the prior alone errs by ``WIDTH``
PROFILE = replace(TINY, size=SIDE, network=Network(channels=(8, 8), layers_per_block=1), max_steps=4)
MAX_GAP = 1e-3  # between batch sizes, of the grey range, fp32


class _Gaussian:
    """The denoiser of independent Gaussian pixels in closed form."""

    sigmas = (1e-3, 80.0)

    def __init__(self) -> None:
        self.nfe = 0

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        self.nfe += 1
        sigma = torch.as_tensor(sigma, dtype=torch.float32)
        require(bool((sigma > 0).all()), f"the prior is asked at sigma = {sigma}", "ask it at levels above 0")
        variance = sigma.reshape(-1, 1, 1, 1) ** 2
        return (WIDTH**2 * x + variance * MEAN) / (WIDTH**2 + variance)


class _Whole:
    """Every pixel is measured."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x

    adjoint = __call__


def it_says_what_it_is(case: Case) -> None:
    solver = case.plugin
    require(
        isinstance(solver.title, str) and solver.title.strip() != "" and type(solver.version) is int,
        f"title {solver.title!r}, version {solver.version!r}",
        "a title and a whole number for the version",
    )
    require(
        not set(solver.needs) - set(NEEDS),
        f"needs {', '.join(solver.needs)}",
        f"a solver may need {', '.join(NEEDS)}, or nothing as a baseline",
    )


def its_settings_are_few(case: Case) -> None:
    n = len(case.plugin.search)
    require(n <= MAX_SETTINGS, f"{n} settings", f"give at most {MAX_SETTINGS}: all solvers are tuned alike")


def it_finds_what_is_measured_whole(case: Case) -> None:
    if case.plugin.is_control or not _restores(case.plugin):
        return  # the answer of a control may be as bad as it says, and another image may be sought
    for setting in case.plugin.search or ({},):
        x, found = _solved(case.plugin, [0, 1, 2], setting)
        require(
            found.shape == x.shape and found.dtype == torch.float32,
            f"it returns {found.dtype} {tuple(found.shape)}",
            f"return float32 (N, 1, H, W), here {tuple(x.shape)}",
        )
        require(
            bool(torch.isfinite(found).all()), f"values that are not finite with {dict(setting)}", "mend it"
        )
    if case.plugin.trains:
        return  # what a network learns in four steps says nothing of it
    best = min(_error(case.plugin, setting) for setting in case.plugin.search or ({},))
    require(
        best < MAX_ERROR,
        f"with noise of {SIGMA} on every pixel it errs by {best:.3f}, the prior alone by {WIDTH}",
        "use measurement.y and measurement.operator; grey values lie in [0, 1]",
    )


def it_solves_alone_as_in_a_batch(case: Case) -> None:
    _, together = _solved(case.plugin, [0, 1, 2], {})
    _, alone = _solved(case.plugin, [1], {})
    gap = float((together[1] - alone[0]).abs().max())
    require(
        gap <= MAX_GAP,
        f"an image alone differs by {gap:.3g} from the same in a batch of three",
        "take random numbers from ``draws`` alone, and no mean over the batch",
    )


def _restores(solver: Solver) -> bool:
    """Whether an installed problem that it is for seeks the image that was measured; True where none is installed."""
    fitting = []
    for name in lookup.names("tasks"):
        with suppress(PluginError):  # another plugin's fault is not this one's
            task = lookup.load("tasks", name)
            fitting += [task.problem.restores] if fits(solver, task) else []
    return any(fitting) or not fitting


def _error(solver: Any, setting: Any) -> float:
    x, found = _solved(solver, [0, 1, 2], setting)
    return float((found - x).square().mean().sqrt())


def _solved(solver: Any, rows: list[int], setting: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(images, answers) of the rows, each with random numbers of its own."""
    cpu = torch.device("cpu")
    truth = ImageDraws([torch_generator("kit", i) for i in rows], cpu)
    x, m = _measured(truth)
    draws = ImageDraws([torch_generator("kit", i, "solved") for i in rows], cpu)
    known = _Gaussian() if solver.needs else _learned(solver)
    with torch.no_grad():
        return x, solver.solve(known, m, draws, **setting).detach()


def _measured(draws: Draws) -> tuple[torch.Tensor, Measurement]:
    x = MEAN + WIDTH * draws.normal(1, SIDE, SIDE)
    return x, Measurement(x + SIGMA * draws.normal(1, SIDE, SIDE), _Whole(), SIGMA, (SIDE, SIDE))


@lru_cache(maxsize=4)
def _fitted(fit: Any) -> Any:
    cpu = torch.device("cpu")

    def batches(steps: int, size: int) -> Iterator[tuple[torch.Tensor, Measurement, Draws]]:
        for step in range(steps):
            draws = ImageDraws([torch_generator("kit", "fit", step, i) for i in range(size)], cpu)
            yield *_measured(draws), draws

    images, _ = _measured(ImageDraws([torch_generator("kit", "train", i) for i in range(32)], cpu))
    return fit(Examples(images[:, 0].numpy(), batches, PROFILE, 0, cpu))


def _learned(solver: Solver) -> Any:
    """What a solver without a prior learns from images of the same kind."""
    return _fitted(solver.fit) if solver.fit else None


CHECKS = (
    Check("", it_says_what_it_is),
    Check("search", its_settings_are_few),
    Check("solve", it_finds_what_is_measured_whole),
    Check("solve", it_solves_alone_as_in_a_batch),
)
