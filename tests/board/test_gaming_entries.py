"""Ways to a better rank by what is entered and how often, each tried. What is refused says why wherever it is shown."""

from dataclasses import replace

import numpy as np
import pytest
from spoilt import edited

from mribench.board import columns
from mribench.board.boards import boards
from mribench.board.claims import among_all_pairs
from mribench.board.compare import compare
from mribench.board.html.page import html
from mribench.board.identity import output_marks
from mribench.hashing import arrays_sha256
from mribench.metrics.significance import holm, student_p
from mribench.metrics.uncertainty import round_for_record

pytestmark = pytest.mark.usefixtures("known_training")

HC85, GIST = "hc85-v1", "gist208-v1"


def in_two_spaces(result, hc85, gist):
    """The same record with a value in each of two spaces."""
    first = result.scores[0]
    own = np.random.default_rng([7, *result.name.encode()]).standard_normal(200)

    def score(space, value):
        drawn = np.array(first.subsamples) - first.value + value + 0.3 * (own - own.mean())
        drawn = round_for_record(drawn)
        return replace(first, space=space, value=value, low=value - 10, high=value + 10, subsamples=drawn)

    return replace(result, scores=(score(HC85, hc85), score(GIST, gist)))


def test_spaces_that_contradict_each_other_leave_a_pair_tied(scored, controls, audited, said):
    rows = [in_two_spaces(scored("a"), 13.5, 73.6), in_two_spaces(scored("ddpm"), 110.3, 34.0)]
    found = audited([*rows, *(in_two_spaces(r, r.scores[0].value, r.scores[0].value) for r in controls)])
    assert [said(found, f"{name} ddim-5") for name in ("a", "ddpm")] == ["1-2", "1-2"]
    (board,) = boards(found)
    assert (
        "kd[hc85-v1] puts a ddim-5 ahead of ddpm ddim-5, kd[gist208-v1] the other way round: the two are tied."
        in board.doubts
    )
    verdicts = {line.better for line in compare(found[:1], found[1:2]).numbers}
    assert verdicts == {"not told apart, the spaces contradict each other"}


def test_one_space_ahead_and_none_behind_is_ahead(scored, controls, audited, said):
    """Here the space that does not lead tells the two apart."""
    rows = [in_two_spaces(scored("a"), 100.0, 34.0), in_two_spaces(scored("b"), 100.3, 73.6)]
    found = audited([*rows, *(in_two_spaces(r, r.scores[0].value, r.scores[0].value) for r in controls)])
    assert [said(found, f"{name} ddim-5") for name in "ab"] == ["1", "2"]
    doubted = [replace(r, spaces={GIST: {"trusted": False, "reason": "it is blind"}}) for r in found]
    assert [said(doubted, f"{name} ddim-5") for name in "ab"] == ["1-2", "1-2"]
    verdicts = [line.better for line in compare(doubted[:1], doubted[1:2]).numbers]
    assert verdicts == ["not told apart", "not judged, gist208-v1 is not trusted with these images"]


def test_the_sentence_about_the_control_needs_all_spaces_too(scored, controls, audited):
    values = {"ddpm": (100.0, 700.0), "gaussian": (600.0, 600.0)}
    rows = [in_two_spaces(r, *values.get(r.variant, (r.scores[0].value,) * 2)) for r in [scored(), *controls]]
    (board,) = boards(audited(rows))
    assert board.outcomes == {"ddpm ddim-5": "not told apart"}


def test_the_sentence_about_the_control_names_the_number_that_decides(scored, controls, audited):
    values = {"ddpm": (600.0, 100.0)}
    rows = [in_two_spaces(r, *values.get(r.variant, (r.scores[0].value,) * 2)) for r in [scored(), *controls]]
    (board,) = boards(audited(rows))
    assert board.primary == ("kd", HC85, None)
    assert board.against_control == [
        "ddpm ddim-5 is ahead of the gaussian control: KD[gist208-v1] 100.0 against 600.0."
    ]


