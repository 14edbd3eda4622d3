"""What bf16 changes in the samples of a trained checkpoint, compared with what chance changes.

The same noise goes through the same weights in bf16 and in fp32. Both sets are then as dependent as can be, so their
kernel distance is taken over pairs; the floor is that of independent fp32 samples of the same number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files, provenance, results
from mribench.errors import InputError
from mribench.features.hc85 import HC85, extract
from mribench.metrics.distribution import kernel_distance, kernel_distance_on_subsets, scaled
from mribench.metrics.kernels import cubic, median_distance, rbf
from mribench.metrics.uncertainty import PERCENTILES
from mribench.progress import progress
from mribench.results import Result
from mribench.runner.cell import Cell
from mribench.runner.plan import Plan
from mribench.runner.verify import again
from mribench.seeds import numpy_rng
from mribench.spec import FeatureSpace
from mribench.tables import markdown_table
from mribench.tasks import to_uint8

N_SPLITS = 200


def measure(path: Path, out: Path) -> dict[str, Any]:
    """The drift of every checkpoint of a run folder, or of one folder in its ``train/``.

    ``out`` is the folder for drift.json and drift.md, which are written after each checkpoint.
    """
    run, trained = checkpoints(path)
    record: dict[str, Any] = {**provenance.environment(), "runs": []}
    with progress("drift", len(trained)) as advance:
        for done, result in enumerate(trained, start=1):
            record["runs"].append(of_checkpoint(*again(run, result), result))
            files.write_json(out / "drift.json", record)
            files.write_text(out / "drift.md", markdown(record))
            advance(done, result.modality)
    return record


def checkpoints(path: Path, modalities: Sequence[str] = ("all",)) -> tuple[Path, list[Result]]:
    """What a run has trained, to be sampled again.

    Args:
        path: a run folder, or one folder in its ``train/``.
        modalities: names of organs, or "all".

    Returns:
        The run folder, and for each checkpoint one record, which ``verify.again`` makes a cell from.

    Raises:
        InputError: no finished cell is there.
    """
    is_checkpoint = (path / "train.json").exists()
    run = path.resolve().parents[1] if is_checkpoint else path
    found: dict[str, Result] = {}
    for result in results.read_all([run]):
        name = result.provenance["checkpoint"]
        wanted = "all" in modalities or result.modality in modalities
        if is_checkpoint:
            wanted = wanted and name == path.resolve().name
        if name and wanted and result.task == "generation":
            found.setdefault(name, result)
    if not found:
        raise InputError(
            f"no generation by a trained variant is recorded for {path}; give the --out folder of a run, or one "
            "folder below its train/"
        )
    return run, list(found.values())


def of_checkpoint(cell: Cell, plan: Plan, result: Result) -> dict[str, Any]:
    """Kernel distances (hc85-v1, x 1e3) of ``n`` samples each, by the sampler and seed of the record.

    - kd, kd_low, kd_high: bf16 to fp32 from the same noise, with its 95 % interval (normal).
    - samples_low, samples_high: 95 % of the distances between halves of 2 n fp32 samples.
    - half_low, half_high: the same of halves of real test subjects, n_half images each, as the record has them.
    - kd_validation: of bf16, of fp32, and of fp32 from other noise, to the validation subjects.
    - rms_grey: root mean squared difference of a pixel between bf16 and fp32, in grey levels (of 255).
    """
    n = plan.profile.n_generated

    def draw(precision: str, indices: range) -> np.ndarray:
        profile = replace(plan.profile, precision=precision)
        return to_uint8(
            cell.model(replace(plan, profile=profile), f"drift {precision}").generate(indices, cell.seed)
        )

    sets = {
        "bf16": draw("bf16", range(n)),
        "fp32": draw("fp32", range(n)),
        "other": draw("fp32", range(n, 2 * n)),
    }
    low, full, other = (extract(images / 255) for images in sets.values())
    train, validation = extract(cell.data.train.unit()), extract(cell.data.validation.unit())
    kd, error = (1e3 * value for value in paired_kernel_distance(low, full, train, HC85))
    halves = 1e3 * _between_halves(np.concatenate([full, other]), train, HC85)
    band = np.percentile(halves, PERCENTILES)
    real = result.floor.get("kd[hc85-v1]", {})
    return {
        "checkpoint": result.provenance["checkpoint"],
        "sampler": result.sampler,
        "n": n,
        "kd": round(kd, 3),
        "kd_low": round(kd - 1.96 * error, 3),
        "kd_high": round(kd + 1.96 * error, 3),
        "samples_low": round(float(band[0]), 3),
        "samples_high": round(float(band[1]), 3),
        **{name: real.get(name) for name in ("half_low", "half_high", "n_half")},
        "n_validation": len(validation),
        "kd_validation": {
            name: round(1e3 * kernel_distance(features, validation, train, HC85), 2)
            for name, features in zip(sets, (low, full, other), strict=True)
        },
        # / 1.0: differences of uint8 wrap around
        "rms_grey": round(float(np.sqrt(np.square(sets["bf16"] / 1.0 - sets["fp32"]).mean())), 3),
    }


def paired_kernel_distance(
    a: np.ndarray, b: np.ndarray, train: np.ndarray | None, space: FeatureSpace
) -> tuple[float, float]:
    """(value, standard error) of the squared maximum mean discrepancy of pairs (a_i, b_i), features (n, d) both.

    Gretton et al. 2012, JMLR 13:723, eq. 4: the mean over i != j of k(a_i, a_j) + k(b_i, b_j) - k(a_i, b_j) -
    k(a_j, b_i). Unbiased however much a_i depends on b_i; ``kernel_distance``, which also takes k(a_i, b_i), is below 0
    for a set and itself.
    """
    x, y, scale = scaled(a, b, train, space, at_least=3)
    kernel = cubic if scale is None else partial(rbf, bandwidth=median_distance(scale))
    cross = kernel(x, y)
    h = kernel(x, x) + kernel(y, y) - cross - cross.T
    np.fill_diagonal(h, 0.0)
    n = len(h)
    means = h.sum(1) / (n - 1)
    # a U statistic of order two varies by twice its projection (Hoeffding 1948, doi:10.1214/aoms/1177730196)
    return float(means.mean()), float(2 * means.std(ddof=1) / np.sqrt(n))


def _between_halves(pool: np.ndarray, train: np.ndarray, space: FeatureSpace) -> np.ndarray:
    """Kernel distances between two halves of the pool, by ``N_SPLITS`` seeded splits: what chance alone gives."""
    first = np.zeros((N_SPLITS, len(pool)), bool)
    for split, row in enumerate(first):
        row[numpy_rng("drift", split).permutation(len(pool))[: len(pool) // 2]] = True
    return kernel_distance_on_subsets(pool, pool, train, space)(first, ~first)


def markdown(record: Mapping[str, Any]) -> str:
    """A line per checkpoint; every number is in the record."""
    lines = [
        "KD[hc85-v1] x 1e3 between bf16 and fp32 samples from the same noise, beside what chance gives: 95 % of splits "
        f"of independent fp32 samples, and of real test subjects. {record['machine']['device']}.",
        "",
    ]
    titles = [
        "checkpoint",
        "sampler",
        "n",
        "bf16 to fp32 (95 %)",
        "fp32 halves",
        "real halves (n)",
        "pixel, rms of 255",
        "KD to validation: bf16, fp32, fp32 from other noise",
    ]
    rows = []
    for run in record["runs"]:
        known = run["half_low"] is not None
        real = f"{run['half_low']:.1f} to {run['half_high']:.1f} ({run['n_half']})" if known else ""
        cells = [
            run["checkpoint"],
            run["sampler"],
            str(run["n"]),
            f"{run['kd']:.2f} ({run['kd_low']:.2f}, {run['kd_high']:.2f})",
            f"{run['samples_low']:.1f} to {run['samples_high']:.1f}",
            real,
            f"{run['rms_grey']:.2f}",
            ", ".join(f"{value:.1f}" for value in run["kd_validation"].values()),
        ]
        rows.append(cells)
    return "\n".join([*lines, markdown_table(titles, rows)])
