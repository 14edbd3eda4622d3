"""The letters FID belong to Inception features alone."""

import re
from importlib.metadata import entry_points

import pytest

METRICS = entry_points(group="mribench.metrics")
FEATURES = entry_points(group="mribench.features")


def test_entry_points_are_installed():
    assert {"psnr", "ssim", "mse", "mae", "fid", "kd", "fd"} <= METRICS.names
    assert {"hc85-v1", "inception"} <= FEATURES.names


@pytest.mark.parametrize("entry", METRICS, ids=lambda entry: entry.name)
def test_no_other_metric_is_called_fid(entry):
    metric = entry.load()
    assert metric.name == entry.name
    said = f"{metric.name} {metric.title}".lower()
    says_fid = bool(re.search(r"(?<![a-z])fid|inception", said))
    assert says_fid == (metric.features == ("inception",))


@pytest.mark.parametrize("entry", FEATURES, ids=lambda entry: entry.name)
def test_no_feature_space_is_called_fid(entry):
    space = entry.load()
    assert space.name == entry.name
    assert "fid" not in (space.name + space.title).lower()
    assert ("inception" in (space.name + space.title + space.identity()).lower()) == (
        space.name == "inception"
    )


@pytest.mark.parametrize("entry", METRICS, ids=lambda entry: entry.name)
def test_metrics_name_spaces_that_exist(entry):
    metric = entry.load()
    assert set(metric.features) <= FEATURES.names
    assert metric.kind == "distribution" or not metric.features
    assert metric.range[0] < metric.range[1] and metric.paper and metric.version >= 1
