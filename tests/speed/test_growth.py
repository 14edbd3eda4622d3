"""An exponent is what the seconds say, every quantity can be measured, and what is worse than linear says why."""

import json

import pytest

from mribench.speed import growth
from mribench.speed.growth import Quantity


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_an_exponent_is_that_of_the_seconds(power):
    sizes = (10, 20, 40)
    # what is spent on every size counts less between the largest ones
    assert growth.exponent(sizes, [3 * n**power for n in sizes]) == pytest.approx(power)
    assert abs(growth.exponent(sizes, [5 + 3 * n**power for n in sizes]) - power) < 0.35


def test_the_table_holds_seconds_and_exponent(tmp_path, monkeypatch):
    seconds = iter([1.0, 9.0, 1.0, 4.0, 4.0, 9.0])
    monkeypatch.setattr(growth, "_seconds", lambda work: next(seconds))
    asked = []
    one = Quantity("work", "things", (10, 20), lambda n: asked.append(n) or print, "")
    record = growth.measure(tmp_path, [one])
    assert asked == [10, 10, 10, 20, 20, 20]
    assert record == json.loads((tmp_path / "growth.json").read_text())
    (row,) = record["rows"]
    assert row["cpu_seconds"] == [1.0, 4.0] and row["exponent"] == 2.0
    assert "| work | things | 10: 1, 20: 4 | 2.00 | 1 |" in (tmp_path / "growth.md").read_text()


def test_what_was_measured_is_on_record_before_the_next_begins(tmp_path, monkeypatch):
    def stopped(size):
        raise KeyboardInterrupt

    monkeypatch.setattr(growth, "_seconds", lambda work: 1.0)
    two = [
        Quantity("work", "things", (10, 20), lambda n: print, ""),
        Quantity("more", "things", (1, 2), stopped, ""),
    ]
    with pytest.raises(KeyboardInterrupt):
        growth.measure(tmp_path, two)
    assert [row["name"] for row in json.loads((tmp_path / "growth.json").read_text())["rows"]] == ["work"]


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(i, marks=pytest.mark.slow) if one.of == "cells" else i
        for i, one in enumerate(growth.quantities())
    ],
)
def test_every_quantity_is_measured(number, monkeypatch):
    monkeypatch.setattr(growth, "IMAGES", 60)
    one = growth.quantities()[number]
    smallest = {"images": 60, "subjects": 20}.get(one.of, 32 if "side" in one.of else 2)
    one.prepare(smallest)()
    assert list(one.sizes) == sorted(one.sizes) and len(one.sizes) > 2
