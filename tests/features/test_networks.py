"""Feature spaces from weights that a user brings: tiny files made here, and independent implementations."""

from hashlib import sha256

import numpy as np
import pytest

from mribench.errors import InputError, Unavailable
from mribench.features import dinov2, local, network

torch = pytest.importorskip("torch")
WIDTH, DEPTH = 128, 2


def images(n=3, size=32):
    return np.random.default_rng(0).random((n, size, size))


@pytest.fixture(scope="module")
def transformer():
    """A DINOv2 of two blocks with LayerScale 1, as torch's own encoder layers, and its state dict."""
    torch.manual_seed(0)
    layers = [
        torch.nn.TransformerEncoderLayer(
            WIDTH, WIDTH // 64, 4 * WIDTH, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True
        ).eval()
        for _ in range(DEPTH)
    ]
    state = {
        "cls_token": torch.randn(1, 1, WIDTH),
        "pos_embed": torch.randn(1, 1 + 16 * 16, WIDTH),
        "mask_token": torch.zeros(1, WIDTH),
        "patch_embed.proj.weight": 0.02 * torch.randn(WIDTH, 3, 14, 14),
        "patch_embed.proj.bias": torch.randn(WIDTH),
        "norm.weight": torch.rand(WIDTH) + 0.5,
        "norm.bias": torch.randn(WIDTH),
    }
    theirs = {
        "norm1": "norm1", "norm2": "norm2", "attn.qkv": "self_attn.in_proj_", "attn.proj": "self_attn.out_proj",
        "mlp.fc1": "linear1", "mlp.fc2": "linear2",
    }  # fmt: skip
    for i, layer in enumerate(layers):
        found = layer.state_dict()
        for ours, name in theirs.items():
            for part in ("weight", "bias"):
                state[f"blocks.{i}.{ours}.{part}"] = found[
                    name + part if name[-1] == "_" else f"{name}.{part}"
                ]
        state |= {f"blocks.{i}.ls{k}.gamma": torch.ones(WIDTH) for k in (1, 2)}
    return layers, state


@pytest.fixture
def weights(tmp_path, monkeypatch, transformer):
    path = tmp_path / "weights.pth"
    torch.save(transformer[1], path)
    monkeypatch.setenv(dinov2.WEIGHTS_VARIABLE, str(path))
    monkeypatch.setenv(dinov2.SHA256_VARIABLE, sha256(path.read_bytes()).hexdigest())
    return path


def test_the_class_token_is_that_of_torchs_encoder(transformer):
    layers, state = transformer
    x = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        patches = torch.nn.functional.unfold(x, 14, stride=14).transpose(1, 2)
        tokens = patches @ state["patch_embed.proj.weight"].flatten(1).T + state["patch_embed.proj.bias"]
        tokens = torch.cat([state["cls_token"].expand(2, 1, -1), tokens], dim=1) + state["pos_embed"]
        for layer in layers:
            tokens = layer(tokens)
        norm = state["norm.weight"], state["norm.bias"]
        expected = torch.nn.functional.layer_norm(tokens[:, 0], (WIDTH,), *norm, eps=1e-6)
        found = dinov2.class_token(state, x)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_positions_of_37_patches_become_16():
    smooth = torch.linspace(0, 1, 37).view(1, 37, 1, 1).expand(1, 37, 37, 2).reshape(1, 37 * 37, 2)
    found = dinov2._positions(smooth, 16)
    assert found.shape == (1, 256, 2)
    rows = found.reshape(16, 16, 2)
    assert (rows[1:, :, 0] > rows[:-1, :, 0]).all()
    torch.testing.assert_close(rows[:, 0], rows[:, 9])


def test_dinov2_from_a_file(weights):
    extract = dinov2.DINOV2.load()
    features = extract(images())
    assert features.shape == (3, WIDTH) and features.dtype == np.float64 and np.isfinite(features).all()
    np.testing.assert_allclose(extract(images()[1:2]), features[1:2], rtol=1e-4, atol=1e-4)
    assert dinov2.identity() == f"dinov2@{sha256(weights.read_bytes()).hexdigest()}"


def test_without_weights_dinov2_says_what_to_set(monkeypatch):
    monkeypatch.delenv(dinov2.WEIGHTS_VARIABLE, raising=False)
    with pytest.raises(Unavailable, match=dinov2.SHA256_VARIABLE):
        dinov2.DINOV2.load()
    assert "without" in dinov2.identity()
    dinov2.check()


def test_other_bytes_or_no_sha256_are_refused(weights, monkeypatch):
    weights.write_bytes(weights.read_bytes() + b"x")
    with pytest.raises(InputError, match="was announced"):
        dinov2.load()
    monkeypatch.setenv(dinov2.SHA256_VARIABLE, "abc")
    with pytest.raises(InputError, match="64 hex digits"):
        dinov2.check()


def test_a_file_that_runs_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    path = tmp_path / "evil.pth"
    torch.save({"a": Evil()}, path)
    with pytest.raises(InputError, match="holds no weights"):
        network.state_dict(path, sha256(path.read_bytes()).hexdigest())
    assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def squeeze():
    from torchvision.models import mobilenet_v3_small

    torch.manual_seed(0)
    return mobilenet_v3_small(weights=None).eval()


@pytest.fixture
def described(tmp_path, monkeypatch, squeeze):
    """``described(state, **changes)``: a weights file and the TOML file that describes it."""

    def make(state, name="weights.pth", **changes):
        path = tmp_path / name
        if name.endswith(".safetensors"):
            from safetensors.torch import save_file

            save_file(state, path)
        else:
            torch.save(state, path)
        fields = {
            "architecture": "mobilenet_v3_small",
            "weights": name,
            "sha256": sha256(path.read_bytes()).hexdigest(),
        } | changes
        card = tmp_path / "card.toml"
        card.write_text("".join(f'{key} = "{value}"\n' for key, value in fields.items()))
        monkeypatch.setenv(local.VARIABLE, str(card))

    return make


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_local_network_gives_what_enters_its_last_layer(described, squeeze, name):
    state = squeeze.state_dict()
    # the classifier may be of another number of classes, or absent
    described({key: value for key, value in state.items() if not key.startswith("classifier.3")}, name)
    features = local.LOCAL.load()(images())
    assert features.shape == (3, 1024)
    with torch.inference_mode():
        x = network._as_rgb(torch.from_numpy(images().astype(np.float32))).cpu()
        pooled = squeeze.avgpool(squeeze.features(x)).flatten(1)
        expected = squeeze.classifier[:3](pooled)
    np.testing.assert_allclose(features, expected.numpy(), rtol=1e-4, atol=1e-5)
    assert local.identity().startswith("local:mobilenet_v3_small@")


def test_a_description_that_does_not_fit_is_refused(described, squeeze, monkeypatch, tmp_path):
    state = squeeze.state_dict()
    described(state, architecture="transformer9000")
    with pytest.raises(InputError, match="no classifier of torchvision"):
        local.load()
    described(state, architecture="resnet18")
    with pytest.raises(InputError, match="does not fit resnet18"):
        local.load()
    described(state, colour="grey")
    with pytest.raises(InputError, match="colour"):
        local.check()
    described(state, weights="absent.pth")
    with pytest.raises(InputError, match="cannot read"):
        local.load()
    monkeypatch.delenv(local.VARIABLE)
    with pytest.raises(Unavailable, match=local.VARIABLE):
        local.load()
