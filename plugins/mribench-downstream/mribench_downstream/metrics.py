"""Dice of real test subjects by what the segmentation network was trained on, and differences of it."""

from __future__ import annotations

from dataclasses import replace

from mribench.spec import Metric
from mribench_downstream.dice import dice

SYNTHETIC = Metric(
    name="utility_synthetic",
    title="Dice of real subjects, trained on generated images alone, labelled by a network of all training subjects",
    unit="",
    direction="up",
    range=(0.0, 1.0),
    kind="paired",
    compute=dice,
    version=1,
    paper="Esteban et al. 2017, arXiv 1706.02633 (train on synthetic, test on real); Dice 1945, doi:10.2307/1932409",
)


def _difference(name: str, title: str, headline: bool = True) -> Metric:
    return replace(SYNTHETIC, name=name, title=title, range=(-1.0, 1.0), headline=headline)


def _real(part: str, said: str, headline: bool = False) -> Metric:
    title = f"Dice of real subjects, trained on {said} alone"
    return replace(SYNTHETIC, name=f"utility_real_{part}", title=title, headline=headline)


def _gain(part: str, said: str, headline: bool = True) -> Metric:
    title = f"Gain in Dice by generated images beside {said}, labelled by a network of these subjects alone"
    return _difference(f"utility_gain_{part}", title, headline)


OVER_NOISE = _difference(
    "utility_over_noise",
    "utility_synthetic less the same with noise in the images' place: labels alone teach that much",
)
GAIN_1 = _gain("1", "1 labelled subject")
GAIN_10 = _gain("10", "10 % of the labelled subjects")
GAIN_50 = _gain("50", "50 % of the labelled subjects", headline=False)
GAIN_100 = _gain("100", "all labelled subjects")
REAL_1 = _real("1", "1 labelled training subject")
REAL_10 = _real("10", "10 % of the labelled training subjects")
REAL_50 = _real("50", "50 % of the labelled training subjects")
REAL_100 = _real("100", "all labelled training subjects", headline=True)


def _segmentation(kind: str, count: int, title: str, headline: bool, is_difference: bool = True) -> Metric:
    name, paper = (
        f"segmentation_{kind}{count}",
        "Baranchuk et al. 2022, arXiv 2112.03126, with D(x; sigma) for activations",
    )
    subjects = f"{count} labelled subject{'s' * (count > 1)}"
    made = (
        _difference(name, f"{title}, {subjects}", headline)
        if is_difference
        else replace(SYNTHETIC, name=name, title=f"{title}, {subjects}", headline=headline)
    )
    return replace(made, paper=paper)


def _prior(count: int) -> Metric:
    return _segmentation(
        "", count, "Dice of a network that sees the image and what the prior makes of it", True, False
    )


def _image(count: int) -> Metric:
    return _segmentation("image_", count, "Dice of the same network that sees the image alone", False, False)


def _over_image(count: int) -> Metric:
    return _segmentation("gain_", count, "Gain in Dice by the prior over the image alone", True)


def _over_blur(count: int) -> Metric:
    return _segmentation("over_blur_", count, "Gain in Dice by the prior over blurs of the image", count == 5)


PRIOR_1, PRIOR_5, PRIOR_20 = map(_prior, (1, 5, 20))
IMAGE_1, IMAGE_5, IMAGE_20 = map(_image, (1, 5, 20))
OVER_IMAGE_1, OVER_IMAGE_5, OVER_IMAGE_20 = map(_over_image, (1, 5, 20))
OVER_BLUR_1, OVER_BLUR_5, OVER_BLUR_20 = map(_over_blur, (1, 5, 20))
