"""A run of one organ, one trained step and one control, and a copy of it for whoever edits it."""

import shutil

import pytest

from mribench.runner import runspec
from mribench.runner.run import run_suite


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A run of one organ, one trained step, one control."""
    out = tmp_path_factory.mktemp("run")
    asked = {"modalities": "brain", "profile": "smoke", "train_steps": 1, "controls": "mode-collapse"}
    run_suite(runspec.make(**asked, out=str(out)))
    return out


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")
