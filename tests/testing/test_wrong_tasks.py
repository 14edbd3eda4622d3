"""Tasks that promise what they do not score: the kit says what is wrong."""

from dataclasses import replace

import pytest
from found import finding

from mribench.plugins import lookup
from mribench.testing import tasks, variants

DDPM, DENOISING = lookup.load("variants", "ddpm"), lookup.load("tasks", "denoising")


def floats(*given):
    return {name: part / 255 for name, part in DENOISING.produce(*given).items()}


def silent(*given):
    return [score for score in DENOISING.score(*given) if score.metric != "mae"]


@pytest.mark.parametrize(
    ("plugin", "found"),
    [
        (replace(DENOISING, produce=floats), "is float64"),
        (replace(DENOISING, score=silent), "scores of mae_fg, ms_ssim3, ms_ssim3_fg, mse, "),
        (replace(DENOISING, score=lambda *given: DENOISING.score(*given) * 2), "two scores have"),
    ],
    ids=["output", "metrics", "twice"],
)
def test_a_bad_task_is_found(plugin, found):
    said = finding(tasks.CHECKS, tasks.it_produces_and_scores_every_control, plugin, "tasks")
    assert said.state == "broken" and found in said.found and said.mend


def test_a_task_that_denoises_and_does_not_say_so_is_told():
    said = finding(
        tasks.CHECKS, tasks.it_produces_and_scores_every_control, replace(DENOISING, needs=()), "tasks"
    )
    assert said.state == "note" and "calls model.denoise" in said.found and "denoising" in said.mend


def test_a_task_that_needs_what_nobody_knows_and_a_sampler_that_does_not_fit_are_found():
    needy = replace(DENOISING, needs=("a miracle",))
    said = finding(tasks.CHECKS, tasks.its_needs_are_known, needy, "tasks")
    assert said.state == "broken" and "a miracle" in said.found
    check = variants.its_own_sampler_draws_from_it
    for variant, state in (
        (DDPM, "ok"),
        (replace(DDPM, sampler="ddim"), "ok"),
        (replace(DDPM, sampler="nowhere"), "broken"),
        (replace(DDPM, sampler="ddim", process="another"), "broken"),
    ):
        assert finding(variants.CHECKS, check, variant, "variants").state == state
