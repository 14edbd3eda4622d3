"""A run at 128 and at 256 pixels: every stage takes images of that side."""

import pytest

import mribench


@pytest.mark.slow
@pytest.mark.parametrize("size", [128, 256])
def test_a_run_of_larger_images(size, tmp_path):
    done = mribench.run(
        modalities="brain",
        profile="smoke",
        size=size,
        train_steps=2,
        samplers="ddim-2",
        controls="gaussian,train-replay",
        out=tmp_path,
    )
    assert {result.comparability["resolution"] for result in done} == {size}
    assert {result.task for result in done} == {"generation", "denoising", "audit"}
    run = mribench.load(tmp_path)
    assert run.samples("ddpm").shape == run.samples("train-replay").shape == (24, size, size)
    blank = [s for result in done for s in result.scores if s.value is None and s.space != "inception"]
    assert not blank, blank
    copier = next(r for r in done if r.variant == "train-replay" and r.task == "audit")
    assert copier.audit["verdict"] == "MEMORISES"
