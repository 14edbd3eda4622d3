"""Fields beside the scores: equal, or as near as another library or other outputs may make them."""

from dataclasses import replace

import pytest

from mribench.runner.check_fields import check_fields

FOUND = {
    "verdict": "not detected",
    "reasons": ["2 of 256 images (0.8%) are near"],
    "copy_rate": 0.01,
    "threshold": 0.89,
    "findings": {"gap": {"gap": -19.7, "p": 0.5}},
}
TRUST = {"hc85-v1": {"trusted": True, "reason": "misses blur (0.9)", "floor": 1.1, "images": 500}}


def labels(recorded, now, same_outputs=True, unknown=()):
    return {check.label: check.answer for check in check_fields(recorded, now, same_outputs, unknown)}


@pytest.fixture
def one(scored):
    return scored(audit=FOUND, spaces=TRUST)


def test_a_record_agrees_with_itself_and_with_rounding(one):
    again = replace(one, audit={**FOUND, "threshold": 0.89 * (1 + 1e-9)})
    assert labels(one, one) == labels(again, one) == {}


def test_numbers_of_an_audit_of_other_outputs_may_differ_by_a_little(one):
    gap = {"gap": {"gap": -19.2, "p": 0.53}}
    near = replace(one, audit={**FOUND, "reasons": ["3 of 256 images (1.2%) are near"], "findings": gap})
    assert set(labels(near, one, same_outputs=False).values()) == {"within interval"}
    assert set(labels(near, one).values()) == {"not reproduced"}
    for change in ({"verdict": "suspect"}, {"copy_rate": 0.2}, {"reasons": []}, {"reasons": ["2 of 9 pigs"]}):
        told = labels(replace(one, audit=FOUND | change), one, same_outputs=False)
        assert set(told.values()) == {"not reproduced"}, change


def test_a_floor_may_move_by_a_hundredth_of_its_own_interval(one):
    floor = one.floor["kd[hc85-v1]"]
    half = (floor["train_high"] - floor["train_low"]) / 2
    for factor, found in ((0.9, set()), (1.1, {"floor.kd[hc85-v1].train_test"})):
        moved = floor | {"train_test": floor["train_test"] + factor * 0.01 * half}
        assert set(labels(replace(one, floor={"kd[hc85-v1]": moved}), one)) == found
    shrunk = floor | {"subsamples": " ".join(repr(2 + float(x) / 100) for x in floor["subsamples"].split())}
    assert set(labels(replace(one, floor={"kd[hc85-v1]": shrunk}), one)) == {"floor.kd[hc85-v1].subsamples"}


def test_trust_is_the_same_word_and_nearly_the_same_numbers(one):
    space = TRUST["hc85-v1"]
    near = space | {"floor": 1.105, "reason": "misses blur (1.0)"}
    assert labels(replace(one, spaces={"hc85-v1": near}), one) == {}
    for change in (
        {"trusted": False},
        {"trusted": None},
        {"floor": 1.2},
        {"images": 5},
        {"reason": "sees blur (0.9)"},
    ):
        (label,) = labels(replace(one, spaces={"hc85-v1": space | change}), one)
        assert label == f"spaces.hc85-v1.{next(iter(change))}"


def test_a_redacted_word_about_the_data_is_no_difference_and_any_other_is(one):
    def recorded(**data):
        return replace(one, data={**one.data, **data})

    now = recorded(terms=[{"title": "of Ann Example, 2020"}])
    assert labels(recorded(terms=[{"title": "of [removed], 2020"}]), now) == {}
    assert set(labels(recorded(terms=[{"title": "of [removed], 2021"}]), now)) == {"data.terms.0.title"}
    direction = replace(one, metrics={"kd": {**one.metrics["kd"], "direction": "[removed]"}})
    assert set(labels(direction, one)) == {"metrics.kd.direction"}


def test_what_a_missing_plugin_would_have_told_is_not_compared(one):
    other = replace(one, data={**one.data, "title": "x"}, versions={"variant": 2})
    assert set(labels(other, one)) == {"data.title", "versions.variant"}
    assert labels(other, one, unknown=("data.title", "versions.variant")) == {}
    assert set(labels(other, one, unknown=("data.titl",))) == {"data.title", "versions.variant"}
