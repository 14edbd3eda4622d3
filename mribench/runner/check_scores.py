"""Does a score on record agree with what came out now?

Equal means equal to rounding. Where a number is not, the interval of the *new* score decides and never the recorded
one: other hardware changes a few pixels by a grey level and thereby a value, but hardly the width of its interval.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mribench.results import metric_label
from mribench.results.record import LISTS
from mribench.spec import Score

# float64 sums in another order, as other libraries and thread counts give them
RELATIVE, ABSOLUTE = 1e-6, 1e-9
# one in the last of the five digits that a number in a list of a record has
LAST_DIGIT = 1e-4
# in halves of the new interval: what another library may change where the outputs are the same, and what another
# machine may change in the width of an interval where it gave other outputs
SAME_OUTPUTS, OTHER_OUTPUTS = 0.01, 0.05
# such shares of a tenth of the value, where a score has no interval
NO_INTERVAL = 0.1
# of other outputs the list of a metric that counts images (precision) moves by whole images: in its standard deviations
COUNTED = 0.5
COUNTS = ("n", "n_reference", "subjects")

Answer = Literal["reproduced", "within interval", "not reproduced", "was blank"]
GRAVITY: tuple[Answer, ...] = ("was blank", "reproduced", "within interval", "not reproduced")


@dataclass(frozen=True)
class Check:
    """A score or a field of a record."""

    label: str
    answer: Answer
    said: str = ""  # what came out now and what is on record


def check_scores(recorded: Sequence[Score], now: Sequence[Score], same_outputs: bool) -> list[Check]:
    """Every score that is on record or came out now.

    Args:
        recorded: of the record.
        now: of the same task, with the intervals that decide.
        same_outputs: both were made from the same outputs, to the bit.
    """
    old, new = ({_address(score): score for score in found} for found in (recorded, now))
    blank = blank_spaces(recorded)
    counted = Counter(map(_address, recorded))
    checks = [
        Check(_label(old[a]), "not reproduced", "on record more than once") for a in old if counted[a] > 1
    ]
    checks += [_check(old.get(address), score, same_outputs, blank) for address, score in new.items()]
    gone = [score for address, score in old.items() if address not in new]
    return checks + [
        Check(_label(s), "not reproduced", "absent now, the task does not report it") for s in gone
    ]


def _check(recorded: Score | None, now: Score, same_outputs: bool, blank: set[str]) -> Check:
    label = _label(now)
    if recorded is None:
        return Check(label, "not reproduced", f"{_told(now)}, absent on record")
    said = f"{_told(now)}, on record {_told(recorded)}"
    counts = [name for name in COUNTS if getattr(recorded, name) != getattr(now, name)]
    if counts:
        pairs = (f"{name} {getattr(now, name)}, on record {getattr(recorded, name)}" for name in counts)
        return Check(label, "not reproduced", "; ".join(pairs))
    if recorded.value is None or now.value is None:
        bounds = recorded.low, recorded.high, *recorded.per_subject, *recorded.subsamples
        if recorded.value is None and any(bound is not None for bound in bounds):
            return Check(label, "not reproduced", "blank on record and yet with an interval")
        if recorded.value is None and now.value is None:
            return Check(label, "reproduced")
        # weights that were missing leave a whole space blank, and never one number of it
        was_blank = recorded.value is None and now.space in blank
        return Check(label, "was blank" if was_blank else "not reproduced", said)
    lists = [(getattr(recorded, name), getattr(now, name)) for name in LISTS]
    ends = [(recorded.low, now.low), (recorded.high, now.high)]
    if any(len(old) != len(new) for old, new in lists) or any((a is None) != (b is None) for a, b in ends):
        return Check(label, "not reproduced", f"{said}; other numbers of single subjects or subsamples")
    pairs = [(recorded.value, now.value), *(pair for pair in ends if None not in pair)]
    if all(close(a, b) for a, b in pairs) and all(lists_equal(*pair) for pair in lists):
        return Check(label, "reproduced")
    share = SAME_OUTPUTS if same_outputs else OTHER_OUTPUTS
    has_interval = now.low is not None and now.high is not None
    allowed = share * ((now.high - now.low) / 2 if has_interval else NO_INTERVAL * abs(now.value))
    moved = recorded.value - now.value
    anywhere = has_interval and not same_outputs
    inside = now.low <= recorded.value <= now.high if anywhere else abs(moved) <= allowed
    # the interval goes along with its value, unless it ends where the metric ends
    widths = all(min(abs(a - b), abs(a - b - moved)) <= allowed for a, b in pairs[1:])
    spreads = all(lists_near(*pair, moved, share) for pair in lists)
    if inside and widths and spreads:
        return Check(label, "within interval", said)
    why = (
        ""
        if not inside
        else "; another interval"
        if not widths
        else "; other values of single subjects or subsamples"
    )
    return Check(label, "not reproduced", f"{said}{why}")


def lists_equal(recorded: Sequence[float], now: Sequence[float]) -> bool:
    largest = max(map(abs, now), default=0.0)
    return all(
        math.isclose(a, b, rel_tol=LAST_DIGIT, abs_tol=max(ABSOLUTE, RELATIVE * largest))
        for a, b in zip(recorded, now, strict=True)
    )


def lists_near(recorded: Sequence[float], now: Sequence[float], moved: float, share: float) -> bool:
    """Do two lists differ by less than a share of what the new one varies by, the move of the value apart?"""
    if lists_equal(recorded, now):
        return True
    old, new = np.asarray(recorded), np.asarray(now)
    spread = float(new.std())
    apart = float(np.sqrt(np.mean(np.square((old - old.mean()) - (new - new.mean())))))
    if share > SAME_OUTPUTS and len(set(now)) <= len(now) / 2:
        return apart <= COUNTED * spread and abs(float(old.std()) - spread) <= COUNTED / 2 * spread
    return apart <= share * spread and abs(old.mean() - new.mean() - moved) <= share * spread


def blank_spaces(found: Sequence[Score]) -> set[str]:
    """Feature spaces in which no number is given."""
    return {s.space for s in found if s.space} - {s.space for s in found if s.space and s.value is not None}


def close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _address(score: Score) -> tuple[str, str | None, float | None]:
    return score.metric, score.space, score.level


def _label(score: Score) -> str:
    level = "" if score.level is None else f" at {score.level:g}"
    return f"{metric_label(score.metric, score.space)}{level}"


def _told(score: Score) -> str:
    if score.value is None:
        return f"blank ({score.reason})"
    ends = (
        "no interval" if score.low is None or score.high is None else f"[{score.low:.6g}, {score.high:.6g}]"
    )
    return f"{score.value:.6g} {ends}"