# 8, 9: verdict, value, interval and subsamples edited
@pytest.mark.parametrize("task", ["generation", "audit"])
def test_an_edited_record_has_no_rank(task, scored, controls, audited, said):
    found = audited([scored("a", 90.0), scored("b", 100.0), *controls])
    found = [edited(r) if (r.variant, r.task) == ("a", task) else r for r in found]
    assert said(found, "a ddim-5") == "edited" and said(found, "b ddim-5") == "1"
    (board,) = boards(found)
    assert f"Edited: a ddim-5 seed 0 ({task}). What a record holds does not match its digest." in board.doubts


def test_records_without_a_digest_are_ranked_and_counted(scored, controls, audited):
    found = audited([scored("a"), *controls])
    for place, result in enumerate(found):
        object.__setattr__(result, "edited", False if place < 3 else None)
    (board,) = boards(found)
    assert board.ranks["a ddim-5"].best == 1
    assert f"{len(found) - 3} of {len(found)} records carry no digest" in board.doubts[-1]


# 12: the subsamples of a rival, less one
def test_a_rival_less_one_does_not_lead(scored, controls, audited, said):
    rival = scored("ddpm", 110.3)
    drawn = round_for_record(np.array(rival.scores[0].subsamples) - 1.0)
    score = replace(rival.scores[0], value=109.3, low=99.3, high=119.3, subsamples=drawn)
    found = audited([rival, scored("a", 109.3, scores=(score,)), *controls])
    assert [said(found, f"{name} ddim-5") for name in ("a", "ddpm")] == ["1-2", "1-2"]
    assert "a ddim-5 and ddpm ddim-5 differ by the same number everywhere" in " ".join(
        boards(found)[0].doubts
    )
    (line,) = compare(found[:1], found[1:2]).numbers
    assert line.better == "not judged, the two differ by the same number everywhere"


# 13: one training under several seeds
def test_one_training_filed_under_several_seeds_has_no_rank(scored, controls, audited, said):
    one = scored("a")
    found = audited([*(replace(one, seed=seed) for seed in range(3)), scored("b", 200.0), *controls])
    assert said(found, "a ddim-5") == "one training filed as seeds 0, 1, 2"
    row = boards(found)[0].row("a")
    assert row.seeds == (0,) and row.estimates[("kd", HC85, None)].spread is None


def test_equal_weights_alone_are_one_training(scored, controls, audited, said):
    weights = {"checkpoint_sha256": "f" * 64}
    rows = [scored("a", 100.0 + seed, seed) for seed in range(2)]
    rows = [replace(r, provenance=r.provenance | weights) for r in rows]
    assert said(audited([*rows, *controls]), "a ddim-5") == "one training filed as seeds 0, 1"


def test_audits_that_produced_nothing_make_no_copies(scored, controls, audited, said):
    """A GAN has no losses to audit: the hash of its empty outputs is that of every other GAN's."""
    rows = audited([scored("a", seed=0), scored("a", 101.0, seed=1), scored("b", 200.0), *controls])
    empty = {"outputs_sha256": arrays_sha256({})}
    rows = [replace(r, provenance=r.provenance | empty) if r.task == "audit" else r for r in rows]
    assert [said(rows, f"{name} ddim-5") for name in "ab"] == ["1", "2"]
    assert boards(rows)[0].row("a").seeds == (0, 1)


def test_two_perfect_models_are_no_copies(scored):
    one, other = (scored(name) for name in "ab")
    perfect = [
        replace(r, scores=tuple(replace(s, subsamples=(), per_subject=(1.0,) * 30) for s in r.scores))
        for r in (one, other)
    ]
    assert all(not output_marks(r) for r in perfect)


