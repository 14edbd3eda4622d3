"""The worked examples and the families among the plugins pass their own tests, run as their authors would."""

import subprocess
import sys
from pathlib import Path

import pytest

from mribench.plugins import lookup

ROOT = Path(__file__).parent.parent / "plugins"
EXAMPLES = {
    "mribench-knee": ("modalities", "knee"),
    "mribench-flow": ("variants", "flow"),
    "mribench-score": ("samplers", "heun"),
    "mribench-latent": ("variants", "ldm-kl"),
    "mribench-comparators": ("variants", "vae"),
    "mribench-inverse": ("solvers", "pnp"),
    "mribench-anomaly": ("tasks", "ood"),
    "mribench-downstream": ("tasks", "utility"),
    "mribench-paired": ("tasks", "translation"),
    "mribench-private": ("variants", "dp-sgd-8"),
    "mribench-masks": ("tasks", "delineation"),
    "mribench-volumes": ("tasks", "registration"),
}
# known answers of many families
SLOW = (
    "mribench-flow",
    "mribench-score",
    "mribench-latent",
    "mribench-comparators",
    "mribench-inverse",
    "mribench-anomaly",
    "mribench-downstream",
    "mribench-paired",
    "mribench-private",
    "mribench-masks",
    "mribench-volumes",
)


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(name, marks=(pytest.mark.slow, pytest.mark.timeout(1800)) if name in SLOW else ())
        for name in EXAMPLES
    ],
)
def test_an_example_passes_its_own_tests(folder):
    group, name = EXAMPLES[folder]
    if name not in lookup.names(group):
        pytest.skip(f"{folder} is not installed")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", str(ROOT / folder)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=1800 if folder in SLOW else 200)
    assert ended.returncode == 0, ended.stdout
