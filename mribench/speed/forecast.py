"""What a run would take, before it is run: cells, minutes and gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mribench import device
from mribench.results import read_all
from mribench.runner import resources
from mribench.runner.executors import Processes
from mribench.runner.plan import Plan, resolve
from mribench.runner.resources import Execution
from mribench.runner.runspec import RunSpec
from mribench.runner.trainings import of_solvers, trainings
from mribench.spec import Control, GenerativeModel, PretrainedModel, Profile, Solver, Variant
from mribench.speed import solving

PROBE = 1.0  # seconds that each timing takes at least, so that processes which start together meet
LONG = 5  # of these, after which a first call is not made again
SCORING = 0.025  # seconds to score and audit an image of 64 x 64 pixels (256 of quick: 5 to 8 s on two cores)
WORTH_SAYING = 0.8  # share of a step's seconds
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
    training: float  # of these minutes
    processes: int
    gigabytes: float
    one_thread: float = 1.0  # seconds of a step with one thread, in those with the threads of a process

    @property
    def sentence(self) -> str:
        """'6 organs take about 38 min here, 2 at once; one of them about 6 min.'"""
        if self.one_thread < WORTH_SAYING:
            alone = _time(self.minutes * self.one_thread)
            return (
                f"about {_time(self.minutes)} here, because other work shares the cores and threads wait for each "
                f"other; about {alone} with OMP_NUM_THREADS=1"
            )
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
        slowed = [self.sentence] * (self.one_thread < WORTH_SAYING)
        return [
            f"organs: {self.organs}, rows of each: {self.rows} (controls included), trainings: {self.trainings}, "
            f"records: {self.records}{done}",
            f"about {_time(self.minutes)} with {self.processes} at once: training and sampling of the profile's own "
            "U-Net, timed here over a few steps; methods that evaluate a network more often take longer",
            f"about {self.gigabytes:.2g} GB of weights and images",
            *slowed,
        ]


def forecast(plan: Plan, processes: int, threads: int) -> Forecast:
    """Count the cells of a plan, and time a few steps of the profile's own U-Net in this process.

    Nothing is timed where nothing is trained. Training costs every variant about the same, as all spend the FLOPs of
    that U-Net.

    Args:
        plan: What is to be run.
        processes: How many at once.
        threads: Of each of them.
    """

    profile = plan.profile
    seeds, organs = len(plan.spec.seeds), len(plan.modalities)
    trained = [variant for variant in plan.variants if not isinstance(variant, Control | Solver)]
    networks = trainings(plan)
    # a joint training takes the budget of every organ; variants that differ in guidance alone share it
    learning = [v for v in trained if not isinstance(v, PretrainedModel)] if plan.of_models else []
    budgets = organs * seeds * len({getattr(v, "trained_as", None) or v.name for v in learning})
    budgets += organs * seeds * of_solvers(plan)
    evaluations = [each for variant in trained for each in _evaluations(variant, plan)]
    rows = len(evaluations) + sum(isinstance(variant, Control) for variant in plan.variants)
    posing = [task for task in plan.tasks if task.problem]
    of_tasks = rows * (len(plan.tasks) - len(posing)) + sum(solving.rows(plan, task) for task in posing)
    records = organs * seeds * of_tasks
    finished = _finished(plan)
    steps = profile.total_steps(profile.max_images * 7 // 10)  # images of the training split
    coarse = min(1.0, profile.coarse_steps / steps)
    train, sample, parameters = _seconds(profile, coarse, threads) if networks else (0.0, 0.0, 0)
    compares = networks and threads > 1 and not device.hardware().gpu
    one_thread = _seconds(profile, coarse, 1)[0] / train if compares else 1.0
    # an image is denoised from a few levels as well, which takes about as many evaluations as it is generated with
    drawn = 2 * profile.n_generated * sum(evaluations) * sample
    left = max(0.0, 1 - finished / records) if records else 0.0
    if len(posing) == len(plan.tasks):
        drawn, rows = 0.0, max(solving.rows(plan, task) for task in posing)
    solved = solving.evaluations(plan) * sample
    scored = rows * profile.n_generated * SCORING * (profile.size / 64) ** 2
    training = budgets * steps * train
    seconds = training + organs * seeds * (drawn + solved + scored)
    to_minutes = left / min(processes, max(1, networks)) / 60
    weights = networks * WEIGHTS * 4 * parameters
    outputs = organs * seeds * rows * 2 * profile.n_generated * profile.size**2
    gigabytes = (weights + outputs) / 1e9
    minutes = seconds * to_minutes, training * to_minutes
    return Forecast(organs, networks, rows, records, finished, *minutes, processes, gigabytes, one_thread)


def in_other_processes(plan: Plan, execution: Execution) -> Forecast:
    """The slowest forecast of as many processes as the run will have, timed together: they share caches and memory.

    torch and a context of the GPU go with the processes: who hands out work needs neither. None is started where
    nothing is trained.
    """
    networks = trainings(plan)
    count = resources.settle(execution, plan.profile, networks).jobs or 1
    threads = resources.threads(count)
    if not networks:
        return forecast(plan, count, threads)
    workers = Processes(count, threads)
    try:
        found = [workers.submit(_of_spec, plan.spec, count, threads) for _ in range(count)]
        return max((each.result() for each in found), key=lambda each: each.minutes)
    finally:
        workers.shutdown(wait=False)
        workers.kill()


def _of_spec(spec: RunSpec, processes: int, threads: int) -> Forecast:
    return forecast(resolve(spec), processes, threads)


def _evaluations(variant: Variant | GenerativeModel | PretrainedModel, plan: Plan) -> list[int]:
    """Network evaluations for one image, of each row of a variant."""
    if isinstance(variant, GenerativeModel):
        return [variant.nfe]
    if isinstance(variant, PretrainedModel):
        return [0]  # what another's model costs is not known
    guided = 1 if variant.guidance == 1 else 2
    return [guided * choice.nfe for choice in plan.samplers_of(variant)]


def _finished(plan: Plan) -> int:
    """Records of the plan's cells that its folder holds, whatever they were made from."""
    if not (plan.out / "results").is_dir():
        return 0
    names = {variant.name for variant in plan.variants}, {modality.name for modality in plan.modalities}
    tasks = {task.name for task in plan.tasks}
    samplers = {choice.name for choice in (*plan.samplers, *plan.own_samplers.values(), *plan.solvers)}
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