# 15: copies of one's own row
def test_copies_of_a_row_count_once_and_share_its_place(scored, controls, audited, said):
    rows = [scored("winner", 100.0), scored("a", 104.6)]
    alone = audited([*rows, *controls])
    assert [said(alone, f"{name} ddim-5") for name in ("winner", "a")] == ["1", "2"]
    many = audited([*rows, *(replace(rows[1], variant=f"a-{i}") for i in range(25)), *controls])
    assert [said(many, f"{name} ddim-5") for name in ("winner", "a", "a-24")] == ["1", "2", "2"]
    assert "are the same outputs: one entry, counted once." in boards(many)[0].doubts[0]
    assert holm([boards(alone)[0].ranking.claims[0].p] * (27 * 26 // 2))[0] > 0.05, (
        "over all pairs it would be tied"
    )


def test_false_claims_stay_rare_and_copies_change_nothing(scored):
    """Six rows of one quality on 30 subjects, 400 boards: a false claim on at most 8 % of them (level 5 %).

    Beside them a row that is worse by 4 standard errors: 25 copies of a row leave its claims as they are, where
    Holm's correction over all pairs of all names loses most of them.
    """
    rng = np.random.default_rng(0)
    wrong = found = diluted = 0
    worlds, subjects = 400, 30
    for _ in range(worlds):
        values = rng.standard_normal((7, subjects)) / np.sqrt(2)
        values[6] += 4 / np.sqrt(subjects)
        pairs = [(i, j) for i in range(7) for j in range(i + 1, 7)]
        gaps = np.array([values[i] - values[j] for i, j in pairs])
        t = gaps.mean(1) / (gaps.std(1, ddof=1) / np.sqrt(subjects))
        p = [student_p(x, subjects - 1) for x in t]
        adjusted = dict(zip(pairs, among_all_pairs(p, 7), strict=True))
        wrong += any(adjusted[i, j] < 0.05 for i, j in pairs if j < 6)
        found += adjusted[0, 6] < 0.05
        under_25_names = p + [p[pairs.index((0, 6))]] * (32 * 31 // 2 - len(p))
        diluted += holm(under_25_names)[pairs.index((0, 6))] < 0.05
    assert wrong / worlds <= 0.08
    assert found / worlds > 0.6 and diluted < found / 2


def test_the_correction_is_between_none_and_holms():
    p = [0.001, 0.02, 0.03]
    assert among_all_pairs(p, 3) == pytest.approx([0.003, 0.02, 0.03])
    assert holm(p) == pytest.approx([0.003, 0.04, 0.04])
    drawn = np.random.default_rng(0).uniform(0, 0.1, (50, 15))
    for p_values in drawn.tolist():
        ours = among_all_pairs(p_values, 6)
        assert all(p <= a <= h + 1e-12 for p, a, h in zip(p_values, ours, holm(p_values), strict=True))


def test_two_sampling_seeds_of_one_pipeline_are_not_two_trainings(scored, controls, audited, said):
    def sampled(result):
        bare = {
            "checkpoint": None,
            "checkpoint_sha256": None,
            "source": {"kind": "pipeline", "sha256": "5" * 64},
        }
        return replace(result, provenance=result.provenance | bare)

    found = [scored("a", seed=0), scored("a", seed=1), scored("b", 200.0), *controls]
    found = [sampled(r) if r.variant == "a" else r for r in audited(found)]
    assert said(found, "a ddim-5") == "one training filed as seeds 0, 1"


def test_a_board_says_which_rows_were_trained_elsewhere(scored, controls):
    bare = {"source": {"kind": "folder", "sha256": "3" * 64}, "training": None}
    found = [replace(scored("a"), provenance=bare), scored("b"), *controls]
    (board,) = boards(found)
    told = [sentence for sentence in board.doubts if "trained elsewhere" in sentence]
    assert len(told) == 1 and told[0].startswith("a ddim-5 was trained elsewhere")


def test_a_row_that_another_space_tells_from_the_gaussian_says_by_which(scored, controls, audited, tmp_path):
    """The number that ranks is the worse one, and not significantly so: the word alone would puzzle its reader."""
    values = {"ddpm": (600.5, 30.0)}
    rows = [in_two_spaces(r, *values.get(r.variant, (r.scores[0].value,) * 2)) for r in [scored(), *controls]]
    made = boards(audited(rows))
    assert [cells[-1] for cells in columns.all_organs(made).texts()] == ["ahead by KD[gist208-v1]"]
    assert 'class="detail">by KD[gist208-v1]</span>' in html(made, tmp_path)
