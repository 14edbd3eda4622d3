"""From findings to a verdict, ``not detected``, ``suspect``, ``MEMORISES`` or ``cannot say``, with reasons in words.

Only copies by the neighbour ratio say MEMORISES. Whatever else points to the training subjects (nearness in hc85-v1,
the gap, the network's losses) has honest causes too and makes a generator suspect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mribench.audit.copies import binomial_interval
from mribench.spec import Prepared

NOT_DETECTED, SUSPECT, MEMORISES, CANNOT_SAY = "not detected", "suspect", "MEMORISES", "cannot say"
FEWEST_SUBJECTS = 20  # of test; a threshold from fewer is the accident of a few people
GAP_P = 0.01
AUROC = 0.55  # what the lower end of the interval must exceed: any fitted network is a little better than 0.5


def verdict(found: Mapping[str, Any], membership: Mapping[str, Any], data: Prepared) -> dict[str, Any]:
    """What is stored with a result; JSON-serialisable.

    copy_rate, low, high: share of copies among n generated, 95 % interval. threshold: of the neighbour ratio.
    false_alarm, false_alarm_high: share of real held-out images below it, and how large it may be. detectable: the
    smallest copy rate that this many images would have shown as MEMORISES (None: no rate). findings: all numbers.
    """
    copies = found["copies"]
    line = copies["false_alarm_high"]
    reasons = _copying(copies) + _leaning(found, membership)
    said = NOT_DETECTED
    if reasons:
        said = MEMORISES if copies["low"] > line else SUSPECT
    if unknown := _unknown(data):
        said, reasons = CANNOT_SAY, [unknown]
    return {
        "verdict": said,
        "reasons": reasons,
        "copy_rate": copies["rate"],
        "low": copies["low"],
        "high": copies["high"],
        "n": copies["n"],
        "threshold": copies["threshold"],
        "false_alarm": copies["false_alarm"],
        "false_alarm_high": line,
        "detectable": detectable(copies["n"], line),
        "findings": {**found, "membership": membership},
    }


def detectable(n: int, line: float) -> float | None:
    """The smallest share of n whose interval lies above ``line``."""
    return next((k / n for k in range(1, n + 1) if binomial_interval(k, n)[0] > line), None)


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
    if copies["rate"] <= copies["false_alarm_high"]:
        return []
    return [
        f"{copies['copies']} of {copies['n']} generated images ({copies['rate']:.1%}, at least {copies['low']:.1%}) "
        f"are nearer to one training subject than held-out images are, of which at most "
        f"{copies['false_alarm_high']:.1%} are"
    ]


def _leaning(found: Mapping[str, Any], membership: Mapping[str, Any]) -> list[str]:
    """Signs without a copy."""
    features, gap, signs = found["features"], found["gap"], []
    if features["low"] > features["false_alarm_high"]:
        signs.append(
            f"{features['rate']:.1%} of the generated images are nearer to a training image in hc85-v1 than "
            f"held-out images are, of which at most {features['false_alarm_high']:.1%} are"
        )
    if gap["gap"] is not None and gap["p"] <= GAP_P:
        signs.append(
            f"the distribution is nearer to the training subjects than to the held-out ones (p = {gap['p']:.3f})"
        )
    if membership.get("low") is not None and membership["low"] > AUROC:
        signs.append(
            "the network's loss tells training images from held-out ones (AUROC "
            f"{membership['auroc']:.2f}, at least {membership['low']:.2f})"
        )
    return signs
