"""Compares settings of a profile: which give the best samples for the same seconds of training?

Candidates differ from the profile in one setting each. First all are timed for a moment, as many at once as will train
at once. Then each is trained for the number of steps that fit into the seconds, so that other work of the machine, or a
pause, changes nothing. Its samples are scored by kernel distance against the validation subjects, because the test
subjects are for boards.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench import device, files, hashing, provenance
from mribench.data import load
from mribench.features.hc85 import HC85, extract
from mribench.metrics.distribution import kernel_distance
from mribench.progress import progress
from mribench.sampling import samplers
from mribench.sampling.sample import TrainedModel
from mribench.spec import Prepared, Profile, Variant
from mribench.speed.clock import seconds as clocked
from mribench.tables import markdown_table
from mribench.training.arguments import TrainingArguments
from mribench.training.train import train
from mribench.tune.candidates import Candidate
from mribench.tune.workers import worker_pool

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
    """Measure every candidate on every organ, and continue what ``out`` has of the same measurement.

    Args:
        candidates: settings to compare.
        profile: that they change.
        data: organ -> folder of its prepared set.
        seconds: of training, per candidate and organ.
        seed: of training and sampling.
        out: folder for tuning.json and tuning.md, which are written after each measurement.
        processes: trainings at once, with an equal share of the cores each, as in a suite.

    Returns:
        The record that tuning.json holds.
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
    conditions = ("profile", "seconds", "seed", "processes")
    if (out / "tuning.json").exists():
        previous = files.read_json(out / "tuning.json")
        if all(
            hashing.json_hash(previous.get(name)) == hashing.json_hash(record[name]) for name in conditions
        ):
            record |= {name: previous[name] for name in ("seconds_per_step", "runs")}
    done = {(run["candidate"], run["modality"]) for run in record["runs"]}
    missing = [(c, organ) for c in candidates for organ in data if (c.name, organ) not in done]
    seconds_per_step = record["seconds_per_step"]
    cost_of = {c.name: c.cost(profile) for c in candidates}
    untimed = {cost_of[c.name]: c for c, _ in missing if cost_of[c.name] not in seconds_per_step}

    def save() -> None:
        files.write_json(out / "tuning.json", record)
        files.write_text(out / "tuning.md", markdown(record))

    with worker_pool(processes) as run_calls:
        first = next(iter(data.values()))
        with progress("time a step", PROBES * len(untimed)) as advance:
            calls = {
                (r, cost): (time_steps, c, profile, first, seed)
                for r in range(PROBES)
                for cost, c in untimed.items()
            }
            probes: dict[str, list[tuple[float, float]]] = {cost: [] for cost in untimed}
            for count, ((_, cost), timing) in enumerate(run_calls(calls), 1):
                probes[cost].append(timing)
                advance(count)
        # the fastest, because other work of the machine can only have slowed the rest
        seconds_per_step |= {
            cost: tuple(map(min, zip(*timed, strict=True))) for cost, timed in probes.items()
        }
        save()
        with progress("tune", len(candidates) * len(data)) as advance:
            calls = {
                (c.name, organ): (
                    measure,
                    c,
                    profile,
                    data[organ],
                    seconds,
                    seconds_per_step[cost_of[c.name]],
                    seed,
                )
                for c, organ in missing
            }
            for (name, organ), run in run_calls(calls):
                record["runs"].append({"candidate": name, "modality": organ, **run})
                save()
                advance(len(record["runs"]), f"{name}, {organ}: KD {run['kd']:.0f}")
    return record


def time_steps(candidate: Candidate, profile: Profile, data: Path, seed: int) -> tuple[float, float]:
    """Seconds of a step at full size, and of a coarse one."""
    profile, variant = _with_candidate(profile, candidate), candidate.variant()
    full, coarse = (_seconds_per_step(profile, variant, load(data), seed, small) for small in (False, True))
    return full, coarse


def _with_candidate(profile: Profile, candidate: Candidate) -> Profile:
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
    """Train a candidate for the steps that fit into the seconds, and score its samples.

    Args:
        candidate: the settings.
        profile: that they change.
        data: folder of the prepared set.
        seconds: of training.
        seconds_per_step: at full size, and of coarse steps.
        seed: of training and sampling.

    Returns:
        Numbers of steps and images, elapsed seconds, validation loss, and the kernel distance (x 1e3) to the
        validation subjects.
    """
    prepared, profile, variant = load(data), _with_candidate(profile, candidate), candidate.variant()
    budget, (full, coarse) = seconds * candidate.budget, seconds_per_step
    first = int(candidate.coarse * budget / coarse)
    last = max(1, int((1 - candidate.coarse) * budget / full))
    profile = replace(
        profile, max_steps=first + last, max_epochs=None, coarse_steps=first, eval_every=first + last
    )
    with tempfile.TemporaryDirectory() as name:
        folder, start = Path(name), time.monotonic()
        made = train(
            variant,
            TrainingArguments(prepared.train, prepared.validation, profile, seed, folder, candidate.name),
        )
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


def _seconds_per_step(profile: Profile, variant: Variant, data: Prepared, seed: int, small: bool) -> float:
    """Of a step at full size, or of a coarse one: the difference of two short trainings, without start and end."""

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
            train(variant, TrainingArguments(data.train, data.validation, short, seed, Path(folder), "probe"))

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
        first_cells = [name, f"{first['steps']:,} ({first['coarse_steps']:,})", f"{first['images_seen']:,}"]
        numbers = [f"{rows[name][organ]['kd']:.1f}" for organ in organs]
        cells.append([*first_cells, *numbers, f"{mean(name):.1f}"])
    titles = ["candidate", "steps (coarse)", "images", *organs, "geometric mean"]
    return "\n".join([*lines, markdown_table(titles, cells)])
