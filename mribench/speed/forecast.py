"""What a run would take, before it is run: cells, minutes and gigabytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mribench import device
from mribench.results import read_all
from mribench.runner import resources
from mribench.runner.resources import Execution
from mribench.runner.run import trainings
from mribench.runner.runspec import Plan
from mribench.spec import Control, GenerativeModel, Variant
from mribench.training.budget import reference_cost, total_steps

STEPS = 2  # timed, after one that allocates and chooses algorithms
WEIGHTS = 2  # copies that a training leaves: the best and the last of its weights


@dataclass(frozen=True)
class Forecast:
    """Counts are exact; times are those of the profile's own U-Net on this machine."""

    organs: int
    trainings: int
    rows: int  # of each organ, controls included
    records: int
    finished: int  # records of these cells that the run folder holds
    minutes: float  # of what is not finished
    processes: int
    gigabytes: float

    @property
    def sentence(self) -> str:
        """'6 organs take about 38 min here, 2 at once; one of them about 6 min.'"""
        if self.organs == 1:
            return f"about {_time(self.minutes)} here, {self.processes} at once"
        each = _time(self.minutes / self.organs)
        return (
            f"{self.organs} organs take about {_time(self.minutes)} here, {self.processes} at once; one of them about "
            f"{each}"
        )

    @property
    def lines(self) -> list[str]:
        done = f", {self.finished} of them done" if self.finished else ""
        return [
            f"organs: {self.organs}, rows of each: {self.rows} (controls included), trainings: {self.trainings}, "
            f"records: {self.records}{done}",
            f"about {_time(self.minutes)} with {self.processes} at once: training and sampling of the profile's own "
            "U-Net, timed here over a few steps; methods that evaluate a network more often take longer",
            f"about {self.gigabytes:.2g} GB of weights and images",
        ]


def forecast(plan: Plan, execution: Execution) -> Forecast:
    """Count the cells of a plan, and time a few steps of the profile's own U-Net on this machine.

    Training costs every variant about the same, as all spend the FLOPs of that U-Net. Scoring is not counted.
    """
    profile = plan.profile
    seeds, organs = len(plan.spec.seeds), len(plan.modalities)
    trained = [variant for variant in plan.variants if not isinstance(variant, Control)]
    networks = trainings(plan)
    # a joint training takes the budget of every organ; variants that differ in guidance alone share it
    budgets = organs * seeds * len({getattr(v, "trained_as", None) or v.name for v in trained})
    evaluations = [each for variant in trained for each in _evaluations(variant, plan)]
    rows = len(evaluations) + len(plan.variants) - len(trained)
    records = organs * seeds * rows * len(plan.tasks)
    finished = _finished(plan)
    execution = resources.settle(execution, profile, networks)
    processes = execution.jobs or 1
    train, sample, parameters = _seconds(plan)
    images = profile.max_images * 7 // 10  # of the training split
    steps, cost = total_steps(profile, images), reference_cost(profile)
    each = steps * train * cost.mean(profile.coarse_steps / steps) / cost.full
    # an image is denoised from a few levels as well, which takes about as many evaluations as it is generated with
    drawn = 2 * profile.n_generated * sum(evaluations) * sample
    left = max(0.0, 1 - finished / records) if records else 0.0
    seconds = budgets * each + organs * seeds * drawn
    minutes = left * seconds / min(processes, max(1, networks)) / 60
    weights = networks * WEIGHTS * 4 * parameters
    outputs = organs * seeds * rows * 2 * profile.n_generated * profile.size**2
    return Forecast(organs, networks, rows, records, finished, minutes, processes, (weights + outputs) / 1e9)


def _evaluations(variant: Variant | GenerativeModel, plan: Plan) -> list[int]:
    """Network evaluations for one image, of each row of a variant."""
    if isinstance(variant, GenerativeModel):
        return [variant.nfe]
    guided = 1 if variant.guidance == 1 else 2
    return [guided * choice.nfe for choice in plan.samplers_of(variant)]


def _finished(plan: Plan) -> int:
    """Records of the plan's cells that its folder holds, whatever they were made from."""
    if not (plan.out / "results").is_dir():
        return 0
    names = {variant.name for variant in plan.variants}, {modality.name for modality in plan.modalities}
    tasks = {task.name for task in plan.tasks}
    samplers = {choice.name for choice in (*plan.samplers, *plan.own_samplers.values())}
    found = read_all([plan.out], lambda sentence: None)
    return sum(
        r.variant in names[0]
        and r.modality in names[1]
        and r.task in tasks
        and r.seed in plan.spec.seeds
        and (r.sampler is None or r.sampler in samplers)
        and str(r.comparability["profile"]) == plan.profile.name
        for r in found
    )


def _seconds(plan: Plan) -> tuple[float, float, int]:
    """Seconds of a training step and of one network evaluation for one image, and parameters of the network."""
    import torch

    from mribench.speed.clock import seconds
    from mribench.speed.step import advance, synthetic_images, training_step

    profile = plan.profile
    images = synthetic_images(4 * profile.batch_size, profile.size)
    step = training_step(profile, images, device.precision(profile))
    advance([step], 1)
    train = seconds(lambda: advance([step], STEPS)) / STEPS
    net: Any = step.raw
    where = next(net.parameters()).device
    x = torch.zeros(profile.sample_batch, 1, profile.size, profile.size, device=where)
    t = torch.zeros(profile.sample_batch, dtype=torch.long, device=where)
    with torch.no_grad():
        net(x, t)
        sample = seconds(lambda: net(x, t)) / profile.sample_batch
    return train, sample, sum(p.numel() for p in net.parameters())


def _time(minutes: float) -> str:
    return f"{max(1, minutes):.0f} min" if minutes < 120 else f"{minutes / 60:.1f} hours"
