"""Chooses the learning rate of each method: the same number of trials for every one of them.

A trial is a training with a share of the profile's budget and every learning rate of the method multiplied by one
factor. Its samples are scored by kernel distance against the validation subjects, because the test subjects are for
boards. All else is as in a run: the steps are those of the same FLOPs, the samples are drawn by the method's default
sampler at the profile's number of network evaluations.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from mribench import files, hashing, provenance
from mribench.data import load
from mribench.errors import InputError, Interrupted, MribenchError, TrainingDiverged
from mribench.features import Extractor
from mribench.features.hc85 import HC85
from mribench.plugins import lookup
from mribench.progress import progress
from mribench.results import schema
from mribench.runner import locks
from mribench.runner.cell import Cell
from mribench.runner.model_code import model_hash, trained_as
from mribench.runner.plan import Plan, resolve
from mribench.runner.runspec import RunSpec
from mribench.runner.tuned import Tuned
from mribench.spec import GenerativeModel, Prepared, Profile, Variant
from mribench.training import folder as training_folder
from mribench.training import imports
from mribench.training.arguments import TrainingArguments
from mribench.training.train import train
from mribench.tune import methods_table
from mribench.tune.samplers import measure
from mribench.tune.workers import worker_pool

RECORD, TABLE = "methods.json", "methods.md"
SCHEMA = 1
# Times the learning rate of the profile, from which the first trials start. Neighbours are a factor of two apart: the
# differences of finer steps are lost in those of seeds. Down to 1/32, because many families were published with 1e-4 to
# 2e-4 (Ho et al. 2020, Peebles & Xie 2023), a ninth to an eighteenth of that of ``quick``, which was chosen for a short
# training of a DDPM; up to 4, because that DDPM gains up to 1.3 times as much (leaderboards/tuning/first.md).
FACTORS = (1.0, 0.5, 2.0, 0.25, 4.0, 0.125, 0.0625, 0.03125)
LEAST_TRIALS = 3  # fewer have no neighbours on both sides
SHARE = 0.25
# what all trials of a file have in common, and how it is called
CONDITIONS = {
    "profile": "settings of the profile",
    "share": "--share",
    "factors": "--trials",
    "seed": "--seed",
    "data": "--modalities or images",
}


def tune_methods(
    plan: Plan, data: Mapping[str, Prepared], out: Path, trials: int, share: float, processes: int = 1
) -> dict[str, Any]:
    """Make the trials of every method of a plan that ``out`` does not hold yet.

    Args:
        plan: its variants are tuned, under its profile and its first seed; one stands for all that share its training.
        data: prepared images of each organ. A model that is told the organ is trained for each of them by itself.
        out: folder for methods.json and methods.md, which are written after each trial. Trials of a method whose code
            or sampler has changed are made again, those of all others are kept.
        trials: of each method and organ: the first of ``FACTORS``.
        share: of the profile's training budget that each trial has.
        processes: trials at once, with an equal share of the cores each.

    Returns:
        The record that methods.json holds.

    Raises:
        InputError: a number is out of range, or methods.json is of another profile, share, number of trials, seed or
            other images.
        Interrupted: after Ctrl-C; the training under way goes on from its last checkpoint next time.
    """
    if not LEAST_TRIALS <= trials <= len(FACTORS):
        raise InputError(f"--trials is {trials}, expected {LEAST_TRIALS} to {len(FACTORS)}")
    if not 0 < share <= 1:
        raise InputError(f"--share is {share:g}, expected more than 0 and at most 1")
    factors = FACTORS[:trials]
    record = {
        "schema": SCHEMA,
        "profile": asdict(plan.profile),
        "share": share,
        "factors": sorted(factors),
        "seed": plan.spec.seeds[0],
        "data": {organ: prepared.key for organ, prepared in data.items()},
        **provenance.environment(),
    }
    with locks.suite(out, workers=False):
        families = record["families"] = _begun(out / RECORD, record)
        models = _by_training(plan)
        for name, model in models.items():
            about = _about(model, plan)
            if not families.get(name, {}).items() >= about.items():
                families[name] = {**about, "runs": []}
        known = {(name, run["modality"], run["factor"]) for name in models for run in families[name]["runs"]}
        wanted = [(name, organ, factor) for name in models for factor in factors for organ in data]
        spec = replace(plan.spec, out=str(out.absolute()))
        calls = {
            (name, organ, factor): (
                trial,
                spec,
                plan.profile.precision,
                models[name].name,
                organ,
                data[organ].path.absolute(),
                factor,
                share,
            )
            for name, organ, factor in wanted
            if (name, organ, factor) not in known
        }
        _save(out, record)
        with worker_pool(processes) as run_calls, progress("tune", len(wanted)) as advance:
            for done, ((name, organ, _), (run, folder)) in enumerate(run_calls(calls), len(known) + 1):
                families[name]["runs"].append(run)
                _save(out, record)
                shutil.rmtree(out / "train" / folder, ignore_errors=True)
                kd = run["reason"] if run["kd"] is None else f"KD {run['kd']:.0f}"
                advance(done, f"{name}, {organ}, learning rate {run['lr']:.2g}: {kd}")
    return record


def _by_training(plan: Plan) -> dict[str, Variant | GenerativeModel]:
    """The models to tune by the name that their training goes by; that of its own name stands for those that share it.

    Raises InputError where one of them is not trained here.
    """
    models: dict[str, Variant | GenerativeModel] = {}
    for model in plan.variants:
        if not isinstance(model, Variant | GenerativeModel):
            raise InputError(f"{model.name!r} is not trained, so that it has no learning rate; leave it out")
        name = trained_as(model)
        if name not in models or model.name == name:
            models[name] = model
    return models


def _about(model: Variant | GenerativeModel, plan: Plan) -> dict[str, Any]:
    """What the trials of a model depend on beside the conditions of the file."""
    about: dict[str, Any] = {"code": model_hash(model), "sampler": None}
    if isinstance(model, Variant):
        choice = plan.samplers_of(model)[0]
        about |= {"sampler": choice.name, "sampler_version": choice.sampler.version}
    return about


def _begun(path: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """The families that a file of the same conditions holds; raises InputError where they are others."""
    if not path.exists():
        return {}
    previous = schema.read(path, schema.Tuning, "remove it, or choose another --out")
    for name, title in CONDITIONS.items():
        if hashing.json_hash(previous.get(name)) != hashing.json_hash(record[name]):
            raise InputError(
                f"{path} was made with other {title} than asked for, expected the same, so that its methods "
                "compare; choose another --out"
            )
    families: dict[str, Any] = previous["families"]
    return families


def trial(
    spec: RunSpec, precision: str, variant: str, organ: str, data: Path, factor: float, share: float
) -> tuple[dict[str, Any], str]:
    """Train a model with one factor and score its samples; returns what methods.json says, and the training's folder.

    A training that diverges, and samples that are no images, are an answer: ``kd`` is None.
    """
    imports.load_diffusers()
    plan, modality = _plan(spec, precision), lookup.load("modalities", organ)
    model = lookup.load("variants", variant)
    prepared, seed = load(data, modality, getattr(model, "fields", ())), plan.spec.seeds[0]
    cell = Cell(modality, prepared, model, seed)
    lr = plan.profile.lr * factor
    chosen = Tuned(factor, lr, 1, share, (organ,), "")
    plan = replace(
        plan,
        profile=shortened(plan.profile, len(prepared.train), share),
        tuned={trained_as(model): chosen},
    )
    folder = cell.train_folder(plan)
    folder.mkdir(parents=True, exist_ok=True)
    run = {"modality": organ, "factor": factor, "lr": lr, "kd": None, "reason": None}
    title = f"tune {organ} {variant}, learning rate {lr:.2g}"
    try:
        as_trained, profile = cell.as_trained(plan)
        if training_folder.is_finished(folder):  # and was not scored before it was killed
            made = files.read_json(folder / training_folder.RECORD)
        else:
            splits = cell.split("train"), cell.split("validation")
            made = train(as_trained, TrainingArguments(*splits, profile, seed, folder, title))
        run |= {name: made[name] for name in ("steps", "images_seen", "seconds", "validation_loss")}
        run |= {
            "tflop": made.get("tflop"),
            "n": plan.profile.n_generated,
            "n_reference": len(prepared.validation),
        }
        sampler = plan.samplers_of(model)[0] if isinstance(model, Variant) else None
        scores = measure(replace(cell, trained=folder, sampler=sampler), plan, Extractor({HC85.name: HC85}))
        run |= {"kd": scores["kd"], "nfe": scores["nfe"], "seconds_sampling": scores["seconds"]}
    except (InputError, Interrupted):
        raise
    except TrainingDiverged:
        run["reason"] = "the loss diverged"  # its message names a folder of this machine
    except MribenchError as error:
        run["reason"] = str(error)
    return run, folder.name


@lru_cache(maxsize=1)
def _plan(spec: RunSpec, precision: str) -> Plan:
    return resolve(replace(spec, precision=precision))


def shortened(profile: Profile, n: int, share: float) -> Profile:
    """The profile with a share of the steps of a training on ``n`` images, its whole schedule in proportion."""
    steps = profile.total_steps(n)

    def part(count: int) -> int:
        return max(1, int(count * share)) if count else 0

    return replace(
        profile,
        max_steps=part(steps),
        max_epochs=None,
        coarse_steps=part(profile.coarse_steps),
        warmup_steps=part(profile.warmup_steps),
        eval_every=part(profile.eval_every),
        checkpoint_every=part(profile.checkpoint_every),
    )


def _save(out: Path, record: Mapping[str, Any]) -> None:
    files.write_json(out / RECORD, record)
    files.write_text(out / TABLE, methods_table.markdown(record))
