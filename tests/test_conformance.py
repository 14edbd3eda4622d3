"""What every installed plugin must hold to, ours and anybody's: one suite over the entry points."""

import inspect
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mribench import plugins, profiles
from mribench.data import load_cards
from mribench.errors import Unavailable
from mribench.features import Extractor
from mribench.runspec import load_metrics
from mribench.spec import Control, Prepared, Split, Variant

MODALITIES = plugins.names("modalities")
VARIANTS = plugins.load_all("variants", plugins.names("variants"))
TRAINED = [name for name, variant in VARIANTS.items() if isinstance(variant, Variant)]
CONTROLS = [name for name, variant in VARIANTS.items() if isinstance(variant, Control)]
SAMPLERS, TASKS = plugins.names("samplers"), plugins.names("tasks")
METRICS, FEATURES = plugins.names("metrics"), plugins.names("features")
SMOKE = replace(profiles.get("smoke"), max_steps=2, n_generated=5, sample_batch=4, eval_images=4)


def images(n, seed=0, size=32):
    """uint8 (n, size, size): smooth blobs, a few to a subject."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    centre, width = rng.uniform(0.3, 0.7, (n, 2, 1, 1)), rng.uniform(0.05, 0.2, (n, 1, 1))
    blobs = np.exp(-((x - centre[:, 0]) ** 2 + (y - centre[:, 1]) ** 2) / width)
    return (blobs * 220 + rng.uniform(0, 20, (n, size, size))).astype(np.uint8)


@pytest.fixture(scope="module")
def data():
    parts = {}
    for seed, (name, n) in enumerate((("train", 24), ("validation", 6), ("test", 12))):
        parts[name] = Split(images(n, seed), tuple(f"{name}{i // 3}" for i in range(n)))
    return Prepared(Path(), "0" * 64, "made up", "phantom", **parts)


# modalities


@pytest.fixture(scope="module", params=MODALITIES)
def modality(request):
    return plugins.load("modalities", request.param)


def test_a_modality_says_what_it_is(modality):
    assert modality.title and modality.contrast
    cards = load_cards()
    assert [card for card in modality.cards if cards[card].organ != modality.name] == []
    if modality.reported:
        assert modality.reported.source and min(modality.reported.psnr, modality.reported.fid) > 0


@pytest.mark.parametrize("size", [32, 48, 64, 96])
def test_a_phantom_keeps_its_contract(modality, size):
    image, labels, params = modality.phantom(0, 1, 2, size=size)
    assert image.shape == labels.shape == (size, size)
    assert (image.dtype, labels.dtype) == (np.float32, np.uint8)
    assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1
    assert image.std() > 0.05 and len(np.unique(labels)) > 1
    assert labels.max() < len(params["tissues"]) and all(isinstance(t, str) for t in params["tissues"])
    assert json.loads(json.dumps(params, allow_nan=False)) == json.loads(json.dumps(params))


def test_a_phantom_is_a_function_of_its_arguments(modality):
    first = modality.phantom(3, 1, 2, size=32)
    modality.phantom(4, 1, 2, size=32)
    np.random.seed(99)
    again = modality.phantom(3, 1, 2, size=32)
    assert (first.image == again.image).all() and (first.labels == again.labels).all()
    assert first.params == again.params
    assert inspect.signature(modality.phantom).parameters["size"].default == 64


def test_seed_subject_and_slice_all_matter(modality):
    base = modality.phantom(0, 0, 0, size=32).image
    for other in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        assert np.abs(modality.phantom(*other, size=32).image - base).mean() > 0.005


def test_slices_of_a_subject_are_nearer_than_subjects(modality):
    drawn = np.stack([[modality.phantom(0, s, k, size=32).image for k in range(3)] for s in range(10)])
    gap = np.abs(drawn[:, None, :, None] - drawn[None, :, None, :]).mean((-2, -1))  # (10, 10, 3, 3)
    same = np.eye(10, dtype=bool)[:, :, None, None] & ~np.eye(3, dtype=bool)
    between = np.broadcast_to(~np.eye(10, dtype=bool)[:, :, None, None], gap.shape)
    # measured: 0.27 (chromatin) to 0.75 (lung)
    assert gap[same].mean() < 0.9 * gap[between].mean()


def test_anatomy_does_not_depend_on_the_size(modality):
    for subject in range(4):
        small, large = (modality.phantom(0, subject, 1, size=size) for size in (64, 128))
        shrunk = large.image.reshape(64, 2, 64, 2).mean((1, 3))
        # measured: at least 0.966 and 0.935; noise and partial volume differ
        assert np.corrcoef(small.image.ravel(), shrunk.ravel())[0, 1] > 0.9
        assert (small.labels == large.labels[::2, ::2]).mean() > 0.85


# variants


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_keeps_its_contract(name, data):
    control, train = VARIANTS[name], data.train.unit()
    before = train.copy()
    state = control.fit(train)
    made = control.generate(state, range(5), 7)
    assert made.shape == (5, 32, 32) and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1
    # image i is a matter of (seed, i): other batches, other order, same image
    assert (made[[3, 1]] == control.generate(state, [3, 1], 7)).all()
    assert (made[4:] == control.generate(state, range(4, 5), 7)).all()
    assert (made != control.generate(state, range(5), 8)).any()
    for alpha_bar in SMOKE.alpha_bars:
        noise = np.random.default_rng(0).standard_normal((12, 32, 32))
        x_t = math.sqrt(alpha_bar) * (data.test.unit() * 2 - 1) + math.sqrt(1 - alpha_bar) * noise
        restored = control.denoise(state, x_t.astype(np.float32), alpha_bar, 7)
        assert restored.shape == (12, 32, 32) and restored.dtype == np.float32
        assert restored.min() >= 0 and restored.max() <= 1
        assert (restored == control.denoise(state, x_t.astype(np.float32), alpha_bar, 7)).all()
    assert (train == before).all()


@pytest.mark.parametrize("name", TRAINED)
def test_a_variant_trains_and_samples(name, data, tmp_path):
    import torch

    from mribench.sample import Trained
    from mribench.train import train

    variant = VARIANTS[name]
    net, scheduler = variant.network(SMOKE), variant.scheduler(SMOKE)
    x0 = torch.zeros(3, 1, 32, 32)
    t = torch.tensor([0, 500, scheduler.config.num_train_timesteps - 1])
    loss = variant.loss(net, scheduler, x0, torch.randn(3, 1, 32, 32), t)
    assert loss.shape == (3,) and loss.dtype == torch.float32 and loss.isfinite().all() and loss.requires_grad
    record = train(variant, data.train, data.validation, SMOKE, 0, tmp_path, "train")
    assert record["steps"] == 2 and record["images_seen"] == 16
    sampler = plugins.load("samplers", "ddim")
    model = Trained(tmp_path / SMOKE.keep, variant, sampler, 2, SMOKE, "fp32")
    made = model.generate(range(5), 0)
    assert made.shape == (5, 32, 32) and made.dtype == np.float32
    assert np.isfinite(made).all() and made.min() >= 0 and made.max() <= 1
    assert model.denoise(data.test.unit() * 2 - 1, 0.5, 0).shape == (12, 32, 32)


# samplers


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_costs_what_its_name_says(name):
    from mribench.samplers import resolve

    sampler, steps = resolve(f"{name}-10")
    assert (sampler.name, steps) == (name, 10)
    assert resolve(name) == (sampler, sampler.default_steps)
    config = VARIANTS["ddpm"].scheduler(SMOKE).config
    visited = sampler.timesteps(sampler.scheduler(config), 10, None)
    assert len(visited) == 10 and visited == sorted(visited, reverse=True)
    assert visited[0] == config.num_train_timesteps - 1 and visited[-1] >= 0
    part = sampler.timesteps(sampler.scheduler(config), 10, 449)
    assert part[0] == 449 and part == sorted(part, reverse=True) and len(part) == 5


@pytest.mark.parametrize("start", [None, 600], ids=["from noise", "from x_t"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_whose_network_knows_arrives(name, prediction, start):
    """Where the network knows x_0, its output leads every sampler back to x_0."""
    import torch

    sampler = plugins.load("samplers", name)
    config = {**VARIANTS["ddpm"].scheduler(SMOKE).config, "prediction_type": prediction}
    scheduler = sampler.scheduler(config)
    levels = scheduler.alphas_cumprod
    x0 = torch.from_numpy(images(2)).unsqueeze(1).float() / 127.5 - 1
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(x0.shape, generator=draw)
    if start is not None:
        x = levels[start].sqrt() * x0 + (1 - levels[start]).sqrt() * x
    for t in sampler.timesteps(scheduler, 20, start):
        signal, sigma = levels[t].sqrt(), (1 - levels[t]).sqrt()
        epsilon = (x - signal * x0) / sigma
        outputs = {"epsilon": epsilon, "v_prediction": signal * epsilon - sigma * x0, "sample": x0}
        draws = {"generator": draw} if "generator" in inspect.signature(scheduler.step).parameters else {}
        x = scheduler.step(outputs[prediction], torch.tensor(t), x, **draws).prev_sample
    assert (x - x0).abs().max() < 1e-3


# metrics and feature spaces


@pytest.fixture(params=METRICS)
def metric(request):
    return plugins.load("metrics", request.param)


def test_a_metric_says_what_it_is(metric):
    low, high = metric.range
    assert low < high and metric.direction in ("up", "down", "zero") and metric.paper and metric.version >= 1
    assert metric.kind in ("paired", "distribution", "images") and metric.scale > 0
    assert metric.kind == "distribution" or not metric.features
    assert metric.kind == "paired" or metric.pooled is None
    assert set(metric.features) <= set(FEATURES)


def in_air(n, noise, seed=0):
    """float32 (n, 64, 64) in [0, 1]: blobs in air, and Rician noise."""
    rng = np.random.default_rng(seed)
    bodies = images(n, seed, 64).astype(float) / 255
    bodies[bodies < 0.2] = 0
    real, imaginary = noise * rng.standard_normal((2, n, 64, 64))
    return np.hypot(bodies + real, imaginary).clip(0, 1).astype(np.float32)


def compared(metric):
    """Values for three outputs, each worse than the one before; the first is the truth itself."""
    if metric.kind == "paired":
        y = in_air(6, 0.01)
        noise = np.random.default_rng(0).standard_normal(y.shape)
        each = [metric.compute(np.clip(y + s * noise, 0, 1), y) for s in (0, 0.05, 0.3)]
        assert all(v.shape == (6,) and v.dtype == np.float64 for v in each)
        return [(metric.pooled or float)(v.mean()) for v in each]
    if metric.kind == "images":
        y, subjects = in_air(60, 0.01), [str(i // 2) for i in range(60)]
        return [metric.compute(x, y, subjects) for x in (y, in_air(60, 0.05), in_air(60, 0.15))]
    rng = np.random.default_rng(0)
    # extrapolation asks for thousands
    reference, train = rng.standard_normal((2, 5000 if metric.name == "fd_inf" else 80, 6))
    space = plugins.load("features", (metric.features or ("hc85-v1",))[0])
    return [metric.compute(reference + shift, reference, train, space) for shift in (0, 1, 3)]


def test_a_metric_prefers_the_truth(metric):
    """Identical is best, a little worse is worse, much worse is worse still; all in the stated range."""
    values = [value * metric.scale for value in compared(metric)]
    assert np.isfinite(values).all()
    assert min(values) >= metric.range[0] and max(values) <= metric.range[1]
    badness = [{"up": -v, "down": v, "zero": abs(v)}[metric.direction] for v in values]
    assert badness == sorted(badness) and len(set(values)) == 3


def test_a_distribution_metric_says_when_there_is_too_little(metric):
    if metric.kind == "distribution":
        space = plugins.load("features", (metric.features or ("hc85-v1",))[0])
        few = np.random.default_rng(0).standard_normal((1, 6))
        with pytest.raises(Unavailable):
            metric.compute(few, few, np.vstack([few] * 8), space)


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_space_keeps_its_contract(name):
    space = plugins.load("features", name)
    assert space.identity() and space.identity() == space.identity() and space.kernel in ("cubic", "rbf")
    try:
        extract = space.load()
    except Unavailable as reason:
        pytest.skip(str(reason))
    some = images(4).astype(np.float32) / 255
    found = extract(some)
    assert (
        found.shape == (4, space.dim or found.shape[1])
        and found.dtype == np.float64
        and np.isfinite(found).all()
    )
    # images are taken one by one: the others in the batch change nothing but the last bits
    assert np.allclose(extract(some[2:3])[0], found[2], rtol=1e-4, atol=1e-5)


# tasks


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("name", TASKS)
def test_a_task_produces_and_scores(name, control, data):
    from mribench.sample import Fitted

    task = plugins.load("tasks", name)
    metrics = load_metrics(task.metrics)
    spaces = plugins.load_all("features", [space for m in metrics.values() for space in m.features])
    outputs = task.produce(Fitted(VARIANTS[control], data.train), data, SMOKE, 0)
    assert all(part.dtype == np.uint8 and part.shape[1:] == (32, 32) for part in outputs.values())
    scores = task.score(outputs, data, SMOKE, metrics, Extractor(spaces), 0)
    assert {score.metric for score in scores} == set(task.metrics)
    assert len({(s.metric, s.space, s.level) for s in scores}) == len(scores)
    for score in scores:
        assert score.n > 0 and score.subjects == data.test.n_subjects
        assert (score.value is None) == bool(score.reason)
        if score.value is not None:
            assert math.isfinite(score.value)
            assert score.low is None or score.low <= score.high
    again = task.score(outputs, data, SMOKE, metrics, Extractor(spaces), 0)
    assert scores == again
