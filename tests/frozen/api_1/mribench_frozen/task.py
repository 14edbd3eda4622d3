"""Frozen task, a task for mribench: here restoring images from noise at one level. Replace it by your question."""

import numpy as np
from mribench.metrics.uncertainty import cluster_bootstrap_mean
from mribench.seeds import numpy_rng
from mribench.spec import Score, Task
from mribench.tasks import to_uint8

ALPHA_BAR = 0.5


def produce(model, data, profile, seed):
    """The expensive half: {name: uint8 (n, H, W)}; ``model`` is a ``mribench.spec.Model``."""
    x0 = data.test.unit() * 2 - 1
    noise = numpy_rng("frozen-task", seed).standard_normal(x0.shape)
    x_t = np.sqrt(ALPHA_BAR) * x0 + np.sqrt(1 - ALPHA_BAR) * noise
    return {"restored": to_uint8(model.denoise(x_t.astype(np.float32), ALPHA_BAR, seed))}


def score(outputs, data, profile, metrics, extract, seed):
    """The cheap half: one Score per metric, with n and an interval over subjects."""
    restored, scores = outputs["restored"].astype(np.float32) / 255, []
    for metric in metrics.values():
        values = metric.compute(restored, data.test.unit()) * metric.scale
        mean, low, high = cluster_bootstrap_mean(values, data.test.subjects)
        scores.append(Score(metric.name, mean, len(values), data.test.n_subjects, low, high, level=ALPHA_BAR))
    return scores


FROZEN_TASK = Task(
    name="frozen-task",
    title="Frozen task",
    version=1,
    metrics=("psnr", "ssim"),
    produce=produce,
    score=score,
)
