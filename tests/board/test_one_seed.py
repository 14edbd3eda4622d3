"""Rows of one seed: what another training would give is borrowed from rows that know it, or nothing is claimed."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mribench import results
from mribench.board import findings
from mribench.board.boards import boards
from mribench.board.borrowed import pooled
from mribench.board.differences import corrected, difference
from mribench.board.group import KERNEL_DISTANCE
from mribench.board.rows import TrainingVariance
from mribench.metrics.significance import LEVEL, student_quantile
from mribench.metrics.uncertainty import round_for_record
from mribench.spec import Score

PSNR = ("psnr", None, 0.5)
KEPT = Path(__file__).parents[2] / "leaderboards" / "methods"
METRICS = {
    "psnr": {"title": "", "unit": "dB", "direction": "up", "paper": "", "kind": "paired"},
    "kd": {"title": "", "unit": "1e-3", "direction": "down", "paper": "", "kind": "distribution"},
}


def scores(values, variant, seed):
    """KD and PSNR with as many values as there are subjects."""
    value, half, subjects = float(np.mean(values)), 0.1, len(values)
    each, ends = round_for_record(values), (value - half, value + half)
    return (
        Score("psnr", value, 60, subjects, *ends, level=0.5, per_subject=each),
        Score("kd", value, 60, subjects, *ends, 60, "hc85-v1", subsamples=each),
    )


@pytest.fixture
def trained(result):
    def make(variant, values, seed=0, **changes):
        about = {"metrics": METRICS, "seed": seed, "variant": variant, "audit": {"verdict": "not detected"}}
        return result(scores=scores(np.asarray(values, float), variant, seed), **about | changes)

    return make


def of(board, name):
    return next(row for row in board.rows if row.variant == name)


def spread_around(value, n=20):
    return value + 0.01 * np.sin(np.arange(n))


def test_the_variance_is_that_of_rows_with_several_seeds(trained):
    """3 and 2 seeds: pooled by degrees of freedom, in squared units of PSNR."""
    many = [trained("a", spread_around(v), s) for s, v in enumerate((20.0, 21.0, 22.0))]
    many += [trained("b", spread_around(v), s) for s, v in enumerate((30.0, 34.0))]
    (board,) = boards([*many, trained("c", spread_around(25.0))])
    borrowed = of(board, "c").borrowed[PSNR]
    assert borrowed.variance == pytest.approx((2 * 1.0 + 1 * 8.0) / 3, rel=1e-3) and borrowed.dof == 3
    assert not of(board, "a").borrowed and of(board, "c").knows_training(PSNR)


def test_a_distance_moves_in_proportion_to_its_value(trained):
    many = [trained("a", spread_around(v), s) for s, v in enumerate((99.0, 100.0, 101.0))]
    (board,) = boards([*many, trained("c", spread_around(300.0)), trained("d", spread_around(10.0))])
    found = [of(board, name).borrowed[KERNEL_DISTANCE].variance for name in "cd"]
    assert found == pytest.approx([9.0, 0.01], rel=0.02)


def test_of_a_distance_that_reaches_zero_no_proportion_is_taken(trained):
    many = [trained("a", spread_around(v), s) for s, v in enumerate((-1.0, 0.0, 1.0))]
    (board,) = boards([*many, trained("c", spread_around(300.0))])
    assert of(board, "c").borrowed[KERNEL_DISTANCE].variance == pytest.approx(1.0, rel=0.02)


def test_rows_of_one_variant_share_their_trainings_and_count_once(trained):
    many = [
        trained("a", spread_around(v), s, sampler=sampler)
        for sampler in ("ddim-5", "ddim-25")
        for s, v in enumerate((20.0, 21.0, 22.0))
    ]
    (board,) = boards([*many, trained("c", spread_around(25.0))])
    assert of(board, "c").borrowed[PSNR] == TrainingVariance(pytest.approx(1.0, rel=1e-2), 2)


def test_controls_neither_lend_nor_borrow(trained):
    seeds = [trained("gaussian", spread_around(v), s, is_control=True) for s, v in enumerate((1.0, 2.0, 3.0))]
    (board,) = boards(
        [*seeds, trained("noise", spread_around(9.0), is_control=True), trained("c", spread_around(5.0))]
    )
    assert not of(board, "c").borrowed and not of(board, "noise").borrowed
    assert not of(board, "c").knows_training(PSNR) and of(board, "noise").knows_training(PSNR)


@pytest.fixture
def of_organs(trained):
    """``of_organs({organ: values of a, seed by seed})``: boards that hold those and a row ``c`` of one seed and 100."""

    def make(values, **same):
        found = []
        for organ, of_seeds in values.items():
            about = {"modality": organ, "same": {"modality": organ, "data_key": organ, **same.get(organ, {})}}
            found += [trained("a", spread_around(v), s, **about) for s, v in enumerate(of_seeds)]
            found.append(trained("c", spread_around(100.0), **about))
        return {board.modality: of(board, "c").borrowed for board in boards(found)}

    return make


def test_boards_of_other_data_lend_too_and_the_larger_variance_is_taken(of_organs):
    """Three seeds of one board say little of a distance; its own variance is kept where it is the larger one."""
    borrowed = of_organs({"quiet": (99.0, 100.0, 101.0), "loud": (97.0, 100.0, 103.0), "silent": ()})
    both = TrainingVariance(pytest.approx((1 + 9) / 2, rel=0.02), 4)
    loud = TrainingVariance(pytest.approx(9, rel=0.02), 4)
    assert {organ: of[KERNEL_DISTANCE] for organ, of in borrowed.items()} == {
        "quiet": both,
        "loud": loud,
        "silent": both,
    }


def test_each_board_says_once_what_it_lends(of_organs, monkeypatch):
    """Asked anew by every other board, the time would grow with the square of the boards: 35 s for 152 of them."""
    asked = []
    monkeypatch.setattr(
        "mribench.board.group.pooled", lambda rows, metrics: asked.append(rows) or pooled(rows, metrics)
    )
    of_organs({f"organ {i}": (99.0, 100.0, 101.0) for i in range(5)})
    assert len(asked) == 5


def test_a_number_that_is_not_relative_is_lent_on_its_own_board_alone(of_organs):
    borrowed = of_organs({"quiet": (99.0, 100.0, 101.0), "loud": (97.0, 100.0, 103.0), "silent": ()})
    assert [organ for organ, of in borrowed.items() if PSNR in of] == ["loud", "quiet"]
    assert borrowed["quiet"][PSNR] == TrainingVariance(pytest.approx(1, rel=0.02), 2)
    # nor a distance of a board where it reaches 0, which has no proportion
    borrowed = of_organs({"zero": (-1.0, 0.0, 1.0), "loud": (97.0, 100.0, 103.0)})
    assert borrowed["zero"][KERNEL_DISTANCE] == TrainingVariance(pytest.approx(1, rel=0.02), 2)
    assert borrowed["loud"][KERNEL_DISTANCE].dof == 2


@pytest.mark.parametrize("field", ["budget", "profile", "metrics", "data_kind"])
def test_a_board_of_another_budget_metric_or_kind_of_data_lends_nothing(of_organs, field):
    values = {"one": (97.0, 100.0, 103.0), "other": ()}
    assert KERNEL_DISTANCE in of_organs(values)["other"]
    assert KERNEL_DISTANCE not in of_organs(values, other={field: "another"})["other"]


def test_intervals_that_borrow_from_six_boards_cover(of_organs):
    """Trainings of each board vary by a share of KD that is 3 % on one and 16 % on another, as on phantoms."""
    rng, held = np.random.default_rng(0), []
    for _ in range(200):
        shares = 0.08 * np.exp(0.5 * rng.standard_normal(6))
        seeds = {str(organ): 100 * (1 + share * rng.standard_normal(3)) for organ, share in enumerate(shares)}
        borrowed = of_organs({organ: of.tolist() for organ, of in seeds.items()})
        for organ, share in enumerate(shares):
            lent = borrowed[str(organ)][KERNEL_DISTANCE]
            off = abs(100 * share * rng.standard_normal())
            held.append(off < student_quantile(lent.dof) * np.sqrt(lent.variance))
    assert 0.93 <= np.mean(held) <= 0.98


def test_the_interval_of_the_row_is_widened(trained):
    alone, many = (
        trained("c", spread_around(25.0)),
        [trained("a", spread_around(v), s) for s, v in enumerate((20.0, 21.0, 22.0))],
    )
    narrow, wide = (of(boards(found)[0], "c").estimates[PSNR] for found in ([alone], [*many, alone]))
    assert (narrow.within_low, narrow.within_high) == (wide.within_low, wide.within_high)
    # t of two degrees of freedom is 4.3
    assert wide.high - wide.value == pytest.approx(4.3, rel=0.02) and narrow.high - narrow.value < 0.2


def equal_methods(rng, trained, between=0.3, subjects=25, tries=1):
    """Three methods of one distribution on the same subjects: one of three seeds, two of one.

    tries: trainings of the last, of which the best is filed.
    """
    people = rng.standard_normal(subjects)

    def once(name, seed):
        move = between * rng.standard_normal()
        return trained(name, 20 + people + 0.3 * rng.standard_normal(subjects) + move, seed)

    others = [*(once("a", seed) for seed in range(3)), once("b", 0)]
    return [*others, max((once("c", 0) for _ in range(tries)), key=lambda one: one.scores[0].value)]


def test_equal_methods_are_seldom_told_apart(trained):
    """Two rows of one seed, and one of these and the row that lends; 5 % of 300 worlds, give or take."""
    rng = np.random.default_rng(0)
    said = {"bc": 0, "ab": 0, "taken as without luck": 0}
    for _ in range(300):
        (board,) = boards(equal_methods(rng, trained))
        a, b, c = board.rows
        said["bc"] += difference(b, c, PSNR).p < LEVEL
        said["ab"] += difference(a, b, PSNR).p < LEVEL
        bare = [replace(row, borrowed={}) for row in (b, c)]
        said["taken as without luck"] += difference(*bare, PSNR).p < LEVEL
    assert said["bc"] / 300 < 0.08 and said["ab"] / 300 < 0.08
    assert said["taken as without luck"] / 300 > 0.3


def test_the_best_of_ten_trainings_is_seldom_ahead_of_one(trained):
    """Luck chosen on purpose is claimed more often than luck alone, and far less than where it is taken as skill."""
    rng = np.random.default_rng(0)
    said = {"ahead": 0, "taken as without luck": 0}
    for _ in range(100):
        (board,) = boards(equal_methods(rng, trained, tries=10))
        _, one, best = board.rows
        said["ahead"] += difference(one, best, PSNR).p < LEVEL
        bare = [replace(row, borrowed={}) for row in (one, best)]
        said["taken as without luck"] += difference(*bare, PSNR).p < LEVEL
    assert said["ahead"] <= 20 and said["taken as without luck"] > 80, said


def test_without_a_row_that_lends_ranks_stand_in_brackets(scored, controls, audited):
    """Two rows far apart: with one seed each nothing is claimed, and a third one of two seeds lets them be ranked."""
    found = [*controls, scored("near", 90.0), scored("far", 300.0)]
    (board,) = boards(audited(found))
    assert [board.ranks[row.name].text for row in board.trained] == ["(1-2)", "(1-2)"]
    one, other = board.trained
    assert difference(one, other, KERNEL_DISTANCE).p < LEVEL
    assert not difference(one, other, KERNEL_DISTANCE).knows_training
    assert difference(one, board.row("gaussian"), KERNEL_DISTANCE, over_seeds=False).knows_training
    more = [scored("other", 88.0 + seed, seed) for seed in range(3)]
    (board,) = boards(audited([*found, *more]))
    assert not any(board.ranks[row.name].in_brackets for row in board.trained)
    assert board.ranks[of(board, "near").name].worst < board.ranks[of(board, "far").name].best


def test_the_board_says_of_which_rows_nothing_is_known_of_training(scored, controls, audited):
    found = [*controls, scored("near", 90.0)]
    (said,) = findings.unknown(boards(audited(found)))
    assert (
        said == "near ddim-5: boards with a single seed do not tell how much another training would differ."
    )
    more = [scored("other", 88.0 + seed, seed) for seed in range(3)]
    (said,) = findings.unknown(boards(audited([*found, *more])))
    assert "1 of 2 rows" in said and said.endswith(
        "how much another training would differ is taken from other."
    )


def test_records_of_two_versions_of_kd_stand_on_two_boards(scored):
    old, new = scored("ddpm", 90.0), scored("ddpm", 70.0)
    assert len(boards([old, replace(new, comparability=new.comparability | {"metrics": ["kd v2"]})])) == 2
    assert len(boards([old, replace(new, seed=1)])) == 1


# one method against itself, from the records that are kept: six organs, three trainings each


def one_seed_rows(board):
    """The three trainings of ``ddpm``, each as a method of its own with one seed."""
    found = [r for r in board.members if r.variant == "ddpm"]
    return [replace(r, variant=f"ddpm{r.seed}", seed=0) for r in found]


def kept_boards():
    found = boards(r for r in results.read_all([KEPT]) if r.variant == "ddpm")
    assert len(found) == 6 and all(len(one_seed_rows(board)) >= 6 for board in found)
    return found


def ahead(board, rows, address):
    """How many pairs are told apart after Holm's correction over the pairs of the board, where it may be claimed."""
    pairs = corrected([difference(a, b, address) for a, b in combinations(rows, 2)])
    return sum(one.adjusted < LEVEL and one.knows_training for one in pairs), len(pairs)


