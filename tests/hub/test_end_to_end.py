"""A real run, published, sampled by diffusers alone, and brought back; and the words of README."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mribench import hashing, results

README = Path(__file__).parents[2] / "README.md"
SAMPLE = """
import torch
from diffusers import DiffusionPipeline

pipeline = DiffusionPipeline.from_pretrained("alice/brain", revision={commit!r}, trust_remote_code=True)
generator = torch.Generator().manual_seed(0)
images = pipeline(batch_size=2, num_inference_steps=2, generator=generator, output_type="np").images
print(images.shape, images.dtype, images.min() >= 0, images.max() <= 1)
"""


def sampled(commit, surroundings):
    return process(SAMPLE.format(commit=commit), surroundings)


def process(code, surroundings):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=surroundings)


@pytest.mark.slow
def test_a_real_run_goes_out_and_comes_back(hub, shared, surroundings, tmp_path):
    asked = ["--modalities", "brain", "--profile", "smoke", "--controls", "gaussian", "--out", "run"]
    assert shared("run", *asked, MRIBENCH_OFFLINE="1").code == 0
    ended = shared("push", "run", "--repo", "alice/brain")
    assert ended.code == 0, ended.err
    said = sampled(hub.repos["model", "alice/brain"].head, surroundings)
    assert said.stdout == "(2, 32, 32, 1) float32 True True\n", said.stderr
    card = hub.repos["model", "alice/brain"].files["README.md"].decode()
    assert "![Samples of the model](figures/" in card and "| *gaussian* |" in card

    ended = shared("verify", "alice/brain", MRIBENCH_OFFLINE="1")
    assert ended.code == 0 and "brain ddpm ddim-5 seed 0 generation: reproduced" in ended.out, ended

    assert shared("pull", "alice/brain", "--out", "back").code == 0
    own, back = results.read_all([tmp_path / "run"]), results.read_all([tmp_path / "back"])
    told = [[(r.key, r.provenance["checkpoint_sha256"], r.audit) for r in found] for found in (own, back)]
    assert told[0] == told[1]
    # the folder is that of a run: the same command finds the weights and trains nothing
    weights = next((tmp_path / "back").rglob("*.safetensors"))
    before = weights.stat().st_mtime_ns, hashing.file_sha256(weights)
    assert shared("run", *asked[:-1], "back", MRIBENCH_OFFLINE="1").code == 0
    assert (weights.stat().st_mtime_ns, hashing.file_sha256(weights)) == before
    assert len(list((tmp_path / "back" / "train").iterdir())) == 1


@pytest.mark.skipif(not README.exists(), reason="only in a checkout")
def test_the_block_of_the_readme_runs(hub, shared, trained, tmp_path):
    trained("runs/mine")
    section = README.read_text().partition("## Publish")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    lines = [shlex.split(line.replace("user/", "alice/"), comments=True) for line in block.splitlines()]
    assert len(lines) >= 5
    for name, *words in lines:
        ended = shared(*words)
        assert (name, ended.code) == ("mribench", 0), ended.err
    assert {"mine", "theirs"} == {path.name for path in (tmp_path / "runs").iterdir()}
