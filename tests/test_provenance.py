"""What is recorded about the maker of a result."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import mribench
from mribench import provenance

CHECKOUT = Path(mribench.__file__).parent.parent


@pytest.fixture(autouse=True)
def fresh():
    for cached in (provenance.versions, provenance.git_commit, provenance._machine):
        cached.cache_clear()
    yield


def test_versions_name_every_package_that_makes_numbers():
    found = provenance.versions()
    assert set(found) == {"python", *provenance.PACKAGES} and "absent" not in found.values()
    assert found["mribench"] == mribench.__version__


def test_an_absent_package_is_said(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))
    assert provenance.versions()["no-such-package"] == "absent"


@pytest.mark.skipif(not (CHECKOUT / ".git").exists(), reason="only in a checkout")
def test_the_commit_is_that_of_the_checkout():
    head = subprocess.run(
        ["git", "-C", CHECKOUT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert provenance.git_commit().removesuffix("+dirty") == head


def test_without_git_there_is_no_commit(monkeypatch):
    def absent(*args, **kwargs):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", absent)
    assert provenance.git_commit() is None


def test_the_machine_is_described_and_not_named():
    found = provenance.machine()
    assert torch.backends.cpu.get_cpu_capability() in found["device"] or torch.cuda.is_available()
    assert found["cores"] >= 1 and found["threads"] >= 1
    assert socket.gethostname() not in json.dumps(found)


def test_memory_is_in_gib():
    assert 0.02 < provenance.peak_memory_gib()["process_peak_gib"] < 64


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is handed down")
def test_memory_is_not_that_of_the_process_before(python):
    ballast = np.ones(2**25)  # 256 MiB
    code = "from mribench import provenance; print(provenance.peak_memory_gib()['process_peak_gib'])"
    assert float(python(code).out) < 0.2 < ballast.nbytes / 1024**3


def test_gflops_count_a_multiply_add_twice():
    import torch

    class Convolution(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Conv2d(1, 100, 3, padding=1, bias=False)

        def forward(self, x, t):
            return self.layer(x)

    # 64 x 64 pixels, 9 taps, 100 channels out of one, two operations each
    assert provenance.gflops_per_image(Convolution(), 64) == pytest.approx(
        64 * 64 * 9 * 100 * 2 / 1e9, abs=1e-4
    )
