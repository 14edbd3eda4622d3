"""The study's questions are answered by the rows that are there, and by nothing else."""

from dataclasses import replace

import pytest

from mribench.board import study
from mribench.board.boards import boards
from mribench.spec import Score


def organ(found, name):
    """The same results as those of another organ."""
    changed = {"modality": name}
    return [
        replace(r, **changed, data=r.data | {"title": name.title()}, comparability=r.comparability | changed)
        for r in found
    ]


def asked(found):
    return list(study.answers(boards(found)))


@pytest.mark.usefixtures("known_training")
def test_one_model_or_one_of_each_is_answered_organ_by_organ(scored, controls):
    brain = organ([scored(value=100.0), scored("joint", 130.0), *controls], "brain")
    heart = organ([scored(value=100.0), scored("joint", 100.5), *controls], "heart")
    lung = organ([scored(value=100.0), scored("joint", 70.0), *controls], "lung")
    (said,) = asked([*brain, *heart, *lung])
    assert said.startswith(
        "One model of all organs, or one of each? By kd[hc85-v1] (phantom, quick), joint against"
    )
    better, same, worse = said.split("; ")
    assert "better in Lung (-30 [" in better
    assert same.startswith("not told apart in Heart (")
    assert worse.startswith("worse in Brain (30 [") and "equally many training FLOPs per organ" in worse


def test_single_trainings_claim_nothing(scored, controls):
    (said,) = asked([scored(value=100.0), scored("joint", 130.0), *controls])
    assert "no claim from single trainings in Brain (30 [" in said
    assert "worse" not in said


def test_without_both_rows_nothing_is_said(scored, controls):
    assert asked([scored(), *controls]) == [] == asked([scored("joint"), scored("gan"), *controls])


@pytest.mark.usefixtures("known_training")
def test_a_collapse_of_modes_is_asked_of_coverage_recall_and_diversity(scored, controls):
    def both(variant, coverage):
        made = scored(variant, 100.0)
        one = replace(
            made.scores[0],
            metric="coverage",
            value=coverage,
            subsamples=tuple(coverage + x / 1e4 for x in made.scores[0].subsamples),
        )
        metrics = made.metrics | {"coverage": {"title": "coverage", "direction": "up"}}
        return replace(made, scores=(*made.scores, one), metrics=metrics)

    (said,) = asked([both("ddpm", 0.6), both("gan", 0.1), *controls])
    assert said.startswith("Does a GAN lose modes where diffusion does not? By coverage[hc85-v1]")
    assert "gan against ddpm: worse in" in said


def test_orders_by_psnr_and_by_kernel_distance_are_held_together(scored, result, controls):
    """Five variants; the better their KD, the worse their PSNR: tau is -1, for less is better in one of them."""

    def restored(variant, psnr):
        score = Score("psnr", psnr, 40, 40, psnr - 1, psnr + 1, 40, level=0.52409)
        metrics = {"psnr": {"title": "PSNR", "unit": "dB", "direction": "up"}}
        return result(variant=variant, task="denoising", scores=(score,), data=scored().data, metrics=metrics)

    names = ["ddpm", "edm", "flow", "x0", "ve"]
    found = [scored(name, 100.0 + i) for i, name in enumerate(names)]
    found += [restored(name, 20.0 + i) for i, name in enumerate(names)]
    (said,) = asked([*found, *controls])
    assert "-1.00 of 5 rows; median -1.00" in said and "psnr at ᾱ 0.52 and kd[hc85-v1]" in said
    assert asked([*found[:4], *found[5:9], *controls]) == []


def test_a_board_that_ranks_by_psnr_is_not_asked_whether_psnr_orders_alike(result):
    """Answers to a problem have no kernel distance."""
    score = Score("psnr", 20.0, 40, 40, 19.0, 21.0, 40, level=1.0)
    metrics = {"psnr": {"title": "PSNR", "unit": "dB", "direction": "up"}}
    about = {"task": "problem", "primary": "psnr", "metrics": metrics}
    found = [result(variant=f"v{i}", scores=(replace(score, value=20.0 + i),), **about) for i in range(6)]
    assert asked(found) == []
