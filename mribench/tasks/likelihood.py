"""Likelihood of held-out images in bits per dimension.

Grey level k of 256 becomes (k + u - 1/2) / 127.5 - 1 with u uniform on [0, 1): uniform dequantisation (Theis et al.
2016, arXiv 1511.01844, section 3.1), which makes a density comparable to probabilities of images. At most two images of
a subject and 64 in all are asked; u depends on the image and the seed alone.

Of a prior the density at its smallest noise level is taken, by the probability-flow ODE with one random probe of the
trace (``mribench.sampling.likelihood``). What that is off by is measured on the first eight images: a third of what
halving the steps changes, the method being of second order, and the difference of two probes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mribench.audit.losses import equal_by_subject
from mribench.seeds import numpy_rng
from mribench.spec import Likelihood, Metric, Model, Prepared, Profile, Score, Task
from mribench.tasks.scores import blank_score, mean_score

MAX_IMAGES = 64
OF_A_SUBJECT = 2
ONLY_A_BOUND = "a lower bound of the likelihood alone is known, see bpd_bound"
NO_BOUND = "the likelihood itself is known, see bpd"


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """``rows`` int64 (n,), which test images, and what ``mribench.spec.Likelihood`` gives of them, float64."""
    assert isinstance(model, Likelihood)  # the task needs "likelihood"
    test = data.test
    limit = min(MAX_IMAGES, OF_A_SUBJECT * test.n_subjects)
    rows = equal_by_subject(test.subjects, limit, "likelihood")
    return {"rows": rows, **model.log_likelihood(dequantised(test.images[rows], seed), seed)}


def dequantised(images: np.ndarray, seed: int) -> np.ndarray:
    """float32 (N, H, W) in about [-1, 1] from uint8 (N, H, W)."""
    addresses = [hashlib.sha256(np.ascontiguousarray(image)).hexdigest() for image in images]
    u = np.stack([numpy_rng("dequantised", a, seed).random(images.shape[1:]) for a in addresses])
    return ((images + u - 0.5) / 127.5 - 1).astype(np.float32)


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """The mean over subjects with its 95 % interval over subjects, and the errors of the estimate."""
    rows, dimensions = outputs["rows"], data.test.images[0].size
    subjects = [data.test.subjects[row] for row in rows]
    measured = {"bpd": (outputs.get("nats"), ONLY_A_BOUND), "bpd_bound": (outputs.get("bound"), NO_BOUND)}
    estimated = {"bpd_steps": _of_steps(outputs), "bpd_probe": _of_probes(outputs)}

    def made(metric: Metric) -> Score:
        if metric.name in estimated:
            return _of_error(metric, estimated[metric.name], dimensions, _checked(outputs, rows), subjects)
        nats, why_not = measured.get(metric.name, (None, "this task has no values for it"))
        if nats is None:
            return blank_score(metric, why_not, subjects)
        return mean_score(metric, metric.compute(nats, dimensions), subjects)

    return [made(metric) for metric in metrics.values()]


def _of_error(metric: Metric, nats: float | None, dimensions: int, n: int, subjects: Sequence[str]) -> Score:
    """Of one number for all images; a blank of None."""
    about: dict[str, Any] = {"n": n, "subjects": len(set(subjects))}
    if nats is None:
        return Score(metric.name, None, reason=ONLY_A_BOUND, **about)
    return Score(metric.name, float(metric.compute(np.array([nats]), dimensions)[0]), **about)


def _checked(outputs: Mapping[str, np.ndarray], rows: np.ndarray) -> int:
    """The images on which the errors were measured; all of them where the likelihood is exact."""
    return len(outputs.get("half_the_steps", rows))


def _of_steps(outputs: Mapping[str, np.ndarray]) -> float | None:
    """Nats that are left of a second-order method: 0 of an exact likelihood, None of a bound."""
    if "nats" not in outputs:
        return None
    coarse = outputs.get("half_the_steps")
    return 0.0 if coarse is None else float((outputs["nats"][: len(coarse)] - coarse).mean()) / 3


def _of_probes(outputs: Mapping[str, np.ndarray]) -> float | None:
    """Standard error in nats of the mean over images; two probes of an image differ by sqrt(2) times that of one."""
    if "nats" not in outputs:
        return None
    other = outputs.get("another_probe")
    if other is None:
        return 0.0
    difference = outputs["nats"][: len(other)] - other
    return math.sqrt(np.square(difference).mean() / 2 / len(outputs["nats"]))


LIKELIHOOD = Task(
    name="likelihood",
    title="likelihood of held-out images",
    version=1,
    metrics=("bpd", "bpd_bound", "bpd_steps", "bpd_probe"),
    produce=produce,
    score=score,
    primary="bpd",
    needs=("likelihood",),
)
