"""Does a prior take out of an image what was put there to mislead a segmentation network?

The defence is D(x + sigma eps; sigma) before the network: DiffPure (Nie et al. 2022, arXiv 2205.07460) in one step, as
Carlini et al. 2023 (arXiv 2206.10550) take it. An attack that does not know a defence flatters it (Athalye et al. 2018,
arXiv 1802.00420), so there are two: one of the network alone, and one that goes on from there through the defence,
whose noise is drawn anew at every step. Gaussian blur in the prior's place is attacked and tuned alike: what it does
needs no prior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mribench.spec import Denoiser, Metric, Model, Prepared, Prior, Profile, Score, Split, Task
from mribench.tasks import equal_by_subject
from mribench_downstream import attack, comparing
from mribench_downstream.comparing import Compared
from mribench_downstream.dice import by_subject
from mribench_downstream.labelled import FIELD, classes, grey, some_subjects, why_not, with_structure
from mribench_downstream.references import TRAININGS, Setting, count
from mribench_downstream.segmenter import steps_of, train

if TYPE_CHECKING:
    import torch

OF_A_SUBJECT, MOST_IMAGES, VALIDATION_IMAGES = 2, 64, 16
SIGMAS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)  # that are tried, of images in [-1, 1]
WIDTHS = tuple(pixels / 64 for pixels in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0))  # as many, as shares of the side
QUESTIONS = ("clean", "attacked", "adaptive")
COMPARED: Compared = {
    "purification_adaptive": ("prior-adaptive", None),
    "purification_over_blur": ("prior-adaptive", "blur-adaptive"),
    "purification_attacked": ("prior-attacked", None),
    "purification_clean": ("prior-clean", None),
    **{f"purification_blur_{question}": (f"blur-{question}", None) for question in QUESTIONS},
    "purification_none_clean": ("none-clean", None),
    "purification_none_attacked": ("none-attacked", None),
}
# of the picture
NETWORKS = ("none-clean", "none-attacked", "blur-adaptive", "prior-attacked", "prior-adaptive")


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """Label maps of the test images by every network behind every defence, uint8 (n, H, W).

    ``rows`` int64 (n,), which test images; ``sigma`` float64 (1,), the level that was chosen. Nothing where too
    few subjects have label maps.
    """
    if why_not(data):
        return {}
    assert isinstance(model, Prior)  # the runner asks no other
    setting, denoise = Setting.of(data, steps_of(profile), 0), model.denoiser()
    found = {"rows": _rows(data.test), **_without_prior(setting)}
    sigma = SIGMAS[_best(setting, [partial(_by_prior, denoise, sigma) for sigma in SIGMAS])]
    return found | _named(setting, "prior", partial(_by_prior, denoise, sigma)) | {"sigma": np.array([sigma])}


def _by_prior(denoise: Denoiser, sigma: float, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """D of images (n, 1, H, W) in [0, 1]; ``noise`` (1, H, W) is the same for every image, whatever its company."""
    return ((denoise(2 * x - 1 + sigma * noise, sigma) + 1) / 2).clamp(0, 1)


def _by_blur(width: float, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Images with a Gaussian blur of a width in shares of the side."""
    import torch

    reach = max(1, round(4 * width * x.shape[-1]))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=x.device) / (width * x.shape[-1])) ** 2)
    kernel = kernel / kernel.sum()
    padded = torch.nn.functional.pad(x, (reach,) * 4, mode="replicate")
    across = torch.nn.functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return torch.nn.functional.conv2d(across, kernel.view(1, 1, -1, 1))


@lru_cache(maxsize=TRAININGS)
def _network(setting: Setting, training: int) -> torch.nn.Module:
    """Trained on all labelled training subjects."""
    data = setting.data
    real = some_subjects(data.train, count(data.train, "100"), training)
    return train([real], classes(data), setting.steps, training)


@lru_cache(maxsize=1)
def _without_prior(setting: Setting) -> dict[str, np.ndarray]:
    """Label maps without a defence and behind a blur, which are the same for every prior on the same data."""
    blurs = [partial(_by_blur, width) for width in WIDTHS]
    blur = blurs[_best(setting, blurs)]
    return _named(setting, "none", attack.undefended) | _named(setting, "blur", blur)


def _best(setting: Setting, candidates: list[attack.Defence]) -> int:
    """Which defence leaves the first network the highest Dice of validation images, attacked through it."""
    validation = setting.data.validation
    known = with_structure(validation)
    if not len(known):
        return len(candidates) // 2
    rows = known[equal_by_subject([validation.subjects[row] for row in known], VALIDATION_IMAGES, "defence")]
    x, y = grey(validation.images[rows]), validation.fields[FIELD][rows]
    subjects, net = [validation.subjects[row] for row in rows], _network(setting, 0)

    alone = attack.attacked(net, x, y)

    def quality(defence: attack.Defence) -> float:
        found = attack.defended(net, attack.attacked(net, x, y, defence, alone), defence)
        return float(np.nanmean(by_subject(found, y, subjects, classes(setting.data))))

    return int(np.argmax([quality(defence) for defence in candidates]))


def _named(setting: Setting, name: str, defence: attack.Defence) -> dict[str, np.ndarray]:
    """NAME-QUESTION_TRAINING: label maps of the clean test images, of those attacked alone, and through the defence."""
    test, rows = setting.data.test, _rows(setting.data.test)
    x, y = grey(test.images[rows]), test.fields[FIELD][rows]
    found = {}
    for training in range(TRAININGS):
        net = _network(setting, training)
        # the second attack begins where the first one ended, so that it is the stronger one
        of = {"clean": x, "attacked": _attacked_alone(setting, training)}
        if defence is not attack.undefended:
            of["adaptive"] = attack.attacked(net, x, y, defence, of["attacked"])
        for question, images in of.items():
            found[f"{name}-{question}_{training}"] = attack.defended(net, images, defence)
    return found


@lru_cache(maxsize=TRAININGS)
def _attacked_alone(setting: Setting, training: int) -> np.ndarray:
    """Test images whose attack knows of no defence, float32 (n, 1, H, W)."""
    test, rows = setting.data.test, _rows(setting.data.test)
    net, x, y = _network(setting, training), grey(test.images[rows]), test.fields[FIELD][rows]
    return attack.attacked(net, x, y)


def _rows(test: Split) -> np.ndarray:
    """Of the test images that are asked."""
    known = with_structure(test)
    subjects = [test.subjects[row] for row in known]
    limit = min(MOST_IMAGES, OF_A_SUBJECT * len(set(subjects)))
    return known[equal_by_subject(subjects, limit, "purification")]


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """As ``comparing.score``."""
    return comparing.score(outputs, data, profile, metrics, extract, seed, compared=COMPARED)


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """As ``comparing.draw``."""
    return comparing.draw(outputs, data, profile, model, caption, networks=NETWORKS)


PURIFICATION = Task(
    name="purification",
    title="does a prior take out what was put there to mislead a network?",
    version=1,
    metrics=tuple(COMPARED),
    produce=produce,
    score=score,
    draw=draw,
    primary="purification_adaptive",
    needs=("denoiser",),
    fields=(FIELD,),
)
