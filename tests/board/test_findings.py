"""Every sentence follows from doctored numbers, and falls silent where they do not carry it."""

from dataclasses import replace

import numpy as np
import pytest

from mribench.board import findings, markdown
from mribench.board.boards import boards
from mribench.metrics.uncertainty import round_for_record
from mribench.spec import Score

pytestmark = pytest.mark.usefixtures("known_training")


def organ(found, name):
    """The same results as those of another organ."""
    title = {"title": name.title()}
    same = {"modality": name}
    return [
        replace(r, modality=name, data=r.data | title, comparability={**r.comparability, **same})
        for r in found
    ]


def of(scored, controls, audited, **organs):
    """Boards of several organs, each with one value of ddpm."""
    return boards(
        [r for name, value in organs.items() for r in organ(audited([scored(value=value), *controls]), name)]
    )


def test_ahead_and_behind_are_counted_by_organ(scored, controls, audited):
    made = of(scored, controls, audited, brain=100.0, heart=700.0, lung=601.0)
    (sentence,) = findings.against_gaussian(made)
    assert sentence == (
        "ddpm ddim-5 (phantom, quick): ahead of it in Brain; behind it in Heart; not told apart from it in Lung."
    )


def test_methods_of_which_the_same_is_true_share_a_sentence(scored, controls, audited):
    rows = audited([*(scored(name) for name in "abc"), scored("far", 700.0), *controls])
    assert list(findings.against_gaussian(boards(rows))) == [
        "a ddim-5, b ddim-5, c ddim-5 (phantom, quick): ahead of it in Brain.",
        "far ddim-5 (phantom, quick): behind it in Brain.",
    ]


def test_the_floor_is_said(scored, controls, audited):
    said = list(findings.against_gaussian(of(scored, controls, audited, brain=3.0, heart=100.0)))
    assert (
        said[1]
        == "ddpm ddim-5 (phantom, quick) reaches the floor in Brain: no finer ranking is possible there."
    )


def test_organs_are_ordered_on_scales_of_their_own(scored, controls, audited):
    meaning, order = findings.easier(of(scored, controls, audited, brain=300.0, heart=100.0, lung=103.0))
    assert "Heart 0.16 [0.14, 0.18], Lung 0.17 [0.15, 0.19], Brain 0.50 [0.47, 0.52]; nearer" in order
    assert order.endswith("; nearer in Heart than in Brain; nearer in Lung than in Brain.")
    assert "not how hard an organ is in itself" in meaning


def test_overlapping_organs_are_not_told_apart(scored, controls, audited):
    _, claim = findings.easier(of(scored, controls, audited, heart=100.0, lung=103.0))
    assert claim.endswith("; all intervals overlap.")


def test_two_profiles_or_one_organ_are_not_compared(scored, controls):
    heart = organ([scored(), *controls], "heart")
    assert list(findings.easier(boards([scored(), *controls]))) == []
    other = {"profile": "standard", "budget": "b" * 12}
    quick = [replace(r, comparability={**r.comparability, **other}) for r in heart]
    assert list(findings.easier(boards([scored(), *controls, *quick]))) == []


def test_a_control_at_the_floor_gives_no_scale(scored, controls):
    kept = [r for r in controls if r.variant != "gaussian"]
    near = scored("gaussian", 8.0, is_control=True)
    (board,) = boards([scored(), *kept, near])
    assert findings.position(board, board.row("ddpm")) is None


@pytest.mark.parametrize("change", ["invalid", "few"])
def test_of_a_board_that_ranks_nothing_only_the_reason_is_said(change, scored, controls):
    found = [scored(), *controls, *organ([scored(), *controls], "heart")]
    if change == "invalid":
        found = [replace(r, variant="x") if r.variant == "blur" else r for r in found]
        found += [
            scored("blur", 1.0, is_control=True),
            *organ([scored("blur", 1.0, is_control=True)], "heart"),
        ]
    else:
        few = {"subjects": {"train": 9, "validation": 3, "test": 4}}
        found = [replace(r, data=r.data | few) for r in found]
    made = boards(found)
    said = list(findings.readable(made))
    expected = "the board is invalid and nothing is read" if change == "invalid" else "only 4 test subjects"
    assert len(said) == 2 and all(expected in sentence for sentence in said)
    assert not list(findings.against_gaussian(made)) and not list(findings.easier(made))


def with_second_space(result, value):
    score = replace(result.scores[0], space="gist-v1", value=value)
    return replace(result, scores=(*result.scores, score))


def test_spaces_that_disagree_are_said_with_tau(scored, controls):
    rows = [scored("a", 100.0), scored("b", 200.0), *controls]
    same = [with_second_space(r, r.scores[0].value / 2) for r in rows]
    assert list(findings.disagreements(boards(same))) == []
    reversed_ = [with_second_space(r, -r.scores[0].value) for r in rows]
    (sentence,) = findings.disagreements(boards(reversed_))
    assert "kd[hc85-v1] and kd[gist-v1] put the 7 rows in different orders (Kendall's tau -1.00)" in sentence


def psnr(result, value):
    values = round_for_record(value + np.linspace(-1, 1, 40))
    score = Score("psnr", value, 40, 40, value - 1, value + 1, level=0.524, per_subject=values)
    about = {"psnr": {"title": "", "unit": "dB", "direction": "up", "paper": ""}}
    return replace(result, scores=(*result.scores, score), metrics={**result.metrics, **about})


def test_psnr_against_the_kernel_distance(scored, controls, audited):
    rows = {r.variant: r for r in [scored(), *controls]}
    rows["ddpm"], rows["gaussian"] = psnr(rows["ddpm"], 18.0), psnr(rows["gaussian"], 19.0)
    (sentence,) = findings.disagreements(boards(audited(rows.values())))
    assert (
        "ahead of the gaussian control by kd[hc85-v1], and the other way round at ᾱ 0.52 by PSNR: ddpm ddim-5."
        in sentence
    )
    rows["ddpm"] = psnr(scored(), 20.0)
    assert list(findings.disagreements(boards(audited(rows.values())))) == []


def test_rows_of_which_the_opposite_is_true_share_a_sentence(scored, controls, audited):
    found = [psnr(scored(name), 18.0) for name in "ab"]
    found += [psnr(r, 19.0) if r.variant == "gaussian" else r for r in controls]
    (sentence,) = findings.disagreements(boards(audited(found)))
    assert "the other way round at ᾱ 0.52 by PSNR: a ddim-5, b ddim-5. Paired" in sentence


def test_what_is_not_known_is_said(scored, controls, result):
    said = " ".join(findings.unknown(boards([scored(), *controls])))
    assert "without a memorisation audit" in said and "no noise floor" not in said
    with_audit = [scored(seed=s, audit={"verdict": "not detected"}) for s in range(3)]
    assert list(findings.unknown(boards([*with_audit, *controls]))) == []
    assert "hold no noise floor" in " ".join(findings.unknown(boards([result()])))


def test_the_page_has_the_sentences(scored, controls, tmp_path, audited):
    text = markdown.markdown(of(scored, controls, audited, brain=100.0, heart=700.0), tmp_path)
    _, _, after = text.partition("## What the numbers allow to say\n\n### Against the Gaussian control\n\n- ")
    assert after.startswith("ddpm ddim-5 (phantom, quick): ahead of it in Brain; behind it in Heart.")
