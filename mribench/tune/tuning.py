"""Quality per compute: which settings of a profile give the best samples for the same seconds of training?

Candidates differ from a profile in one setting each. First all are timed for a moment on this machine, as many at once
as will train at once; then each is trained for the steps that fit into the seconds and sampled by the product's own
code, and scored by kernel distance against the validation subjects: the test subjects are for boards. What else the
machine does during the trainings, or a pause of them, changes no number of steps.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench import device, files, hashing, provenance
from mribench.data import load
from mribench.features.hc85 import HC85, extract
from mribench.metrics.distribution import kernel_distance
from mribench.progress import listener, progress
from mribench.runner import resources
from mribench.runner.executors import Processes
from mribench.runner.worker import warm_up
from mribench.sampling import samplers
from mribench.sampling.sample import TrainedModel
from mribench.spec import Prepared, Profile, Variant
from mribench.speed.clock import seconds as clocked
from mribench.tables import markdown_table
from mribench.training.train import train
from mribench.tune.candidates import Candidate

PROBES = 3
PROBE_STEPS = 20
WARM_UP_STEPS = 3


def tune(
    candidates: Sequence[Candidate],
    profile: Profile,
    data: Mapping[str, Path],
    seconds: float,
    seed: int,
    out: Path,
    processes: int = 1,
) -> dict[str, Any]:
    """Measure every candidate on every organ; ``out`` holds tuning.json and tuning.md after each.

    data: organ -> prepared set's folder. processes: so many at once, with an equal share of the cores each, as a suite
    trains. Goes on where it was, for the same profile, seconds, seed and processes.
    """
    record = {
        "profile": asdict(profile),
        "seconds": seconds,
        "seed": seed,
        "processes": processes,
        **provenance.environment(),
        "seconds_per_step": {},
        "runs": [],
    }
    same = ("profile", "seconds", "seed", "processes")
    if (out / "tuning.json").exists():
        known = files.read_json(out / "tuning.json")
        if all(hashing.json_hash(known.get(name)) == hashing.json_hash(record[name]) for name in same):
            record |= {name: known[name] for name in ("seconds_per_step", "runs")}
    done = {(run["candidate"], run["modality"]) for run in record["runs"]}
    missing = [(c, organ) for c in candidates for organ in data if (c.name, organ) not in done]
    paces = record["seconds_per_step"]
    costs = {c.name: c.costs_like(profile) for c in candidates}
    unknown = {costs[c.name]: c for c, _ in missing if costs[c.name] not in paces}

    def keep() -> None:
        files.write_json(out / "tuning.json", record)
        files.write_text(out / "tuning.md", markdown(record))

    with _together(processes) as each:
        first = next(iter(data.values()))
        with progress("time a step", PROBES * len(unknown)) as advance:
            jobs = {
                (r, cost): (pace, c, profile, first, seed)
                for r in range(PROBES)
                for cost, c in unknown.items()
            }
            probes: dict[str, list[tuple[float, float]]] = {cost: [] for cost in unknown}
            for count, ((_, cost), found) in enumerate(each(jobs), 1):
                probes[cost].append(found)
                advance(count)
        # the fastest: what else the machine did can only have slowed them
        paces |= {cost: tuple(map(min, zip(*found, strict=True))) for cost, found in probes.items()}
        keep()
        with progress("tune", len(candidates) * len(data)) as advance:
            jobs = {
                (c.name, organ): (measure, c, profile, data[organ], seconds, paces[costs[c.name]], seed)
                for c, organ in missing
            }
            for (name, organ), run in each(jobs):
                record["runs"].append({"candidate": name, "modality": organ, **run})
                keep()
                advance(len(record["runs"]), f"{name}, {organ}: KD {run['kd']:.0f}")
    return record


@contextmanager
def _together(processes: int) -> Iterator[Callable[[Mapping[Any, tuple]], Iterator[tuple[Any, Any]]]]:
    """A function that does named calls, so many at once, and yields name and result of each as it ends."""
    if processes == 1:
        yield lambda jobs: ((name, call(*words)) for name, (call, *words) in jobs.items())
        return
    with Processes(processes, resources.threads(processes), warm_up) as workers:

        def each(jobs: Mapping[Any, tuple]) -> Iterator[tuple[Any, Any]]:
            given = {workers.submit(_quietly, *words): name for name, words in jobs.items()}
            return ((given[job], job.result()) for job in as_completed(given))

        try:
            yield each
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            workers.kill()
            raise


def pace(candidate: Candidate, profile: Profile, data: Path, seed: int) -> tuple[float, float]:
    """Seconds a step at full size takes here, and a coarse one."""
    profile, variant = _settled(candidate, profile), candidate.variant()
    fine, coarse = (_seconds_per_step(profile, variant, load(data), seed, small) for small in (False, True))
    return fine, coarse


def _settled(candidate: Candidate, profile: Profile) -> Profile:
    profile = candidate.applied(profile)
    return replace(profile, precision=device.precision(profile))


def measure(
    candidate: Candidate,
    profile: Profile,
    data: Path,
    seconds: float,
    seconds_per_step: tuple[float, float],
    seed: int,
) -> dict[str, Any]:
    """Steps that fit, what they took, validation loss, and the kernel distance (x 1e3) to the validation subjects.

    seconds_per_step: at full size, and of coarse ones.
    """
    prepared, profile, variant = load(data), _settled(candidate, profile), candidate.variant()
    budget, (fine, coarse) = seconds * candidate.budget, seconds_per_step
    first = int(candidate.coarse * budget / coarse)
    last = max(1, int((1 - candidate.coarse) * budget / fine))
    profile = replace(
        profile, max_steps=first + last, max_epochs=None, coarse_steps=first, eval_every=first + last
    )
    with tempfile.TemporaryDirectory() as name:
        folder, start = Path(name), time.monotonic()
        made = train(variant, prepared.train, prepared.validation, profile, seed, folder, candidate.name)
        took = time.monotonic() - start
        sampler = samplers.resolve(profile.samplers[0])
        model = TrainedModel(folder / "last", variant, sampler, profile, profile.precision)
        images = model.generate(range(profile.n_generated), seed)
    shown = (np.round(images * 255) / 255, prepared.validation.unit(), prepared.train.unit())
    return {
        "kd": round(kernel_distance(*map(extract, shown), HC85) * 1e3, 2),
        "sampler": profile.samplers[0],
        "validation_loss": made["validation_loss"],
        "steps": first + last,
        "coarse_steps": first,
        "images_seen": made["images_seen"],
        "seconds": round(took, 1),
        "parameters": made["parameters"],
    }


class _Quiet:
    """Nobody listens to a worker: two of them would write over each other."""

    def say(self, text: str) -> None: ...

    def show(self, title: str, done: int, total: int, note: str) -> None: ...


def _quietly(call: Callable[..., Any], *words: Any) -> Any:
    listener.set(_Quiet())
    return call(*words)


def _seconds_per_step(profile: Profile, variant: Variant, data: Prepared, seed: int, small: bool) -> float:
    """Of a step at full size or of a coarse one, by two short trainings: start and end of a training drop out."""

    def run(steps: int) -> None:
        short = replace(
            profile,
            max_steps=steps,
            max_epochs=None,
            coarse_steps=steps if small else 0,
            eval_every=steps,
            eval_images=1,
            checkpoint_every=steps,
        )
        with tempfile.TemporaryDirectory() as folder:
            train(variant, data.train, data.validation, short, seed, Path(folder), "probe")

    few, many = (clocked(lambda n=n: run(n)) for n in (WARM_UP_STEPS, WARM_UP_STEPS + PROBE_STEPS))
    return max(1e-4, (many - few) / PROBE_STEPS)


def markdown(record: Mapping[str, Any]) -> str:
    """Best first, by the geometric mean over organs."""
    organs = list(dict.fromkeys(run["modality"] for run in record["runs"]))
    rows: dict[str, dict[str, Any]] = {}
    for run in record["runs"]:
        rows.setdefault(run["candidate"], {})[run["modality"]] = run
    machine = record["machine"]
    lines = [
        f"KD[hc85-v1] x 1e3 against the validation subjects after {record['seconds']:.0f} s of training on "
        f"{machine['device']} ({machine['threads']} threads), seed {record['seed']}, one run each: leads, not results.",
        "",
    ]

    def mean(name: str) -> float:
        return math.exp(np.mean([math.log(max(1.0, run["kd"])) for run in rows[name].values()]))

    whole = [name for name in rows if len(rows[name]) == len(organs)]
    cells = []
    for name in sorted(whole, key=mean):
        first = next(iter(rows[name].values()))
        about = [name, f"{first['steps']:,} ({first['coarse_steps']:,})", f"{first['images_seen']:,}"]
        numbers = [f"{rows[name][organ]['kd']:.1f}" for organ in organs]
        cells.append([*about, *numbers, f"{mean(name):.1f}"])
    titles = ["candidate", "steps (coarse)", "images", *organs, "geometric mean"]
    return "\n".join([*lines, markdown_table(titles, cells)])
