"""Does the rest of a record, as far as a rank uses it, agree with what came out now?"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mribench.hub.redaction import REMOVED
from mribench.results import Result, metric_label
from mribench.results.record import to_json
from mribench.runner.check_scores import SAME_OUTPUTS, Check, blank_spaces, close, lists_near

# shares and p-values of an audit of other outputs, by as much; larger numbers in proportion
AUDIT = 0.05
# fields that must be equal
PLAIN = (
    "comparability",
    "versions",
    "is_control",
    "data",
    "metrics",
    "primary",
    "expected",
    "level_name",
    "not_applicable",
    "answers_by",
    "reported",
    "reported_table",
)
# among them the words of a data set, from which a redaction takes names
WORDS = re.compile(r"comparability\.data|data\..*|reported\..*")


def check_fields(
    recorded: Result, now: Result, same_outputs: bool, unknown: Sequence[str] = ()
) -> list[Check]:
    """The fields beside the scores that a rank uses and that are not equal.

    Args:
        recorded: the record.
        now: the same, made again.
        same_outputs: as of ``check_scores``.
        unknown: dotted names of fields that cannot be made again here.
    """
    old, new = to_json(recorded), to_json(now)
    found = [check for name in PLAIN for check in _differences(name, old.get(name), new.get(name), _is_equal)]
    found += _differences("spaces", old["spaces"], new["spaces"], _is_near_in_trust)
    blank = blank_spaces(recorded.scores)
    was_blank = {
        metric_label(s.metric, s.space)
        for s in now.scores
        if s.space in blank
        and old["floor"].get(metric_label(s.metric, s.space), {}).get("train_test") is None
    }
    for label in sorted({*old["floor"], *new["floor"]} - was_blank):
        pair = old["floor"].get(label), new["floor"].get(label)
        found += _differences(f"floor.{label}", *pair, _is_near_in_floor(pair[1]))
    exact = list(_differences("audit", old["audit"], new["audit"], _is_equal))
    if exact and not same_outputs:
        far = list(_differences("audit", old["audit"], new["audit"], _is_near_in_audit))
        exact = far or [Check(check.label, "within interval", check.said) for check in exact]
    return [
        check
        for check in (*found, *exact)
        if not any(f"{check.label}.".startswith(f"{name}.") for name in unknown)
    ]


def _differences(
    name: str, recorded: Any, now: Any, near: Callable[[str, Any, Any], bool]
) -> Iterator[Check]:
    """What differs between two JSON values, by dotted name; near(name, recorded, now) is asked of numbers and words."""
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*recorded, *now)):
            inner = f"{name}.{key}"
            if key in recorded and key in now:
                yield from _differences(inner, recorded[key], now[key], near)
            else:
                told = "absent now" if key in recorded else "absent on record"
                yield Check(inner, "not reproduced", told)
    elif _are_lists(recorded, now) and len(recorded) == len(now):
        for i, pair in enumerate(zip(recorded, now, strict=True)):
            yield from _differences(f"{name}.{i}", *pair, near)
    elif isinstance(now, Mapping) and recorded is None:
        yield Check(name, "not reproduced", "absent on record")
    elif not (_are_lists(recorded, now) or recorded == now or near(name, recorded, now)):
        yield Check(name, "not reproduced", f"{_short(now)}, on record {_short(recorded)}")
    elif _are_lists(recorded, now):
        yield Check(name, "not reproduced", f"{len(now)} values, on record {len(recorded)}")


def _are_lists(*values: Any) -> bool:
    return all(isinstance(value, list | tuple) for value in values)


def _is_equal(name: str, recorded: Any, now: Any) -> bool:
    if isinstance(recorded, float) and isinstance(now, float):
        return close(recorded, now)
    if isinstance(recorded, str) and isinstance(now, str) and REMOVED in recorded and WORDS.fullmatch(name):
        return re.fullmatch(".*".join(map(re.escape, recorded.split(REMOVED))), now, re.DOTALL) is not None
    return False


def _is_near_in_trust(name: str, recorded: Any, now: Any) -> bool:
    """Distances are in the units of KD and ratios in those of its floor, both of order 1."""
    if isinstance(recorded, float) and isinstance(now, float):
        return math.isclose(recorded, now, rel_tol=SAME_OUTPUTS, abs_tol=SAME_OUTPUTS)
    return _same_but_for_numbers(name, recorded, now)


def _is_near_in_audit(name: str, recorded: Any, now: Any) -> bool:
    if isinstance(recorded, int | float) and isinstance(now, int | float):
        return abs(recorded - now) <= AUDIT * max(1.0, abs(now))
    return _same_but_for_numbers(name, recorded, now)


def _same_but_for_numbers(name: str, recorded: Any, now: Any) -> bool:
    """A reason that names numbers, as they were rounded for it."""
    number = r"-?\d[\d.e-]*"
    both_words = ".reason" in name and isinstance(recorded, str) and isinstance(now, str)
    return both_words and re.sub(number, "", recorded) == re.sub(number, "", now)


def _is_near_in_floor(now: Mapping[str, Any] | None) -> Callable[[str, Any, Any], bool]:
    """Numbers of a floor may differ by a small share of its own intervals."""
    floor = now or {}

    def half(low: str, high: str) -> float:
        ends = floor.get(low), floor.get(high)
        return 0.0 if None in ends else (ends[1] - ends[0]) / 2

    allowed = {
        "half": SAME_OUTPUTS * half("half_low", "half_high"),
        "train": SAME_OUTPUTS * half("train_low", "train_high"),
    }

    def near(name: str, old: Any, new: Any) -> bool:
        field = name.rpartition(".")[2]
        if field == "subsamples" and isinstance(old, str) and isinstance(new, str):
            return _number_lines_near(old, new)
        if isinstance(old, float) and isinstance(new, float):
            return close(old, new) or abs(old - new) <= allowed.get(field.partition("_")[0], 0.0)
        return _same_but_for_numbers(name, old, new)

    return near


def _number_lines_near(recorded: str, now: str) -> bool:
    try:
        old, new = ([float(word) for word in line.split()] for line in (recorded, now))
    except ValueError:
        return False
    return len(old) == len(new) and lists_near(old, new, 0.0, SAME_OUTPUTS)


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