SPACES = [("kd", "hc85-v1", None), ("kd", "gist208-v1", None)]


@pytest.mark.skipif(not KEPT.is_dir(), reason="only in a checkout")
@pytest.mark.parametrize("address", SPACES)
def test_one_method_is_not_ahead_of_itself_on_a_board_of_one_seed_rows(address):
    said = pairs = uncorrected = 0
    for kept in kept_boards():
        (board,) = boards(one_seed_rows(kept))
        claims, asked = ahead(board, board.trained, address)
        said, pairs = said + claims, pairs + asked
        found = [difference(a, b, address) for a, b in combinations(board.trained, 2)]
        uncorrected += sum(one.adjusted < LEVEL for one in corrected(found))
    assert (said, pairs) == (0, 18)
    assert uncorrected >= (4 if address[1] == "hc85-v1" else 0), (
        "what was claimed without the variance of trainings"
    )


@pytest.mark.skipif(not KEPT.is_dir(), reason="only in a checkout")
@pytest.mark.parametrize("address", SPACES)
def test_nor_where_the_variance_between_trainings_comes_from_elsewhere(address):
    """What a training moves comes from the other five organs (2 degrees of freedom each), not from these."""
    kept, said, pairs = kept_boards(), 0, 0
    for board in kept:
        others = [r for other in kept if other is not board for r in other.members]
        found = boards([*one_seed_rows(board), *others])
        (group,) = (one for one in found if one.modality == board.modality)
        rows = [row for row in group.trained if row.variant != "ddpm"]
        # one board lends nothing of gist208: an interval there reaches 0
        assert all(row.borrowed[address].dof in (8, 10) for row in rows)
        claims, asked = ahead(group, rows, address)
        said, pairs = said + claims, pairs + asked
    assert pairs == 18 and said / pairs <= LEVEL


def test_a_row_of_one_seed_is_undecided_against_the_gaussian_control(scored, controls, audited):
    """Far ahead on these subjects, and nobody knows what another training would give: that is not a tie."""
    (board,) = boards(audited([scored("ddpm", 100.0), *controls]))
    assert board.outcomes == {"ddpm ddim-5": "undecided"}
    said = "\n".join(findings.against_gaussian([board]))
    assert "undecided for want of seeds in Brain" in said and "not told apart" not in said
    known = [scored("ddpm", 100.0 + seed, seed) for seed in range(3)]
    (board,) = boards(audited([*known, *controls]))
    assert board.outcomes == {"ddpm ddim-5": "ahead"}
