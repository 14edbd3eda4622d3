"""Own data, a run on them, and three generators that mribench never trained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_by_hand import SLICES, SUBJECTS, N, discs, save_pipeline, save_pngs

import mribench


@pytest.fixture(scope="session")
def own(tmp_path_factory) -> Path:
    """A user's own images, with the subject of each."""
    folder = tmp_path_factory.mktemp("own")
    subjects = np.repeat([f"p{i:02d}" for i in range(SUBJECTS)], SLICES)
    np.savez(folder / "discs.npz", images=discs(SUBJECTS * SLICES, 1), subject=subjects)
    return folder / "discs.npz"


@pytest.fixture(scope="session")
def run(own, tmp_path_factory) -> Path:
    """ddpm and two controls on these data, trained for four steps."""
    out = tmp_path_factory.mktemp("run")
    budget = {"profile": "smoke", "train_steps": 4, "samplers": "ddim-2", "tasks": ["generation", "audit"]}
    mribench.run(modalities="brain", controls=["noise", "gaussian"], data=own, out=out, **budget)
    return out


@pytest.fixture(scope="session")
def generators(tmp_path_factory) -> SimpleNamespace:
    """A folder of PNG, a pipeline of diffusers, and what the script of a VAE saved."""
    folder = tmp_path_factory.mktemp("generators")
    np.savez(folder / "vae.npz", images=discs(N, 3)[:, None])
    return SimpleNamespace(
        pngs=save_pngs(folder / "pngs", discs(N + 5, 2)),
        pipeline=save_pipeline(folder / "pipeline"),
        vae=folder / "vae.npz",
    )
