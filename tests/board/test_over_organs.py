"""Methods over organs: average ranks, Friedman's test and Nemenyi's critical difference, by published numbers."""

from dataclasses import replace

import many_rows
import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from mribench.board import over_organs
from mribench.board.boards import boards
from mribench.board.markdown import markdown
from mribench.board.over_organs import OverOrgans, critical_difference, friedman


@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_rests_on_the_q_that_demsar_prints(methods, q):
    """Demsar 2006, table 5(a)."""
    organs = 14
    expected = q * (methods * (methods + 1) / (6 * organs)) ** 0.5
    assert critical_difference(methods, organs) == pytest.approx(expected, rel=1e-3)


def test_the_example_of_demsar_comes_out():
    """Section 3.2.2: four methods on 14 data sets, average ranks 3.143, 2.000, 2.893, 1.964; CD 1.25."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)


@pytest.mark.parametrize("ties", [False, True])
def test_the_friedman_test_is_that_of_scipy(ties):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 3, (5, 6)) if ties else rng.standard_normal((5, 6))
    from scipy.stats import rankdata

    ours = friedman(rankdata(values, axis=0).tolist())
    theirs = friedmanchisquare(*values)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_equal_methods_are_not_told_apart():
    assert friedman([(1.5, 1.5), (1.5, 1.5)]).p == 1.0


def test_only_methods_with_every_organ_enter_and_the_rest_are_named(tmp_path):
    found = [r for r in many_rows.records(5, 6, 2) if (r.variant, r.modality) != ("variant-02", "lung")]
    (made,) = over_organs.over_organs(boards(found))
    assert list(made.average.values()) == [1.0, 2.0, 3.0, 4.0]
    assert made.left_out == {"variant-02 dpm-solver-16": "no row in Lung"}
    assert made.organs == ("Brain", "Chromatin", "Heart", "Kidney", "Lung", "Spine")
    said = over_organs.sentences(made)
    assert "4 methods on 6 organs: as a whole they differ (Friedman's chi-squared 18.0, p < 0.001)." in said
    assert "must differ by 1.91 or more (critical" in said[2] and "of the 3 by which" in said[2]
    assert said[-1].endswith("variant-02 dpm-solver-16 (no row in Lung).")
    text = markdown(boards(found), tmp_path)
    assert "## Methods over all organs (phantom, quick)" in text
    assert (
        "| method | seeds | average rank | Brain, KD[hc85-v1] (1e-3) ↓ | Chromatin, KD[hc85-v1] (1e-3) ↓ |"
        in text
    )
    assert (
        "| variant-00 dpm-solver-16 | 2 | 1.00 | 80.0 ± 0.0 [70.0, 90.0] | 80.0 ± 0.0 [70.0, 90.0] |" in text
    )


def test_a_suspected_method_enters_and_is_named():
    """One of twenty honest rows may be suspected: of six organs every fourth method would be left out."""
    found = [
        replace(r, audit=r.audit | {"verdict": "suspect"})
        if r.audit and (r.variant, r.modality) == ("variant-01", "heart")
        else r
        for r in many_rows.records(4, 3, 2)
    ]
    (made,) = over_organs.over_organs(boards(found))
    assert len(made.average) == 4 and made.left_out == {}
    assert made.suspect == {"variant-01 dpm-solver-16": ("Heart",)}
    assert "accuses of nothing: variant-01 dpm-solver-16 in Heart." in " ".join(over_organs.sentences(made))


def test_a_row_without_a_rank_does_not_enter(scored, controls, audited):
    both = [{"modality": organ, "same": {"modality": organ}} for organ in ("brain", "lung")]
    found = [
        scored(name, value, audit={"verdict": verdict}, **organ)
        for organ in both
        for name, value, verdict in (
            ("a", 50, "not detected"),
            ("b", 60, "not detected"),
            ("c", 5, "MEMORISES"),
        )
    ]
    more = [
        scored(c.variant, c.scores[0].value, is_control=True, audit=c.audit, **o)
        for o in both
        for c in controls
    ]
    (made,) = over_organs.over_organs(boards(audited([*found, *more])))
    assert list(made.average) == ["a ddim-5", "b ddim-5"] and made.left_out == {
        "c ddim-5": "MEMORISES in Brain, Brain"
    }
    assert made.friedman is None and "too few" in over_organs.sentences(made)[0]


def test_samplers_of_one_variant_are_one_method(scored, controls, audited):
    """The sampler that most variants share enters, whatever its score."""
    rows = [
        ("a", "heun-9", 90),
        ("b", "heun-9", 60),
        ("a", "ddim-5", 10),
        ("c", "ddim-5", 70),
        ("d", "heun-9", 80),
    ]
    found = []
    for organ in ("brain", "lung"):
        where = {"modality": organ, "same": {"modality": organ}}
        found += [scored(name, value, sampler=sampler, **where) for name, sampler, value in rows]
        found += [
            scored(c.variant, c.scores[0].value, is_control=True, audit=c.audit, **where) for c in controls
        ]
    (made,) = over_organs.over_organs(boards(audited(found)))
    assert set(made.average) == {"a heun-9", "b heun-9", "c ddim-5", "d heun-9"}
    assert made.left_out == {"a ddim-5": over_organs.SAMPLER}
    assert over_organs.sentences(made)[-1].endswith("enters; 1 other row does not.")


def test_one_organ_is_no_comparison_over_organs():
    assert over_organs.over_organs(boards(many_rows.records(5, 1))) == []


def test_groups_are_the_largest_runs_within_the_critical_difference():
    average = {"a": 1.0, "b": 2.0, "c": 3.5, "d": 3.9, "e": 9.0}
    made = OverOrgans("", ("x", "y"), ("x", "y"), average, {}, {}, {}, {}, {}, None, 2.0)
    assert made.groups == [("a", "b"), ("b", "d")]
