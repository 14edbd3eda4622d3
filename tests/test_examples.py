"""The worked examples among the plugins pass their own tests, run as their authors would."""

import subprocess
import sys
from pathlib import Path

import pytest

from mribench.plugins import lookup

ROOT = Path(__file__).parent.parent / "plugins"
EXAMPLES = {"mribench-knee": ("modalities", "knee"), "mribench-flow": ("variants", "flow")}


@pytest.mark.parametrize("folder", EXAMPLES)
def test_an_example_passes_its_own_tests(folder):
    group, name = EXAMPLES[folder]
    if name not in lookup.names(group):
        pytest.skip(f"{folder} is not installed")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", str(ROOT / folder)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stdout
