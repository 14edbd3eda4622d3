"""From findings to a verdict, from ``not detected`` to ``SAW THE TEST``, or ``cannot say``, with its reasons.

Only copies by the neighbour ratios accuse: copies of training images mean MEMORISES, copies of test or validation
images SAW THE TEST. Whatever else points to some of the subjects (nearness in hc85-v1, the gap, the network's losses)
has honest causes, or is chance on a board of many rows, and makes a generator suspect.

Each question is a test with a p-value, and the levels of all of them add up to ``FALSE_ALARMS``: by Bonferroni's
inequality an honest generator is called suspect or worse no more often than that, however the tests depend on each
other. An accusation asks for far more, ``ACCUSATION``: of a hundred honest rows of a board hardly one may be accused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.audit import training_set
from mribench.audit.copies import COUNT_SHARE, exceedance
from mribench.metrics.significance import FEW_SUBJECTS, holm
from mribench.spec import AuditVerdict, Prepared

VERSION = 5  # of the task; raised when a verdict may change

ACCUSATION = (
    0.0005  # copies of training images, and those of test and validation images: MEMORISES, SAW THE TEST
)
FALSE_ALARMS = 0.05  # of honest generators that may be called suspect or worse: the three levels added up
COPIES_LEVEL = 0.02  # copies of training images
TEST_LEVEL = (
    0.02  # copies of test and validation images, nearness and gap on that side, after Holm's correction
)
SIGNS_LEVEL = 0.01  # nearness, gap and loss together, after Holm's correction
MIN_AUROC = (
    0.55  # what the lower end of the interval must exceed: any fitted network is a little better than 0.5
)
POWER = 0.8  # with which copies of ``least_share`` make a generator suspect or worse


def verdict(findings: Mapping[str, Any], membership: Mapping[str, Any], data: Prepared) -> dict[str, Any]:
    """The verdict on a generator, as a result stores it.

    Args:
        findings: what ``examine`` found in the images.
        membership: what ``membership_inference`` found in the losses.
        data: the prepared set of the generator.

    Returns:
        JSON-serialisable. ``verdict`` and ``reasons``, those of the verdict first. ``copy_rate``, the share of copies
        of training images among ``n`` generated ones, with its 95 % interval ``low`` to ``high``; ``distinct``, how
        many of the ``n`` repeat no other. ``threshold`` of the smallest ratio. ``false_alarm``, the share of real
        held-out images below it, and ``false_alarm_high``, how large it may be. ``p``, how often an honest generator
        would give as many copies, or one as near. ``detectable`` and ``least_share``, see there. ``test_copy_rate`` and
        ``test_p``, of copies of test and validation images. ``findings``, all numbers.
    """
    copies = findings["copies"]
    of_test = _test_reasons(findings)
    of_training = _copies_reason(copies, "training", COPIES_LEVEL)
    all_reasons = [*of_test, *of_training, *_sign_reasons(findings, membership)]
    if findings["test_copies"]["p"] <= ACCUSATION:
        verdict = AuditVerdict.SAW_THE_TEST
    elif copies["p"] <= ACCUSATION:
        verdict = AuditVerdict.MEMORISES
        all_reasons.sort(key=lambda reason: reason not in of_training)
    else:
        verdict = AuditVerdict.SUSPECT if all_reasons else AuditVerdict.NOT_DETECTED
    if obstacle := _obstacle(data):
        verdict, all_reasons = AuditVerdict.CANNOT_SAY, [obstacle]
    elif (unknown := training_set.obstacle(data.manifest)) and not verdict.grave:
        verdict, all_reasons = AuditVerdict.CANNOT_SAY, [unknown]
    return {
        "verdict": verdict.value,
        "reasons": all_reasons,
        "copy_rate": copies["rate"],
        "low": copies["low"],
        "high": copies["high"],
        "n": copies["n"],
        "distinct": copies["distinct"],
        "threshold": copies["threshold"],
        "false_alarm": copies["false_alarm"],
        "false_alarm_high": copies["false_alarm_high"],
        "p": copies["p"],
        "detectable": detectable(copies["distinct"], copies["false_alarm"], copies["independent"]),
        "least_share": least_share(copies["distinct"], copies["false_alarm"], copies["independent"]),
        "test_copy_rate": findings["test_copies"]["rate"],
        "test_p": findings["test_copies"]["p"],
        "findings": {**findings, "membership": membership},
    }


def detectable(n: int, false_alarm: float, independent: float) -> float | None:
    """The smallest share of copies found among n that makes a generator suspect; None where no share does."""
    certain = exceedance(n, false_alarm * independent, independent) <= COUNT_SHARE * COPIES_LEVEL
    return int(certain.argmax()) / n if certain.any() else None


def least_share(n: int, false_alarm: float, independent: float) -> float | None:
    """The smallest share of copies in what a generator makes that n distinct images show 8 times of 10.

    Copies are taken to be below the threshold always, other images as often as real held-out ones. In steps of 0.1 %;
    None where no share is seen.
    """
    from scipy.stats import binom

    least = detectable(n, false_alarm, independent)
    if least is None:
        return None
    shares = np.arange(1, 1001) / 1000
    seen = binom.sf(round(least * n) - 1, n, shares + (1 - shares) * false_alarm) >= POWER
    return float(shares[seen.argmax()])


def _obstacle(data: Prepared) -> str | None:
    """Why nothing can be said; None where something can."""
    if not data.manifest.get("subjects_known", True):
        return "subjects unknown: one person may stand in train and in test"
    # a threshold from fewer is the accident of a few people
    n = data.test.n_subjects
    return (
        f"only {n} test subject{'' if n == 1 else 's'}, {FEW_SUBJECTS} are needed"
        if n < FEW_SUBJECTS
        else None
    )


def _copies_reason(copies: Mapping[str, Any], whose: str, level: float) -> list[str]:
    if copies["p"] > level:
        return []
    if copies["p_count"] / COUNT_SHARE > max(copies["p"], COPIES_LEVEL):
        near = copies["depth"]
        return [
            f"a generated image is nearer to one {whose} subject than any held-out image is: {near['ratio']:.2f} of "
            f"the distance to the next subject, where held-out images reach {near['ratio_held_out']:.2f} "
            f"(p = {copies['p']:.2g})"
        ]
    return [
        f"{copies['copies']} of {copies['n']} generated images ({copies['rate']:.1%}, at least {copies['low']:.1%}) "
        f"are nearer to one {whose} subject than held-out images are, of which at most "
        f"{copies['false_alarm_high']:.1%} are (p = {copies['p']:.2g})"
    ]


def _test_reasons(findings: Mapping[str, Any]) -> list[str]:
    """Sentences for what points to the test subjects."""
    p_values = {"test_copies": findings["test_copies"]["p"]}
    p_values |= {
        name: findings[name]["p_test"]
        for name in ("features", "gap")
        if findings[name].get("p_test") is not None
    }
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    seen = {name for name, p in corrected.items() if p <= TEST_LEVEL}
    reasons = (
        _copies_reason(findings["test_copies"], "test or validation", 1) if "test_copies" in seen else []
    )
    if "features" in seen:
        sign = findings["features"]
        reasons.append(
            f"of {1 - sign['share']:.1%} of the generated images the nearest real one in hc85-v1 is of a test subject, "
            f"where chance gives at most {1 - sign['low']:.1%} (p = {sign['p_test']:.3f})"
        )
    if "gap" in seen:
        reasons.append(
            "the distribution is nearer to the test subjects than to the training ones "
            f"(p = {findings['gap']['p_test']:.3f})"
        )
    return reasons


def _sign_reasons(findings: Mapping[str, Any], membership: Mapping[str, Any]) -> list[str]:
    """Sentences for signs other than copies. A sign that could not be tested needs no correction."""
    signs = {"features": findings["features"], "gap": findings["gap"], "membership": membership}
    p_values = {name: sign["p"] for name, sign in signs.items() if sign.get("p") is not None}
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    seen = {name for name, p in corrected.items() if p <= SIGNS_LEVEL}
    # every fitted network ranks its own subjects a little lower: that alone is no sign
    if "membership" in seen and not (membership["low"] or 0) > MIN_AUROC:
        seen.remove("membership")
    return [_SENTENCES[name](signs[name]) for name in p_values if name in seen]


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
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
