"""radiomics84: known answers, bins, flat images, and what is said without the package."""

import sys

import numpy as np
import pytest

from mribench.errors import InputError, Unavailable
from mribench.features import Extractor, radiomics
from mribench.features.hc85 import AIR
from mribench.features.radiomics import BIN_WIDTH, RADIOMICS

FIRST, TEXTURE = 24, 60


@pytest.fixture(scope="module")
def extract():
    pytest.importorskip(radiomics.PACKAGE)
    return RADIOMICS.load()


def level(value):
    """In [0, 1], so many grey levels above air."""
    return (AIR * 255 + value) / 255


def by_name(features):
    """Of one image: {(group, feature): value}."""
    import numpyradiomics

    image, mask = np.eye(16), np.ones((16, 16), bool)
    names = [(g, n) for g in radiomics.GROUPS for n in sorted(getattr(numpyradiomics, g)(image, mask))]
    return dict(zip(names, features, strict=True))


def test_the_number_of_numbers(extract):
    features = extract(np.random.default_rng(0).random((3, 64, 64)))
    assert features.shape == (3, RADIOMICS.dim) == (3, FIRST + TEXTURE) and features.dtype == np.float64
    assert extract(np.empty((0, 64, 64))).shape == (0, RADIOMICS.dim)
    assert RADIOMICS.identity() == "radiomics84@numpyradiomics-0.0.5"


def test_two_halves_have_the_numbers_that_one_can_count(extract):
    image = np.full((1, 32, 32), level(20))
    image[:, :, 16:] = level(100)
    found = by_name(extract(image)[0])
    assert found["firstorder", "Mean"] == pytest.approx(60)
    assert found["firstorder", "Variance"] == pytest.approx(40**2)
    assert found["firstorder", "Entropy"] == pytest.approx(1)
    # the two zones are the halves; bins are counted from that of the darkest pixel
    assert found["glszm", "ZonePercentage"] == pytest.approx(2 / 32**2)
    assert found["glszm", "LargeAreaEmphasis"] == pytest.approx(512**2)
    apart = 100 // BIN_WIDTH - 20 // BIN_WIDTH
    # of the pairs side by side, those over the edge; none up and down; of the diagonals one in 31, twice
    contrast = np.mean([32 / (32 * 31), 0, 31 / 31**2, 31 / 31**2]) * apart**2
    assert found["glcm", "Contrast"] == pytest.approx(contrast)
    assert found["gldm", "LargeDependenceEmphasis"] > found["gldm", "SmallDependenceEmphasis"]


def test_co_occurrence_is_that_of_scikit_image(extract):
    feature = pytest.importorskip("skimage.feature")
    image = np.random.default_rng(0).integers(0, 246, (32, 32))
    angles = np.arange(4) * np.pi / 4
    binned = (image // BIN_WIDTH - image.min() // BIN_WIDTH).astype(np.uint8)
    matrices = feature.graycomatrix(binned, [1], angles, binned.max() + 1, symmetric=True, normed=True)
    found = by_name(extract(level(image)[None])[0])
    theirs = {
        "Contrast": "contrast", "DifferenceAverage": "dissimilarity", "Idm": "homogeneity",
        "JointEnergy": "ASM", "Correlation": "correlation",
    }  # fmt: skip
    for ours, name in theirs.items():
        assert found["glcm", ours] == pytest.approx(feature.graycoprops(matrices, name).mean()), ours


def test_a_coarse_board_is_coarser_than_a_fine_one(extract):
    y, x = np.mgrid[:32, :32]
    boards = [np.where((x // cell + y // cell) % 2, level(100), level(20)) for cell in (1, 8)]
    fine, coarse = (by_name(features) for features in extract(np.stack(boards)))
    assert coarse["ngtdm", "Coarseness"] > 3 * fine["ngtdm", "Coarseness"]
    assert fine["glcm", "Contrast"] > 3 * coarse["glcm", "Contrast"]
    assert fine["firstorder", "Mean"] == coarse["firstorder", "Mean"]


def test_what_lies_in_air_does_not_matter(extract):
    image = np.zeros((1, 64, 64))
    image[:, 20:40, 20:40] = 0.6
    noisy = np.where(image == 0, np.random.default_rng(0).integers(0, 10, image.shape) / 255, image)
    np.testing.assert_array_equal(extract(noisy), extract(image))


def test_a_rounding_error_moves_nothing_over_the_edge_of_a_bin(extract):
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32)) / 255
    errors = np.random.default_rng(1).uniform(-1e-6, 1e-6, images.shape)
    np.testing.assert_array_equal(extract(images + errors), extract(images))


def test_features_are_those_of_before(extract):
    y, x = np.mgrid[:64, :64] / 64
    image = 0.5 + 0.5 * np.sin(7 * x) * np.cos(5 * y)
    found = by_name(extract(image[None])[0])
    for (group, name), value in KEPT.items():
        assert found[group, name] == pytest.approx(value, rel=1e-6), (group, name)


KEPT = {
    ("firstorder", "Entropy"): 4.7838659286873675,
    ("firstorder", "Kurtosis"): 2.4776158803087185,
    ("glcm", "Imc1"): -0.6139545325402209,
    ("glcm", "MCC"): 0.9910347143392941,
    ("glszm", "ZoneEntropy"): 7.446229369326551,
    ("gldm", "DependenceEntropy"): 6.501803479647634,
    ("ngtdm", "Strength"): 7.853630605491901,
}


def test_flat_images_have_finite_features(extract):
    features = extract(np.stack([np.zeros((32, 32)), np.ones((32, 32))]))
    assert np.isfinite(features).all()
    assert by_name(features[0])["firstorder", "Skewness"] == 0


def test_a_row_depends_on_its_image_alone(extract):
    images = np.random.default_rng(0).random((5, 32, 32))
    np.testing.assert_array_equal(extract(images[3:]), extract(images)[3:])


@pytest.mark.parametrize("bad", [np.zeros((64, 64)), np.zeros((1, 8, 64)), np.full((1, 64, 64), np.nan)])
def test_other_images_are_refused(extract, bad):
    with pytest.raises(InputError):
        extract(bad)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, radiomics.PACKAGE, None)  # as if it were not installed
    extract = Extractor({RADIOMICS.name: RADIOMICS})
    with pytest.raises(Unavailable, match=r"pip install 'mribench\[radiomics\]'"):
        extract(RADIOMICS.name, np.zeros((1, 64, 64), np.uint8))
    monkeypatch.setattr(radiomics, "PACKAGE", "no-such-package")
    assert "without" in RADIOMICS.identity()
