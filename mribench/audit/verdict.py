"""From findings to a verdict, ``not detected``, ``suspect``, ``MEMORISES`` or ``cannot say``, with its reasons.

Only copies by the neighbour ratio mean MEMORISES. Whatever else points to the training subjects (nearness in hc85-v1,
the gap, the network's losses) has honest causes too and makes a generator suspect.

Each question is a test with a p-value, and the levels of all of them add up to ``FALSE_ALARMS``: by Bonferroni's
inequality an honest generator is called suspect or worse no more often than that, however the tests depend on each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mribench.audit.copies import exceedance
from mribench.metrics.significance import FEW_SUBJECTS, holm
from mribench.spec import AuditVerdict, Prepared

VERSION = 2  # of the task; raised when a verdict may change

FALSE_ALARMS = 0.05  # of honest generators that may be called suspect or worse: COPIES_LEVEL + SIGNS_LEVEL
COPIES_LEVEL = 0.03
MEMORISES_LEVEL = 0.02  # of COPIES_LEVEL, what may be called MEMORISES
SIGNS_LEVEL = 0.02  # nearness, gap and loss together, after Holm's correction
MIN_AUROC = (
    0.55  # what the lower end of the interval must exceed: any fitted network is a little better than 0.5
)


def verdict(findings: Mapping[str, Any], membership: Mapping[str, Any], data: Prepared) -> dict[str, Any]:
    """The verdict on a generator, as a result stores it.

    Args:
        findings: what ``examine`` found in the images.
        membership: what ``membership_inference`` found in the losses.
        data: the prepared set of the generator.

    Returns:
        JSON-serialisable. ``verdict`` and ``reasons``. ``copy_rate``, the share of copies among ``n`` generated images,
        with its 95 % interval ``low`` to ``high``. ``threshold`` of the neighbour ratio. ``false_alarm``, the share of
        real held-out images below it, and ``false_alarm_high``, how large it may be. ``p``, how often an honest
        generator would give as many copies. ``detectable``, see there. ``findings``, all numbers.
    """
    copies = findings["copies"]
    reasons = _copies_reason(copies) + _sign_reasons(findings, membership)
    verdict = AuditVerdict.NOT_DETECTED
    if reasons:
        verdict = AuditVerdict.MEMORISES if copies["p"] <= MEMORISES_LEVEL else AuditVerdict.SUSPECT
    if obstacle := _obstacle(data):
        verdict, reasons = AuditVerdict.CANNOT_SAY, [obstacle]
    return {
        "verdict": verdict.value,
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
        "findings": {**findings, "membership": membership},
    }


def detectable(n: int, false_alarm: float, independent: float) -> float | None:
    """The smallest share of copies among n that would be called MEMORISES; None where no share would."""
    certain = exceedance(n, false_alarm * independent, independent) <= MEMORISES_LEVEL
    return int(certain.argmax()) / n if certain.any() else None


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


def _copies_reason(copies: Mapping[str, Any]) -> list[str]:
    if copies["p"] > COPIES_LEVEL:
        return []
    return [
        f"{copies['copies']} of {copies['n']} generated images ({copies['rate']:.1%}, at least {copies['low']:.1%}) "
        f"are nearer to one training subject than held-out images are, of which at most "
        f"{copies['false_alarm_high']:.1%} are (p = {copies['p']:.2g})"
    ]


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
