"""From findings to a verdict, ``not detected``, ``suspect``, ``MEMORISES`` or ``cannot say``, with reasons in words.

Only copies by the neighbour ratio say MEMORISES. Whatever else points to the training subjects (nearness in hc85-v1,
the gap, the network's losses) has honest causes too and makes a generator suspect.

Each question is a test with a p-value, and the levels of all of them add up to ``FALSE_ALARMS``: by Bonferroni's
inequality an honest generator is called suspect or worse no more often than that, however the tests depend on each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mribench.audit.copies import exceedance
from mribench.metrics.significance import holm
from mribench.spec import AuditVerdict, Prepared

VERSION = 2  # of the task; raised when a verdict may change

FEWEST_SUBJECTS = 20  # of test; a threshold from fewer is the accident of a few people
FALSE_ALARMS = 0.05  # of honest generators that may be called suspect or worse: COPIES + SIGNS
COPIES = 0.03
CERTAIN = 0.02  # of COPIES, what may be called MEMORISES
SIGNS = 0.02  # nearness, gap and loss together, after Holm's correction
AUROC = 0.55  # what the lower end of the interval must exceed: any fitted network is a little better than 0.5


def verdict(found: Mapping[str, Any], membership: Mapping[str, Any], data: Prepared) -> dict[str, Any]:
    """What is stored with a result; JSON-serialisable.

    copy_rate, low, high: share of copies among n generated, 95 % interval. threshold: of the neighbour ratio.
    false_alarm, false_alarm_high: share of real held-out images below it, and how large it may be. p: how often an
    honest generator would give as many copies. detectable: the smallest copy rate that this many images would have
    shown as MEMORISES (None: no rate). findings: all numbers.
    """
    copies = found["copies"]
    reasons = _copying(copies) + _leaning(found, membership)
    said = AuditVerdict.NOT_DETECTED
    if reasons:
        said = AuditVerdict.MEMORISES if copies["p"] <= CERTAIN else AuditVerdict.SUSPECT
    if unknown := _unknown(data):
        said, reasons = AuditVerdict.CANNOT_SAY, [unknown]
    return {
        "verdict": said.value,
        "reasons": reasons,
        "copy_rate": copies["rate"],
        "low": copies["low"],
        "high": copies["high"],
        "n": copies["n"],
        "threshold": copies["threshold"],
        "false_alarm": copies["false_alarm"],
        "false_alarm_high": copies["false_alarm_high"],
        "p": copies["p"],
        "detectable": detectable(copies["n"], copies["false_alarm"], copies["independent"]),
        "findings": {**found, "membership": membership},
    }


def detectable(n: int, false_alarm: float, independent: float) -> float | None:
    """The smallest share of copies among n that says MEMORISES."""
    certain = exceedance(n, false_alarm * independent, independent) <= CERTAIN
    return int(certain.argmax()) / n if certain.any() else None


def _unknown(data: Prepared) -> str | None:
    if not data.manifest.get("subjects_known", True):
        return "subjects unknown: one person may stand in train and in test"
    n = data.test.n_subjects
    return (
        f"only {n} test subject{'' if n == 1 else 's'}, {FEWEST_SUBJECTS} are needed"
        if n < FEWEST_SUBJECTS
        else None
    )


def _copying(copies: Mapping[str, Any]) -> list[str]:
    if copies["p"] > COPIES:
        return []
    return [
        f"{copies['copies']} of {copies['n']} generated images ({copies['rate']:.1%}, at least {copies['low']:.1%}) "
        f"are nearer to one training subject than held-out images are, of which at most "
        f"{copies['false_alarm_high']:.1%} are (p = {copies['p']:.2g})"
    ]


def _leaning(found: Mapping[str, Any], membership: Mapping[str, Any]) -> list[str]:
    """Signs without a copy, in words; one that could not be looked for is no test and asks for no correction."""
    numbers = {"features": found["features"], "gap": found["gap"], "membership": membership}
    asked = {name: sign["p"] for name, sign in numbers.items() if sign.get("p") is not None}
    corrected = dict(zip(asked, holm(list(asked.values())), strict=True))
    seen = {name for name, p in corrected.items() if p <= SIGNS}
    # every fitted network ranks its own subjects a little lower: that alone is no sign
    if "membership" in seen and not (membership["low"] or 0) > AUROC:
        seen.remove("membership")
    return [_WORDS[name](numbers[name]) for name in asked if name in seen]


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "features": lambda sign: (
        f"of {sign['share']:.1%} of the generated images the nearest real one in hc85-v1 is of a training subject, "
        f"where chance gives at most {sign['high']:.1%} (p = {sign['p']:.3f})"
    ),
    "gap": lambda sign: (
        f"the distribution is nearer to the training subjects than to the held-out ones (p = {sign['p']:.3f})"
    ),
    "membership": lambda sign: (
        "the network's loss tells training images from held-out ones (AUROC "
        f"{sign['auroc']:.2f}, at least {sign['low']:.2f})"
    ),
}
