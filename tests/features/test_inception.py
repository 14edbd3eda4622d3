"""The whole FID path with weights made here: found, verified, loaded, equal to torch-fidelity's numbers."""

import builtins
import io
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest

torch = pytest.importorskip("torch")
architecture = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3", exc_type=ImportError)

from mribench.errors import InputError, Unavailable  # noqa: E402
from mribench.features import inception, weights  # noqa: E402
from mribench.metrics.distribution import frechet  # noqa: E402


@pytest.fixture(scope="module")
def random_weights():
    """A state dict for torch-fidelity's Inception as bytes, drawn so that signals neither die nor explode."""
    patch = pytest.MonkeyPatch()
    patch.setattr(architecture, "load_state_dict_from_url", lambda *_, **__: {})
    patch.setattr(architecture.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = architecture.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
        for parameter in network.parameters():
            if parameter.ndim == 4:
                torch.nn.init.kaiming_normal_(parameter)
    patch.undo()
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    return buffer.getvalue()


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    """Nothing given, an empty torch cache, no network."""
    monkeypatch.delenv(inception.WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("MRIBENCH_OFFLINE", "1")
    weights.download.cache_clear()
    yield tmp_path
    weights.download.cache_clear()


@pytest.fixture
def accepted(monkeypatch, no_weights, random_weights):
    """A file with the random weights, accepted as if it were the true one."""
    monkeypatch.setattr(inception, "SHA256", sha256(random_weights).hexdigest())
    file = no_weights / "weights.pth"
    file.write_bytes(random_weights)
    return file


def grey(n, seed=0):
    return np.random.default_rng(seed).random((n, 64, 64), dtype=np.float32)


def test_features_are_torch_fidelitys(monkeypatch, accepted):
    monkeypatch.setenv(inception.WEIGHTS_VARIABLE, str(accepted))
    images = grey(3)
    features = inception.INCEPTION.load()(images)
    theirs = architecture.FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(accepted)
    )
    expected = theirs(torch.from_numpy(inception.as_rgb(images)))[0].numpy()
    assert features.shape == (3, inception.INCEPTION.dim) and features.dtype == np.float64
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    assert features.std(0).max() > 0


def test_weights_in_the_cache_of_torch_fidelity_are_found(accepted, no_weights):
    cache = no_weights / "torch/hub/checkpoints/weights-inception-2015-12-05-6726825d.pth"
    cache.parent.mkdir(parents=True)
    accepted.rename(cache)
    assert inception.INCEPTION.load()(grey(1)).shape == (1, 2048)
    assert inception.INCEPTION.load()(grey(0)).shape == (0, 2048)


@pytest.mark.slow
def test_frechet_distance_is_torch_fidelitys_fid(monkeypatch, accepted):
    torch_fidelity = pytest.importorskip("torch_fidelity")
    monkeypatch.setenv(inception.WEIGHTS_VARIABLE, str(accepted))
    generated, reference = grey(12), grey(16, seed=1) ** 2
    extract = inception.INCEPTION.load()
    ours = frechet(extract(generated), extract(reference))
    theirs = torch_fidelity.calculate_metrics(
        input1=Tensors(generated),
        input2=Tensors(reference),
        fid=True,
        cuda=False,
        cache=False,
        batch_size=8,
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(accepted),
        verbose=False,
    )
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-4)


class Tensors(torch.utils.data.Dataset):
    def __init__(self, images):
        self.images = torch.from_numpy(inception.as_rgb(images))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i]


def test_other_weights_are_refused_before_they_are_unpickled(monkeypatch, no_weights):
    other = no_weights / "other.pth"
    other.write_bytes(b"not the true weights")
    monkeypatch.setenv(inception.WEIGHTS_VARIABLE, str(other))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("unpickled before the check"))
    with pytest.raises(InputError) as caught:
        inception.INCEPTION.load()
    assert inception.SHA256 in str(caught.value)
    assert sha256(b"not the true weights").hexdigest() in str(caught.value)


def test_the_true_hash_is_the_published_one():
    assert inception.SHA256 == "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
    assert inception.SHA256[:8] in inception.URL
    assert inception.URL == architecture.URL_INCEPTION_V3
    assert inception.INCEPTION.identity().endswith(inception.SHA256)


def test_a_path_without_a_file_is_named(monkeypatch, no_weights):
    monkeypatch.setenv(inception.WEIGHTS_VARIABLE, str(no_weights / "nowhere.pth"))
    with pytest.raises(InputError, match=r"nowhere\.pth"):
        inception.INCEPTION.load()


def test_a_wrong_variable_is_found_before_anything_is_trained(monkeypatch, no_weights):
    inception.check()
    monkeypatch.setenv(inception.WEIGHTS_VARIABLE, str(no_weights / "nowhere.pth"))
    with pytest.raises(InputError, match="is not a file"):
        inception.check()
    other = no_weights / "other.pth"
    other.write_bytes(b"other")
    monkeypatch.setenv(inception.WEIGHTS_VARIABLE, str(other))
    with pytest.raises(InputError, match="has sha256"):
        inception.check()
    monkeypatch.setattr(inception, "SHA256", sha256(b"other").hexdigest())
    inception.check()


def test_looking_downloads_nothing(monkeypatch, no_weights):
    monkeypatch.setattr(inception, "download", lambda *_: pytest.fail("downloads"))
    assert inception.find_weights() is None
    other = no_weights / "torch/hub/checkpoints/weights-inception-2015-12-05-6726825d.pth"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"other")
    with pytest.raises(InputError, match="has sha256"):
        inception.find_weights()
    monkeypatch.setattr(inception, "SHA256", sha256(b"other").hexdigest())
    assert inception.find_weights() == other


def test_without_weights_the_score_stays_blank_with_the_reason(no_weights):
    with pytest.raises(Unavailable, match="MRIBENCH_OFFLINE forbids"):
        inception.INCEPTION.load()


def test_without_weights_their_network_is_not_imported(python, no_weights):
    code = """
import os, sys
from mribench.errors import Unavailable
from mribench.features import inception
try:
    inception.load()
except Unavailable:
    print(sorted({"torch_fidelity", "torchvision"} & set(sys.modules)))
"""
    assert python(code).out == "[]\n"


@pytest.mark.parametrize(
    "error", [ImportError("no torchvision"), RuntimeError("torchvision::nms does not exist")]
)
def test_a_broken_torchvision_is_a_reason(monkeypatch, accepted, error):
    monkeypatch.setenv(inception.WEIGHTS_VARIABLE, str(accepted))
    original = builtins.__import__

    def broken(name, *arguments, **options):
        if name == "torch_fidelity":
            raise error
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(Unavailable, match="install torch, torchvision and torch-fidelity together"):
        inception.INCEPTION.load()


def test_grey_becomes_three_equal_channels_of_rounded_bytes():
    rgb = inception.as_rgb(np.array([[[0.0, 0.5, 1.0, 1.0005]]]))
    assert rgb.dtype == np.uint8 and rgb.shape == (1, 3, 1, 4)
    np.testing.assert_array_equal(rgb[0], [[[0, 128, 255, 255]]] * 3)
    with pytest.raises(InputError):
        inception.as_rgb(np.full((1, 4, 4), np.nan))


def test_importing_the_feature_spaces_imports_no_torch():
    names = (
        "features.inception",
        "features.hc85",
        "metrics.distribution",
        "metrics.paired",
        "metrics.subsets",
    )
    modules = ", ".join(f"mribench.{name}" for name in names)
    heavy = "{'torch', 'torch_fidelity', 'scipy', 'skimage'} & set(sys.modules)"
    code = f"import sys, {modules}; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
