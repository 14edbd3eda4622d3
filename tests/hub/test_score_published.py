"""What lies on the Hub is scored and drawn from by its id, in a process that has opened nothing before."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from hub_server import Repo
from test_opens import budget, network

from mribench import results

SIDE, N = 32, 16
# every line of words is a command; the first of them is the first that this process does
COMMANDS = """
import shlex, sys
from mribench.cli import app
for line in sys.stdin:
    sys.argv = ["mribench", *shlex.split(line)]
    try:
        app.main()
    except SystemExit as end:
        if end.code:
            sys.exit(end.code)
"""


@pytest.fixture
def fresh(surroundings, tmp_path):
    """``fresh(commands)`` in one new process: standard output."""

    def run(*commands):
        ended = subprocess.run(
            [sys.executable, "-c", COMMANDS],
            input="\n".join(commands),
            capture_output=True,
            text=True,
            env=surroundings,
            cwd=tmp_path,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


@pytest.fixture
def real(tmp_path):
    """Images of twelve people."""
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    grey = np.random.default_rng(0).integers(60, 250, (24, 1, 1))
    images = (np.hypot(x, y) < np.linspace(0.5, 0.9, 24)[:, None, None]) * grey
    np.savez(
        tmp_path / "real.npz",
        images=images.astype(np.uint8),
        subject=np.repeat([f"p{i}" for i in range(12)], 2),
    )
    return tmp_path / "real.npz"


def of_somebody(folder):
    """A DDPMPipeline as any script saves it: the files by name."""
    unet = UNet2DModel(
        sample_size=SIDE,
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(folder)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    return found | {"README.md": b"# a model", "train.py": b"raise SystemExit('code of a stranger')"}


@pytest.mark.slow
def test_models_on_the_hub_are_scored_and_sampled_by_their_id(
    hub, shared, trained, fresh, real, surroundings, tmp_path
):
    """One that mribench pushed, which works on 2x2 patches, and one of somebody else."""
    profile = replace(budget("quick"), size=SIDE, samplers=("dpm-solver-5",), sample_batch=N)
    run = trained(write=network(profile), budget=profile)
    assert shared("push", run, "--repo", "alice/quick").code == 0
    hub.repos["model", "bob/ddpm"] = Repo()
    hub.repos["model", "bob/ddpm"].add(of_somebody(tmp_path / "theirs"))
    about = f"--against {real} --n {N} --controls '' --features hc85-v1 --seed 3"
    said = fresh(
        f"score alice/quick {about} --out scored",
        f"score bob/ddpm --steps 2 {about} --out scored",
        f"sample alice/quick --n {N} --seed 3 --out drawn.npz",
    )
    assert "quick: 16 images against" in said and "bob-ddpm: 16 images against" in said
    records = {r.variant: r for r in results.read_all([tmp_path / "scored"]) if r.task == "generation"}
    assert records["quick"].provenance["source"]["repository"] == "alice/quick"
    assert records["bob-ddpm"].provenance["source"]["steps"] == 2
    assert len(records["bob-ddpm"].provenance["source"]["commit"]) == 40
    # the same weights, sampler and seed
    outputs = tmp_path / "scored" / "outputs" / records["quick"].provenance["outputs"] / "outputs.npz"
    drawn = np.load(tmp_path / "drawn.npz")["images"]
    assert np.abs(np.load(outputs)["images"].astype(int) - drawn).max() <= 1
    assert drawn.std() > 0
    # weights and configurations alone were downloaded
    cache = Path(surroundings["HF_HOME"])
    assert list(cache.rglob("model_index.json")) and not list(cache.rglob("*.py"))
