"""A cell as a job that any process can be given, on any machine that shares the run folder."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from mribench.data import load
from mribench.errors import InputError, Interrupted, MribenchError
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.results import Result
from mribench.runner import locks, stages, status
from mribench.runner.cell import Cell
from mribench.runner.plan import Plan, resolve
from mribench.runner.runspec import RunSpec
from mribench.runner.tuned import Tuned
from mribench.training import imports, malloc

# torch's random state and Accelerate's belong to a process: one cell at a time in each
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Job:
    """A cell in plain values, which can be pickled; or all cells that share a training."""

    spec: RunSpec  # as resolved, with an absolute ``out``
    precision: str  # what the suite decided, whatever this machine would
    modality: str
    variant: str
    seed: int
    data: Path  # folder of the prepared dataset
    name: str  # of its training, with the hash of what it is made from
    organs: tuple[tuple[str, Path], ...] = ()  # of a joint training: each organ and its prepared dataset
    beside: tuple[tuple[str, str], ...] = ()  # (modality, variant) of the further cells of that training
    tuned: tuple[tuple[str, Tuned], ...] = ()  # ``Plan.tuned`` as the suite has read it; the file may change

    @classmethod
    def of(cls, cells: Sequence[Cell], plan: Plan) -> Job:
        """The job of cells of one training, whose data lie prepared in the run folder."""
        cell = cells[0]
        return cls(
            spec=replace(plan.spec, out=str(plan.out.absolute()), tuned=None),
            precision=plan.profile.precision,
            modality=cell.modality.name,
            variant=cell.variant.name,
            seed=cell.seed,
            data=cell.data.path.absolute(),
            name=cell.train_folder(plan).name,
            organs=tuple((name, data.path.absolute()) for name, data in cell.organs),
            beside=tuple((other.modality.name, other.variant.name) for other in cells[1:]),
            tuned=tuple(sorted(plan.tuned.items())),
        )


@dataclass(frozen=True)
class Outcome:
    """Results of a job, or the error to tell the user. Any other exception is a bug and is raised."""

    results: tuple[Result, ...] = ()
    error: MribenchError | OSError | None = None


def run_job(job: Job) -> Outcome:
    """Run a cell in this process. Running it twice is harmless: finished stages are read, unfinished ones resumed."""
    out = Path(job.spec.out)
    try:
        with _one_at_a_time, locks.cell(out, job.name), status.reporting_to(out, job.name):
            plan, extract = _plan(job.spec, job.precision)
            plan = replace(plan, tuned=dict(job.tuned))
            return Outcome(
                tuple(r for cell in _cells(job, plan) for r in stages.run_cell(cell, plan, extract))
            )
    except KeyboardInterrupt:
        return Outcome(error=Interrupted(f"{job.name}: interrupted; run the same command to go on"))
    except (MribenchError, OSError) as error:
        return Outcome(error=error)
    finally:
        # scoring has left holes of 100 MiB, and the other workers train
        malloc.release_freed_memory()


def warm_up() -> None:
    """Import what every cell needs, before there is one."""
    imports.load_diffusers()
    import mribench.sampling.sample
    import mribench.training.train  # noqa: F401


def _cells(job: Job, plan: Plan) -> list[Cell]:
    """Raises InputError where this machine has other code, data or packages than the one that sent the job."""
    modalities = {
        name: lookup.load("modalities", name) for name in (job.modality, *(name for name, _ in job.organs))
    }
    organs = tuple((name, _data(folder, modalities[name], plan.fields)) for name, folder in job.organs)
    data = dict(organs) or {job.modality: _data(job.data, modalities[job.modality], plan.fields)}
    wanted = ((job.modality, job.variant), *job.beside)
    generators = {variant.name: variant for variant in plan.variants}
    cells = [
        Cell(modalities[name], data[name], generators[variant], job.seed, organs=organs).with_training(plan)
        for name, variant in wanted
    ]
    for own in (cell.train_folder(plan).name for cell in cells):
        if own != job.name:
            raise InputError(
                f"this worker would make {own} where {job.name} was asked for; install the same versions of mribench "
                "and its plugins on every machine"
            )
    return cells


@lru_cache(maxsize=1)
def _plan(spec: RunSpec, precision: str) -> tuple[Plan, Extractor]:
    """Resolved once per worker; the extractor remembers the real images' features over cells."""
    plan = resolve(replace(spec, precision=precision))
    return replace(plan, spec=spec), Extractor(plan.spaces, plan.out / "features")


# the cells of an organ come one after the other
_data = lru_cache(maxsize=1)(load)