def _seconds(profile: Profile, coarse: float, threads: int) -> tuple[float, float, int]:
    """Seconds of a training step and of one network evaluation for one image, and parameters of the network.

    Args:
        profile: The budget.
        coarse: Share of the steps that are on images of half the side.
        threads: Of a process of the run.
    """
    import torch

    torch.set_num_threads(threads)

    from mribench.speed.step import advance, synthetic_images, training_step

    train = 0.0
    for size, share in ((profile.size // 2, coarse), (profile.size, 1 - coarse)):
        if share > 0 or size == profile.size:
            images = synthetic_images(4 * profile.batch_size, size)
            # a coarse step would halve the side once more
            step = training_step(replace(profile, coarse_steps=0), images, device.precision(profile))
            train += share * _each(partial(advance, [step], 1))
    net: Any = step.raw
    where = next(net.parameters()).device
    x = torch.zeros(profile.sample_batch, 1, profile.size, profile.size, device=where)
    t = torch.zeros(profile.sample_batch, dtype=torch.long, device=where)
    with torch.no_grad():
        sample = _each(lambda: net(x, t)) / profile.sample_batch
    return train, sample, sum(p.numel() for p in net.parameters())


def _each(work: Callable[[], Any]) -> float:
    """Seconds of one call, the mean of those in ``PROBE`` seconds; a first one allocates and chooses algorithms."""
    from mribench.speed.clock import seconds

    first = seconds(work)
    if first > LONG * PROBE:
        return first
    taken = [seconds(work)]
    while sum(taken) < PROBE:
        taken.append(seconds(work))
    return sum(taken) / len(taken)


def _time(minutes: float) -> str:
    return f"{max(1, minutes):.0f} min" if minutes < 120 else f"{minutes / 60:.1f} hours"
