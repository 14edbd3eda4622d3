"""Denoising: noise held-out images to fixed levels of alpha-bar, denoise, compare pairwise. The study's "reconstruct".

This gives the study's PSNR, SSIM, MSE and MAE a meaning: an unconditional sample has no partner to be compared with,
a noised and denoised image has. Levels are fixed by alpha-bar, not by timestep, so that noise schedules compare; the
noise of an image depends on its content, the level and the seed, never on the variant. To a variant in whose space that
noise has no level the task does not apply.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from mribench.errors import Unavailable
from mribench.features import Extractor
from mribench.figures import captioned, evenly_spaced, grid
from mribench.seeds import numpy_rng
from mribench.spec import Metric, Model, Prepared, Profile, Score, Split, Task
from mribench.tasks import to_uint8
from mribench.tasks.scores import blank_score, computed_score

NOT_IN_PIXELS = "the model does not denoise images that are noised in pixels"


def noised(split: Split, alpha_bar: float, seed: int) -> np.ndarray:
    """float32 (N, H, W): x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps with x_0 in [-1, 1]."""
    x0 = split.unit() * 2 - 1
    addresses = [hashlib.sha256(np.ascontiguousarray(image)).hexdigest() for image in split.images]
    noise = np.stack(
        [numpy_rng("noised", a, alpha_bar, seed).standard_normal(x0.shape[1:]) for a in addresses]
    )
    return (np.sqrt(alpha_bar) * x0 + np.sqrt(1 - alpha_bar) * noise).astype(np.float32)


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """For each level its name -> uint8 (test images, H, W), a single denoised image per held-out image.

    Empty for a model that cannot denoise an image which is noised in pixels.
    """
    try:
        return {
            level_name(alpha_bar): to_uint8(
                model.denoise(noised(data.test, alpha_bar, seed), alpha_bar, seed)
            )
            for alpha_bar in profile.alpha_bars
        }
    except Unavailable:
        return {}


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Extractor,
    seed: int,
) -> list[Score]:
    """Every paired metric at every level: mean over subjects, 95 % interval over subjects."""
    if not outputs:
        return [
            blank_score(metric, NOT_IN_PIXELS, data.test.subjects, alpha_bar)
            for alpha_bar in profile.alpha_bars
            for metric in metrics.values()
        ]
    reference = data.test.unit()
    scores = []
    for alpha_bar in profile.alpha_bars:
        restored = outputs[level_name(alpha_bar)].astype(np.float32) / 255
        scores += [
            computed_score(metric, (restored, reference), data.test.subjects, alpha_bar)
            for metric in metrics.values()
        ]
    return scores


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Model] | None,
    words: str,
) -> dict[str, np.ndarray]:
    """Rows of held-out images: the original, then what was restored from each level."""
    if not outputs:
        return {}
    test = data.test.images
    rows = evenly_spaced(len(test), 8)
    columns = np.stack([test[rows], *(outputs[level_name(a)][rows] for a in profile.alpha_bars)], axis=1)
    levels = ", ".join(f"{alpha_bar:.2f}" for alpha_bar in profile.alpha_bars)
    caption = f"held out | restored from alpha-bar {levels}"
    return {"restored": captioned(grid(columns.reshape(-1, *test.shape[1:]), columns.shape[1]), caption)}


def level_name(alpha_bar: float) -> str:
    return f"alpha_bar_{alpha_bar:.5f}"


WHOLE = ("psnr", "ssim", "mse", "mae", "psnr_pooled", "ms_ssim3", "nmse")
METRICS = (*WHOLE, *(f"{name}_fg" for name in WHOLE))
DENOISING = Task(
    name="denoising",
    title="noise to a fixed level and back",
    version=3,  # 3: schedules spend the same NFE from the same noise
    metrics=METRICS,
    produce=produce,
    score=score,
    draw=draw,
    needs=("denoising",),
)
