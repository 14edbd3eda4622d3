"""Records as a run writes them, of as many rows and boards as are asked for; nothing was trained.

They have numbers per subject, half-subsamples and a noise floor, so that boards rank and compare all of their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from mribench import results
from mribench.metrics.uncertainty import round_for_record
from mribench.results import Result
from mribench.spec import Score

SUBJECTS, SUBSAMPLES = 32, 200
LEVELS = (0.89702, 0.52409, 0.07859)
SPACES = ("hc85-v1", "gist208-v1")
IN_SPACES = ("kd", "fd", "precision", "recall", "density", "coverage")
ON_IMAGES = ("diversity", "spectrum", "histogram", "background_offset", "background_sigma")
PAIRED = ("psnr", "ssim", "mse", "mae", "ms_ssim3", "nmse", "psnr_fg", "ssim_fg", "mse_fg", "mae_fg")
HEADLINE = ("kd", "fd", "psnr", "ssim", "mse", "mae")
# kernel distances at which the controls land where they must
CONTROLS = {"noise": 1300.0, "gaussian": 600.0, "train-replay": 3.0, "mode-collapse": 150.0, "blur": 900.0}
DRAWN = [(metric, space) for metric in IN_SPACES for space in SPACES] + [(m, None) for m in ON_IMAGES]


def records(rows: int, organs: Sequence[str], seeds: int) -> list[Result]:
    """Every result of ``rows`` trained variants and the controls, on a board of each organ."""
    values = {f"variant-{i:02}": 80.0 + 4 * i for i in range(rows)} | CONTROLS
    return [
        result
        for organ in organs
        for variant, value in values.items()
        for seed in range(seeds)
        for result in _cell(organ, variant, value, seed)
    ]


def _cell(organ: str, variant: str, value: float, seed: int) -> list[Result]:
    rng = np.random.default_rng([seed, *variant.encode(), *organ.encode()])
    copies = variant == "train-replay"
    audit = {"verdict": "MEMORISES" if copies else "not detected", "reasons": []}
    return [
        _result(organ, variant, seed, "generation", _distances(value, rng), {"floor": _floor()}),
        _result(organ, variant, seed, "denoising", _paired(value, rng), {}),
        _result(organ, variant, seed, "audit", (), {"audit": audit}),
    ]


def _distances(value: float, rng: np.random.Generator) -> tuple[Score, ...]:
    return tuple(
        Score(metric, value, 256, SUBJECTS, value - 10, value + 10, 160, space, subsamples=_drawn(value, rng))
        for metric, space in DRAWN
    )


def _paired(value: float, rng: np.random.Generator) -> tuple[Score, ...]:
    subjects = np.random.default_rng(1).standard_normal(SUBJECTS)
    made = []
    for level in LEVELS:
        for metric in PAIRED:
            each = 20 - value / 200 + subjects + 0.1 * rng.standard_normal(SUBJECTS)
            mean = float(each.mean())
            made.append(
                Score(
                    metric,
                    mean,
                    160,
                    SUBJECTS,
                    mean - 1,
                    mean + 1,
                    level=level,
                    per_subject=round_for_record(each),
                )
            )
    return tuple(made)


def _drawn(value: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Half-subsamples that share the deviations of the test subjects and have some of their own."""
    shared = np.random.default_rng(0).standard_normal(SUBSAMPLES)
    alone = rng.standard_normal(SUBSAMPLES)
    return round_for_record(value + 5 * shared + (alone - alone.mean()))


def _floor() -> dict[str, dict[str, object]]:
    about = {"half_mean": 5.0, "half_low": -1.0, "half_high": 12.0, "n": 256, "n_reference": 160}
    about |= {"train_test": 2.0, "train_low": -4.0, "train_high": 6.0, "n_half": 80, "splits": 20}
    drawn = " ".join(map(repr, _drawn(2.0, np.random.default_rng(2))))
    return {
        f"{metric}[{space}]" if space else metric: about | {"subsamples": drawn} for metric, space in DRAWN
    }


def _result(
    organ: str, variant: str, seed: int, task: str, scores: tuple[Score, ...], more: dict[str, object]
) -> Result:
    control = variant in CONTROLS
    made = {"images_seen": 64000, "seconds": 60.0, "steps": 2000, "parameters": 10**6, "precision": "fp32"}
    profile = {"name": "quick", "batch_size": 32, "prediction": "v_prediction", "keep": "best"}
    names = dict.fromkeys(score.metric for score in scores)
    return Result(
        modality=organ,
        variant=variant,
        sampler=None if control else "dpm-solver-16",
        seed=seed,
        task=task,
        is_control=control,
        scores=scores,
        comparability={
            "modality": organ,
            "data": "phantom",
            "data_kind": "phantom",
            "data_key": "a" * 64,
            "split": "test",
            "resolution": 64,
            "profile": "quick",
            "budget": "0123456789ab",
            "task": f"{task} v1",
            "metrics": [f"{name} v1" for name in names],
            "feature_spaces": list(SPACES),
            "n_generated": 256,
            "n_reference": 160,
        },
        data={
            "title": organ.title(),
            "contrast": "T1w",
            "is_mri": True,
            "images": {"train": 1000, "validation": 160, "test": 160},
            "subjects": {"train": 136, "validation": SUBJECTS, "test": SUBJECTS},
            "subjects_known": True,
        },
        provenance={
            "training": None if control else made,
            "checkpoint": None if control else f"{organ}_{variant}_s{seed}",
            "checkpoint_sha256": None if control else f"sha256 of {organ} {variant} {seed}",
            "outputs": f"{organ}_{variant}_s{seed}_{task}",
            "reads": f"{organ}_{variant}_s{seed}_generation" if task == "audit" else None,
            "produced": {
                "nfe": None if control else [16],
                "gflops_per_evaluation": 1.0,
                "seconds": 9.0,
                "seconds_scoring": 4.0,
            },
            "profile": profile,
            "machine": {"device": "a CPU", "threads": 1},
            "versions": {"mribench": "0.1.0", "torch": "2.9", "diffusers": "0.38"},
            "plugins": {"variant": "mribench"},
        },
        expected=asdict(results.CONTROLS[variant]) if control else None,
        metrics={
            name: {
                "title": name,
                "unit": "1e-3" if name == "kd" else "",
                "direction": "up" if name.startswith(("psnr", "ssim")) else "down",
                "paper": "",
                "kind": "paired" if task == "denoising" else "distribution",
                "headline": name in HEADLINE,
            }
            for name in names
        },
        versions={"variant": 1} | ({} if control else {"sampler": 1}),
        **more,
    )
