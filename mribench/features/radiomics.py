"""radiomics84: the 84 first-order and texture features of numpyradiomics, a rewrite of PyRadiomics in numpy.

Recipe: 8 bits, air of 10 grey levels taken off, bins of 8 grey levels, the whole image as the region of interest; then
24 first-order features and those of grey-level co-occurrence (24), size zones (16), dependence (15) and neighbourhood
difference (5). Texture as radiology counts it, without weights. A distance in this space is not the Fréchet radiomic
distance (Konz et al. 2026, arXiv:2412.01496), which takes 464 features, also of filtered images. Run lengths are left
out: version 0.0.5 of the package fails on images of two dimensions.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from mribench.errors import InputError, Unavailable
from mribench.features.hc85 import AIR
from mribench.spec import FeatureSpace

DIM = 84
PACKAGE = "numpyradiomics"
BIN_WIDTH = 8  # grey levels, so that 8 bits less air are 31 bins
GROUPS = ("firstorder", "glcm", "glszm", "gldm", "ngtdm")


def load() -> Callable[[np.ndarray], np.ndarray]:
    """``extract``; ``Unavailable`` without numpyradiomics."""
    try:
        import numpyradiomics  # noqa: F401
    except ImportError as error:
        raise Unavailable(
            f"numpyradiomics cannot be imported ({error}): pip install 'mribench[radiomics]'"
        ) from error
    return extract


def identity() -> str:
    """``radiomics84@`` and the version of the package, whose definitions the numbers are."""
    try:
        return f"radiomics84@{PACKAGE}-{version(PACKAGE)}"
    except PackageNotFoundError:
        return f"radiomics84 without {PACKAGE}"


def extract(images: np.ndarray) -> np.ndarray:
    """(N, H, W) in [0, 1] -> float64 (N, 84), unscaled; row i depends on image i alone.

    A feature that has no value, as the skewness of a flat image, is 0. ``InputError``: not (N, H, W), or a value that
    is not finite.
    """
    if images.ndim != 3 or min(images.shape[1:]) < 16:
        raise InputError(f"images have shape {images.shape}: (N, H, W), sides of 16 or more, is needed.")
    if not np.isfinite(images).all():
        raise InputError("an image holds NaN or infinity: radiomics84 needs finite values in [0, 1].")
    # whole grey levels: a value on the edge of a bin must not fall to either side by a rounding error
    levels = np.rint(images.clip(0, 1) * 255)
    levels = np.maximum(levels - round(AIR * 255), 0)
    return np.array([_features(image) for image in levels]).reshape(len(images), DIM)


def _features(image: np.ndarray) -> list[float]:
    """Of grey levels (H, W), group by group, each in the order of its names."""
    import numpyradiomics

    everywhere = np.ones(image.shape, bool)
    values: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # flat images
        for group in GROUPS:
            found = getattr(numpyradiomics, group)(image, everywhere, binWidth=BIN_WIDTH)
            values += [float(found[name]) for name in sorted(found)]
    return [value if np.isfinite(value) else 0.0 for value in values]


RADIOMICS = FeatureSpace(
    name="radiomics84",
    title="84 radiomic features",
    dim=DIM,
    kernel="rbf",
    load=load,
    identity=identity,
    paper="van Griethuysen et al. 2017, doi:10.1158/0008-5472.CAN-17-0339; Zwanenburg et al. 2020, "
    "doi:10.1148/radiol.2020191145",
)
