"""Equal seconds: what other trainers reach on the same data and cores in the time that ``mribench run`` trains for.

Ours is the ``ddpm`` of the profile ``quick``, one training at a time. Each other trainer gets the seconds that ours
took with that seed. All images are scored by ``mribench score`` and stand on one board.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from mribench import files, provenance
from mribench.data import prepare_data
from mribench.progress import progress, say
from mribench.results import Result
from mribench.runner import run, runspec
from mribench.runner.plan import resolve
from mribench.scoring.score import score
from mribench.scoring.settings import Settings
from mribench.speed import trainers
from mribench.speed.trainers import TRAINERS, Trainer
from mribench.tables import markdown_table

SEEDS = (0, 1, 2)
N_IMAGES = 128  # that are drawn of each training
STEPS = 25  # of DDIM, for the others
SPACES = ("hc85-v1", "gist208-v1")
OURS = "mribench quick"


def measure(
    organ: str, out: Path, seeds: Sequence[int] = SEEDS, profile: str = "quick", n: int = N_IMAGES
) -> dict[str, Any]:
    """Train ours and every other trainer, draw, and score.

    What is done is kept in ``out`` and not done again: ``ours`` is a run folder, ``images`` holds what the others drew,
    ``board`` their records and the page. The record is written after every seed.

    Args:
        organ: whose phantoms they learn.
        out: folder for quality.json and quality.md.
        seeds: of the trainings.
        profile: of ours.
        n: images of each training that are scored.

    Returns:
        The record that quality.json holds.

    Raises:
        InputError: a library of the others is missing.
    """
    trainers.check()
    spec = runspec.make(
        modalities=organ,
        variants="ddpm",
        tasks="generation,audit",
        seeds=tuple(seeds),
        profile=profile,
        n_generated=n,
        out=str(out / "ours"),
    )
    ours = {result.seed: result for result in run.run_suite(spec) if _is_ours(result)}
    plan = resolve(spec)
    images = prepare_data(plan.modalities[0], plan.spec.data, plan.profile, plan.out).train.images
    record: dict[str, Any] = {
        "organ": organ,
        "n": n,
        "ddim_steps": STEPS,
        **provenance.environment(),
        "rows": [],
    }
    with progress("quality", len(TRAINERS) * len(seeds)) as advance:
        for round_, (seed, result) in enumerate(ours.items()):
            rows = [_ours(result)]
            for number, trainer in enumerate(TRAINERS, 1):
                _draw(trainer, images, seed, result.provenance["training"]["seconds"], n, out)
                rows.append(_other(trainer, seed, organ, out))
                advance(round_ * len(TRAINERS) + number, f"{trainer.name}, seed {seed}")
            record["rows"] += rows
            files.write_json(out / "quality.json", record)
            files.write_text(out / "quality.md", markdown(record))
    return record


def markdown(record: Mapping[str, Any]) -> str:
    """One row a trainer; of several seeds the mean ± standard deviation, and the ratio of KD to ours."""
    named: dict[str, list[Mapping[str, Any]]] = {}
    for row in record["rows"]:
        named.setdefault(row["trainer"], []).append(row)
    first = {space: mean(row["kd"][space] for row in named[OURS]) for space in SPACES}
    lines = []
    for name, rows in named.items():
        cells = [name, rows[0]["settings"], str(len(rows))]
        cells += [
            _spread([row[key] for row in rows], digits=0) for key in ("seconds", "steps", "images_seen")
        ]
        for space in SPACES:
            values = [row["kd"][space] for row in rows]
            cells += [_spread(values, digits=1), f"{mean(values) / first[space]:.1f}"]
        lines.append(cells)
    head = ["trainer", "settings", "seeds", "training (s)", "steps", "images seen"]
    for space in SPACES:
        head += [f"KD[{space}] (1e-3) ↓", "of ours"]
    machine, versions = record["machine"], record["versions"]
    return "\n".join(
        [
            f"{record['organ']}, phantoms; {record['n']} images of each training. {machine['device']}, "
            f"{machine['threads']} threads, torch {versions['torch']}. The others are drawn by DDIM in "
            f"{record['ddim_steps']} steps.",
            "",
            markdown_table(head, lines),
        ]
    )


def _is_ours(result: Result) -> bool:
    return result.task == "generation" and not result.is_control


def _ours(result: Result) -> dict[str, Any]:
    training = result.provenance["training"]
    return {
        "trainer": OURS,
        "settings": f"ddpm, {', '.join(result.provenance['spec']['samplers']) or 'dpm-solver-16'}",
        "seed": result.seed,
        "seconds": training["seconds"],
        "steps": training["steps"],
        "images_seen": training["images_seen"],
        "kd": _kd(result),
    }


def _other(trainer: type[Trainer], seed: int, organ: str, out: Path) -> dict[str, Any]:
    """Place what was drawn beside ours."""
    with np.load(_file(trainer, seed, out)) as found:
        images, steps, seconds = found["images"], int(found["steps"]), float(found["seconds"])
    phantoms = f"phantom:{organ}"
    asked = Settings(
        against=phantoms,
        trained_on=phantoms,
        out=out / "board",
        name=trainer.name,
        beside=(out / "ours",),
        seed=seed,
    )
    return {
        "trainer": trainer.name,
        "settings": trainer.settings,
        "seed": seed,
        "seconds": seconds,
        "steps": steps,
        "images_seen": steps * trainer.batch,
        "kd": _kd(score(images, asked).generation),
    }


def _draw(trainer: type[Trainer], images: np.ndarray, seed: int, seconds: float, n: int, out: Path) -> None:
    """Train for ``seconds`` and keep n images, unless they are there; the last step may end a little later."""
    kept = _file(trainer, seed, out)
    if kept.is_file():
        return
    say(f"{trainer.name}, seed {seed}: {seconds:.0f} s of training")
    loop, steps, start = trainer(images, seed), 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < seconds:
        loop.step()
        steps += 1
    drawn = np.rint(np.clip(loop.sample(n, STEPS), 0, 1) * 255).astype(np.uint8)
    with files.new_file(kept) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, images=drawn, steps=steps, seconds=round(taken, 2))


def _file(trainer: type[Trainer], seed: int, out: Path) -> Path:
    return out / "images" / f"{trainer.name}-s{seed}.npz"


def _kd(result: Result) -> dict[str, float]:
    return {s.space: s.value for s in result.scores if s.metric == "kd" and s.space in SPACES}  # type: ignore[misc]


def _spread(values: Sequence[float], digits: int) -> str:
    text = f"{mean(values):,.{digits}f}"
    return f"{text} ± {stdev(values):,.{digits}f}" if len(values) > 1 else text
