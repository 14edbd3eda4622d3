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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mribench import device, files, provenance, samplers
from mribench.features.hc85 import HC85, extract
from mribench.metrics.distribution import kernel_distance
from mribench.progress import progress
from mribench.sample import Trained
from mribench.spec import Modality, Prepared, Profile, Variant
from mribench.speed.clock import seconds as clocked
from mribench.train import train
from mribench.variants.ddpm import DDPM

PROBE_STEPS = 12
WARM_UP_STEPS = 3


@dataclass(frozen=True)
class Candidate:
    """changes: fields of the profile, and of its network under ``network.``; coarse: share of the seconds for coarse
    steps (None: no such steps); snr: cap of min-SNR weights (None: plain MSE); budget: times the seconds."""

    name: str
    changes: Mapping[str, Any]
    coarse: float | None = None
    snr: float | None = None
    budget: float = 1.0

    def applied(self, profile: Profile) -> Profile:
        own = {k: v for k, v in self.changes.items() if not k.startswith("network.")}
        net = {k.removeprefix("network."): v for k, v in self.changes.items() if k.startswith("network.")}
        return replace(profile, **own, network=replace(profile.network, **net))


def around_quick() -> list[Candidate]:
    """What was weighed when ``quick`` was chosen, and its own curve over the budget."""
    third = {"coarse": 1 / 3}
    return [
        Candidate("quick", {}, **third),
        Candidate("no coarse steps", {}, coarse=0.0),
        Candidate("half of the time coarse", {}, coarse=0.5),
        Candidate(
            "full resolution, thin first level",
            {"network.patch": 1, "network.channels": (8, 32, 64, 128, 128)},
            **third,
        ),
        Candidate("4x4 patches", {"network.patch": 4, "network.channels": (64, 128, 128)}, **third),
        Candidate("wider", {"network.channels": (48, 96, 128, 128)}, **third),
        Candidate("two layers per block", {"network.layers_per_block": 2}, **third),
        Candidate("attention at 8x8", {"network.attention_levels": (2,)}, **third),
        Candidate("batch 8", {"batch_size": 8}, **third),
        Candidate("batch 32", {"batch_size": 32}, **third),
        Candidate("learning rate halved", {"lr": 6e-4}, **third),
        Candidate("learning rate doubled", {"lr": 2.4e-3}, **third),
        Candidate("constant learning rate", {"lr_schedule": "constant"}, **third),
        Candidate("average of 0.995", {"ema_decay": 0.995}, **third),
        Candidate("min-SNR 5", {}, snr=5.0, **third),
        Candidate("epsilon", {"prediction": "epsilon"}, **third),
        Candidate("quick, half the budget", {}, budget=0.5, **third),
        Candidate("quick, twice the budget", {}, budget=2.0, **third),
        Candidate("quick, four times the budget", {}, budget=4.0, **third),
    ]


def tune(
    candidates: Sequence[Candidate],
    profile: Profile,
    data: Sequence[tuple[Modality, Prepared]],
    seconds: float,
    seed: int,
    out: Path,
) -> dict[str, Any]:
    """Measure every candidate on every organ; ``out`` holds tuning.json and tuning.md after each.

    Goes on where it was, for the same profile, seconds and seed.
    """
    record = {
        "profile": asdict(profile),
        "seconds": seconds,
        "seed": seed,
        **provenance.made_with(),
        "runs": [],
    }
    if (out / "tuning.json").exists():
        known = files.read_json(out / "tuning.json")
        if all(files.key(known[name]) == files.key(record[name]) for name in ("profile", "seconds", "seed")):
            record["runs"] = known["runs"]
    done = {(run["candidate"], run["modality"]) for run in record["runs"]}
    with progress("tune", len(candidates) * len(data)) as advance:
        for candidate in candidates:
            for modality, prepared in data:
                if (candidate.name, modality.name) not in done:
                    run = measure(candidate, profile, prepared, seconds, seed)
                    record["runs"].append({"candidate": candidate.name, "modality": modality.name, **run})
                    files.write_json(out / "tuning.json", record)
                    files.write_text(out / "tuning.md", markdown(record))
                advance(len(record["runs"]), candidate.name)
    return record


def measure(
    candidate: Candidate, profile: Profile, data: Prepared, seconds: float, seed: int
) -> dict[str, Any]:
    """Steps that fit, what they took, validation loss, and the kernel distance (x 1e3) to the validation subjects."""
    profile, variant = candidate.applied(profile), weighted(candidate.snr) if candidate.snr else DDPM
    profile = replace(profile, precision=device.precision(profile))
    fine, coarse = (_seconds_per_step(profile, variant, data, seed, small) for small in (False, True))
    share = candidate.coarse or 0.0
    first = int(share * seconds * candidate.budget / coarse)
    last = max(1, int((1 - share) * seconds * candidate.budget / fine))
    profile = replace(
        profile, max_steps=first + last, max_epochs=None, coarse_steps=first, eval_every=first + last
    )
    with tempfile.TemporaryDirectory() as name:
        folder, start = Path(name), time.monotonic()
        made = train(variant, data.train, data.validation, profile, seed, folder, candidate.name)
        took = time.monotonic() - start
        sampler, steps = samplers.resolve(profile.samplers[0])
        model = Trained(folder / "last", variant, sampler, steps, profile, profile.precision)
        images = model.generate(range(profile.n_generated), seed)
    features = [extract(x) for x in (np.round(images * 255) / 255, data.validation.unit(), data.train.unit())]
    return {
        "kd": round(kernel_distance(*features, HC85) * 1e3, 2),
        "validation_loss": made["validation_loss"],
        "steps": first + last,
        "coarse_steps": first,
        "images_seen": made["images_seen"],
        "seconds": round(took, 1),
        "parameters": made["parameters"],
    }


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
