"""Compares samplers on the checkpoints of a run. Nothing is trained here.

Every checkpoint is sampled by every candidate from the same noise. The samples are scored by kernel distance against
the validation subjects, because the test subjects are for boards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from mribench import files, provenance
from mribench.errors import InputError
from mribench.features import Extractor
from mribench.features.hc85 import HC85
from mribench.metrics.distribution import kernel_distance
from mribench.progress import progress
from mribench.results import Result
from mribench.runner.cell import Cell
from mribench.runner.plan import Plan
from mribench.runner.verify import again
from mribench.sampling import forward_process, samplers
from mribench.sampling.samplers import SamplerChoice
from mribench.speed.clock import seconds
from mribench.speed.drift import checkpoints
from mribench.tables import markdown_table
from mribench.tasks import to_uint8
from mribench.training import imports

CANDIDATES = ("ddim-25", "ddim-50", "dpm-solver-10", "dpm-solver-16", "dpm-solver-25", "dpm-solver-50")
# measurements that agree in these fields are the same
IDENTITY_FIELDS = ("weights", "sampler", "sampler_version", "n", "precision", "data_key")


def compare_samplers(
    folder: Path, names: Sequence[str], out: Path, modalities: Sequence[str] = ("all",)
) -> dict[str, Any]:
    """Measure every sampler on every checkpoint.

    Args:
        folder: a run folder, or one folder in its ``train/``.
        names: of samplers, with their steps.
        out: folder for samplers.json, written after each measurement, and samplers.md, written at the end. What
            samplers.json has already is not measured again.
        modalities: names of organs, or "all".

    Returns:
        The record of the measurements of this folder.

    Raises:
        InputError: a sampler is unknown, or none fits what is trained.
    """
    choices = [samplers.resolve(name) for name in names]
    run, trained = checkpoints(folder, modalities)
    path = out / "samplers.json"
    record = {**provenance.environment(), "runs": files.read_json(path)["runs"] if path.exists() else []}
    known = {_identity(measured) for measured in record["runs"]}
    imports.load_diffusers()
    extract = Extractor({HC85.name: HC85})
    of_this_folder: set[tuple[Any, ...]] = set()
    with progress("tune samplers", len(trained) * len(choices)) as advance:
        for done, result in enumerate(trained):
            cell, plan = again(run, result)
            fitting = [
                choice for choice in choices if forward_process.compatible(cell.variant, choice.sampler)
            ]
            for n, sampler in enumerate(fitting, start=1):
                conditions = _conditions(cell, plan, result, sampler)
                of_this_folder.add(_identity(conditions))
                if _identity(conditions) not in known:
                    scores = measure(replace(cell, sampler=sampler), plan, extract)
                    record["runs"].append(conditions | scores)
                    files.write_json(path, record)
                advance(done * len(choices) + n, f"{result.modality} {sampler.name}")
    if not of_this_folder:
        raise InputError(
            f"none of the samplers {', '.join(names)} reverses what is trained in {run}; give others"
        )
    # samplers.json may hold measurements of other folders
    selected = record | {"runs": [run for run in record["runs"] if _identity(run) in of_this_folder]}
    files.write_text(out / "samplers.md", markdown(selected))
    return selected


def _conditions(cell: Cell, plan: Plan, result: Result, sampler: SamplerChoice) -> dict[str, Any]:
    return {
        "checkpoint": result.provenance["checkpoint"],
        "weights": result.provenance["checkpoint_sha256"],
        "profile": plan.profile.name,
        "precision": plan.profile.precision,
        "variant": result.variant,
        "modality": result.modality,
        "data": cell.data.name,
        "data_key": cell.data.key,
        "seed": result.seed,
        "sampler": sampler.name,
        "sampler_version": sampler.sampler.version,
        "n": plan.profile.n_generated,
        "n_reference": len(cell.data.validation),
        "subjects": cell.data.validation.n_subjects,
    }


def _identity(measured: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(measured[name] for name in IDENTITY_FIELDS)


def measure(cell: Cell, plan: Plan, extract: Extractor) -> dict[str, Any]:
    """Kernel distance (hc85-v1, x 1e3) of the cell's samples to the validation subjects, NFE, seconds of sampling."""
    model, samples = cell.model(plan, "tune"), []
    took = seconds(lambda: samples.append(model.generate(range(plan.profile.n_generated), cell.seed)))
    images = (to_uint8(samples[0]), cell.data.validation.images, cell.data.train.images)
    kd = kernel_distance(*(extract(HC85.name, x) for x in images), HC85)
    return {"kd": round(kd * 1e3, 2), "nfe": model.nfe[-1], "seconds": round(took, 2)}


def markdown(record: Mapping[str, Any]) -> str:
    """One table for each variant, profile and data; best first, by the geometric mean over organs and seeds."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for run in record["runs"]:
        groups.setdefault(f"{run['variant']}, {run['profile']}, {run['data']}", []).append(run)
    machine = record["machine"]
    lines = [
        "KD[hc85-v1] x 1e3 to the validation subjects, of samples of the same checkpoints from the same noise. "
        f"Seconds on {machine['device']} ({machine['threads']} threads), median over checkpoints.",
    ]
    for name, runs in groups.items():
        lines += [f"\n{name}:\n", _table(runs).rstrip("\n")]
    return "\n".join(lines) + "\n"


def _table(runs: Sequence[Mapping[str, Any]]) -> str:
    rows: dict[str, dict[tuple[str, int], Mapping[str, Any]]] = {}
    for run in runs:
        rows.setdefault(run["sampler"], {})[run["modality"], run["seed"]] = run
    cells = {cell for row in rows.values() for cell in row}
    organs, seeds = sorted({organ for organ, _ in cells}), sorted({seed for _, seed in cells})
    whole = {name: row for name, row in rows.items() if row.keys() == cells}

    def mean(row: Mapping[Any, Mapping[str, Any]], seed: int | None = None) -> float:
        # a distance below 1 is noise, and may be negative
        values = [max(1.0, run["kd"]) for (_, own), run in row.items() if seed in (None, own)]
        return math.exp(sum(map(math.log, values)) / len(values))

    best = (
        [min(whole, key=lambda name, cell=cell: whole[name][cell]["kd"]) for cell in cells] if whole else []
    )
    count = runs[0]["n"]
    titles = ["sampler", "NFE", f"seconds for {count}", *organs]
    titles += [f"geometric mean (least, most of {len(seeds)} seeds)", f"lowest in, of {len(cells)}"]
    lines = []
    for name, row in sorted(whole.items(), key=lambda pair: mean(pair[1])):
        each = [mean(row, seed) for seed in seeds]
        nfe = next(iter(row.values()))["nfe"]
        row_cells = [name, str(nfe), f"{median(run['seconds'] for run in row.values()):.1f}"]
        for organ in organs:
            values = [run["kd"] for (own, _), run in row.items() if own == organ]
            row_cells.append(f"{sum(values) / len(values):.1f}")
        row_cells += [f"{mean(row):.1f} ({min(each):.1f}, {max(each):.1f})", str(best.count(name))]
        lines.append(row_cells)
    return markdown_table(titles, lines)
