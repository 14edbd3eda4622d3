"""Quality per compute: which settings of a profile give the best samples for the same seconds of training?

Candidates differ from a profile in one setting each. Each is timed for a moment on this machine, gets as many steps as
fit into the seconds, is trained and sampled by the product's own code, and scored by kernel distance against the
validation subjects: the test subjects are for boards.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mribench import device, files, parallel, provenance, samplers
from mribench.data import load
from mribench.executors import Processes
from mribench.features.hc85 import HC85, extract
from mribench.jobs import warm
from mribench.metrics.distribution import kernel_distance
from mribench.progress import listener, progress
from mribench.sample import Trained
from mribench.spec import Prepared, Profile, Variant
from mribench.speed.clock import seconds as clocked
from mribench.train import train
from mribench.variants.ddpm import DDPM

PROBE_STEPS = 40
WARM_UP_STEPS = 3


@dataclass(frozen=True)
class Candidate:
    """changes: fields of the profile, and of its network under ``network.``; coarse: share of the seconds for coarse
    steps; snr: cap of min-SNR weights (None: plain MSE); betas: diffusers' name of the noise schedule; budget: times
    the seconds."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    coarse: float = 0.5
    snr: float | None = None
    betas: str = "linear"
    budget: float = 1.0

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
        Candidate("learning rate 1.2e-3", {"lr": 1.2e-3}),
        Candidate("learning rate 2.4e-3", {"lr": 2.4e-3}),
        Candidate("constant learning rate", {"lr_schedule": "constant"}),
        Candidate("batch 8", {"batch_size": 8}),
        Candidate("batch 32", {"batch_size": 32}),
        Candidate("no coarse steps", coarse=0.0),
        Candidate("a third of the time coarse", coarse=1 / 3),
        Candidate("two thirds of the time coarse", coarse=2 / 3),
        Candidate("average of 0.995", {"ema_decay": 0.995}),
        Candidate("min-SNR 5", snr=5.0),
        Candidate("cosine noise schedule", betas="squaredcos_cap_v2"),
        Candidate("epsilon", {"prediction": "epsilon"}),
        Candidate("flips", {"flip": True}),
        Candidate("narrower", {"network.channels": (24, 48, 96, 96)}),
        Candidate("wider", {"network.channels": (48, 96, 128, 128)}),
        Candidate("two layers per block", {"network.layers_per_block": 2}),
        Candidate("attention at 8x8", {"network.attention_levels": (2,)}),
        Candidate("4x4 patches", {"network.patch": 4, "network.channels": (64, 128, 128)}),
        Candidate(
            "full resolution, thin first level",
            {"network.patch": 1, "network.channels": (8, 32, 64, 128, 128)},
        ),
        Candidate("quick, half the budget", budget=0.5),
        Candidate("quick, twice the budget", budget=2.0),
        Candidate("quick, four times the budget", budget=4.0),
    ]


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
        **provenance.made_with(),
        "runs": [],
    }
    same = ("profile", "seconds", "seed", "processes")
    if (out / "tuning.json").exists():
        known = files.read_json(out / "tuning.json")
        if all(files.key(known.get(name)) == files.key(record[name]) for name in same):
            record["runs"] = known["runs"]
    done = {(run["candidate"], run["modality"]) for run in record["runs"]}
    missing = [(c, organ) for c in candidates for organ in data if (c.name, organ) not in done]

    def keep(candidate: Candidate, organ: str, run: Mapping[str, Any]) -> None:
        record["runs"].append({"candidate": candidate.name, "modality": organ, **run})
        files.write_json(out / "tuning.json", record)
        files.write_text(out / "tuning.md", markdown(record))
        advance(len(record["runs"]), f"{candidate.name}, {organ}: KD {run['kd']:.0f}")

    with progress("tune", len(candidates) * len(data)) as advance:
        if processes == 1:
            for candidate, organ in missing:
                keep(candidate, organ, measure(candidate, profile, data[organ], seconds, seed))
            return record
        with Processes(processes, parallel.threads(processes), warm) as workers:
            jobs = {
                workers.submit(_quietly, candidate, profile, data[organ], seconds, seed): (candidate, organ)
                for candidate, organ in missing
            }
            try:
                for job in as_completed(jobs):
                    keep(*jobs[job], job.result())
            except BaseException:
                workers.shutdown(wait=False, cancel_futures=True)
                workers.kill()
                raise
    return record


def measure(candidate: Candidate, profile: Profile, data: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Steps that fit, what they took, validation loss, and the kernel distance (x 1e3) to the validation subjects."""
    prepared, profile, variant = load(data), candidate.applied(profile), candidate.variant()
    profile = replace(profile, precision=device.precision(profile))
    fine, coarse = (_seconds_per_step(profile, variant, prepared, seed, small) for small in (False, True))
    budget = seconds * candidate.budget
    first = int(candidate.coarse * budget / coarse)
    last = max(1, int((1 - candidate.coarse) * budget / fine))
    profile = replace(
        profile, max_steps=first + last, max_epochs=None, coarse_steps=first, eval_every=first + last
    )
    with tempfile.TemporaryDirectory() as name:
        folder, start = Path(name), time.monotonic()
        made = train(variant, prepared.train, prepared.validation, profile, seed, folder, candidate.name)
        took = time.monotonic() - start
        sampler, steps = samplers.resolve(profile.samplers[0])
        model = Trained(folder / "last", variant, sampler, steps, profile, profile.precision)
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


def _quietly(*words: Any) -> dict[str, Any]:
    listener.set(_Quiet())
    return measure(*words)


def weighted(cap: float) -> Variant:
    """DDPM with min-SNR weights, Hang et al. 2023, arXiv 2303.09556, equations 8 and 9 (for v: divided by SNR + 1)."""

    def loss(net: Any, scheduler: Any, x0: Any, noise: Any, t: Any) -> torch.Tensor:
        level = scheduler.alphas_cumprod.to(t.device)[t]
        snr = level / (1 - level)
        below = snr if scheduler.config.prediction_type == "epsilon" else snr + 1
        return DDPM.loss(net, scheduler, x0, noise, t) * snr.clamp(max=cap) / below

    return replace(DDPM, loss=loss)


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
        f"| candidate | steps (coarse) | images | {' | '.join(organs)} | geometric mean |",
        f"|---|---|---|{'---|' * len(organs)}---|",
    ]

    def mean(name: str) -> float:
        return math.exp(np.mean([math.log(max(1.0, run["kd"])) for run in rows[name].values()]))

    whole = [name for name in rows if len(rows[name]) == len(organs)]
    for name in sorted(whole, key=mean):
        first = next(iter(rows[name].values()))
        cells = [name, f"{first['steps']:,} ({first['coarse_steps']:,})", f"{first['images_seen']:,}"]
        cells += [f"{rows[name][organ]['kd']:.1f}" for organ in organs] + [f"{mean(name):.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
