"""Dice of real test subjects by what the segmentation network was trained on, or behind; differences; distances."""

from __future__ import annotations

from dataclasses import replace

from mribench.spec import Metric
from mribench_downstream.dice import dice
from mribench_downstream.hausdorff import hd95

# of which the metrics of label maps are made, here and in other packages
DICE = Metric(
    name="dice",
    title="Dice",
    unit="",
    direction="up",
    range=(0.0, 1.0),
    kind="paired",
    compute=dice,
    version=1,
    paper="Dice 1945, doi:10.2307/1932409",
)
HD95 = replace(
    DICE,
    name="hd95",
    title="95 % Hausdorff distance",
    unit="pixels",
    direction="down",
    range=(0.0, float("inf")),
    compute=hd95,
    paper="Huttenlocher et al. 1993, doi:10.1109/34.232073",
)

SYNTHETIC = replace(
    DICE,
    name="utility_synthetic",
    title="Dice of real subjects, trained on generated images alone, labelled by a network of all training subjects",
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

HD95_PRIOR_5 = replace(
    HD95,
    name="segmentation_hd95_5",
    title="95 % Hausdorff distance, the network that sees what the prior makes of the image too, 5 labelled subjects",
    paper=f"{HD95.paper}; MONAI",
)
HD95_IMAGE_5 = replace(
    HD95_PRIOR_5,
    name="segmentation_hd95_image_5",
    title="95 % Hausdorff distance, the same network that sees the image alone, 5 labelled subjects",
    headline=False,
)


def _purified(part: str, title: str, headline: bool = False) -> Metric:
    paper = "Carlini et al. 2023, arXiv 2206.10550; attack: Madry et al. 2018, arXiv 1706.06083"
    return replace(SYNTHETIC, name=f"purification_{part}", title=title, paper=paper, headline=headline)


PURIFIED_ADAPTIVE = _purified("adaptive", "Dice behind the prior, attacked through the prior", headline=True)
PURIFIED_OVER_BLUR = replace(
    _purified(
        "over_blur", "The same less that behind a Gaussian blur, attacked through the blur", headline=True
    ),
    range=(-1.0, 1.0),
)
PURIFIED_ATTACKED = _purified(
    "attacked", "Dice behind the prior, of images whose attack did not know it", headline=True
)
PURIFIED_CLEAN = _purified("clean", "Dice behind the prior, of images that nobody attacked")
BLURRED_ADAPTIVE = _purified("blur_adaptive", "Dice behind a Gaussian blur, attacked through the blur")
BLURRED_ATTACKED = _purified(
    "blur_attacked", "Dice behind a Gaussian blur, of images whose attack did not know it"
)
BLURRED_CLEAN = _purified("blur_clean", "Dice behind a Gaussian blur, of images that nobody attacked")
BARE_ATTACKED = _purified("none_attacked", "Dice of the network alone, of images that were attacked")
BARE_CLEAN = _purified("none_clean", "Dice of the network alone, of images that nobody attacked")
