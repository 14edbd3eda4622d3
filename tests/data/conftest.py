"""Small inputs made on the spot: no patient data in the repository."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from noise_organ import draw

from mribench.profiles import SMOKE
from mribench.spec import Modality, Profile

SIZE = 16


@pytest.fixture
def profile() -> Profile:
    return replace(SMOKE, size=SIZE, max_images=60, phantom_subjects=8, phantom_slices=3)


@pytest.fixture
def modality() -> Modality:
    return Modality(name="brain", title="Brain", contrast="T1w", phantom=draw)


@pytest.fixture
def pictures():
    """pictures(n, seed=0) -> uint8 (n, 24, 20): a bright disc on air, unlike one another."""

    def make(n: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[-1:1:24j, -1:1:20j]
        disc = (x**2 + y**2) < 0.7
        return (disc * rng.integers(60, 250, (n, 24, 20))).astype(np.uint8)

    return make


@pytest.fixture
def npz(tmp_path, pictures):
    """npz(subjects, **arrays) -> path of an NPZ with one picture per entry of ``subjects``."""

    def make(subjects, name="brain.npz", **arrays):
        content = {"images": pictures(len(subjects)), "subject": np.array(subjects), **arrays}
        np.savez(tmp_path / name, **content)
        return tmp_path / name

    return make
