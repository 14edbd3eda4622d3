"""A run at 128 and at 256 pixels: every stage takes images of that side."""

import pytest

import mribench

# the middle of the network attends over all its pixels: five levels make 256 of 256x256
SMALL = """
extends = "smoke"
phantom_subjects = 24
phantom_slices = 1
n_generated = 8

[network]
channels = [8, 8, 8, 8, 16]
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [128, 256])
def test_a_run_of_larger_images(size, tmp_path):
    (tmp_path / "small.toml").write_text(SMALL)
    done = mribench.run(
        modalities="brain",
        profile=tmp_path / "small.toml",
        size=size,
        train_steps=2,
        samplers="ddim-2",
        controls="gaussian,train-replay",
        out=tmp_path / "run",
    )
    assert {result.comparability["resolution"] for result in done} == {size}
    assert {result.task for result in done} == {"generation", "denoising", "audit"}
    assert all(result.comparability["profile"].startswith("small-") for result in done)
    run = mribench.load(tmp_path / "run")
    assert run.samples("ddpm").shape == run.samples("train-replay").shape == (8, size, size)
    paired = [score for result in done if result.task == "denoising" for score in result.scores]
    kd = [score for result in done for score in result.scores if score.metric == "kd"]
    assert len(kd) == 9 and all(score.value is not None for score in (*paired, *kd))
