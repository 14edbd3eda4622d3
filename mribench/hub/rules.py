"""May it leave? The strictest licence among the data decides, then the verdict on memorisation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mribench.data.cards import terms
from mribench.errors import InputError
from mribench.results import Result
from mribench.spec import AuditVerdict

NOT_AUDITED = {
    "verdict": AuditVerdict.NOT_AUDITED.value,
    "reasons": ["no memorisation audit stands in the results"],
}
# what the Hub calls the licences that it knows
HUB_IDS = {"PDDL-1.0": "pddl", "BSD-3-Clause": "bsd-3-clause", "BSD-2-Clause": "bsd-2-clause"}


@dataclass(frozen=True)
class Licence:
    """What the card carries. id: the Hub's word, ``other`` where it has none; name: said where id is other;
    sentences: what whoever uses the model has to keep.
    """

    id: str
    name: str | None
    sentences: tuple[str, ...]


def check(
    rows: Sequence[terms.Row], audit: Mapping[str, Any], private: bool, i_know: bool, what: str
) -> None:
    """Raise InputError where ``what`` (a cell's name) must not be passed on.

    rows: terms of all its data. An agreement that forbids to pass on what is made from the data blocks a public
    copy, whatever the user knows; terms that nobody checked, and weights that memorise, leave with ``i_know``.
    """
    derived = next(v for v in terms.strictest(rows) if v.question == terms.ALLOWS["derived"])
    names = ", ".join(derived.because)
    if derived.free is False and not private:
        raise InputError(
            f"{what}: the terms of {names} forbid to pass on what is made from the data; give --private, for "
            "people who signed the same agreement"
        )
    if derived.free is None and not private and not i_know:
        raise InputError(
            f"{what}: nobody checked whether the terms of {names} allow to pass on what is made from the data; "
            "give --private, or --i-know if you read them and they do"
        )
    if AuditVerdict(audit["verdict"]).memorises and not i_know:
        reasons = f" ({'; '.join(audit['reasons'])})" if audit.get("reasons") else ""
        raise InputError(
            f"{what}: the audit says {audit['verdict']}{reasons}, its weights may give away patients' images; train on "
            "more subjects or for fewer steps, or give --i-know (the card says it either way)"
        )


def audit_of(results: Iterable[Result]) -> Mapping[str, Any]:
    """The worst verdict on memorisation among the results of one cell; NOT_AUDITED where none has any."""
    found = [audit for result in results if (audit := getattr(result, "audit", None))]
    return max(found, key=lambda audit: AuditVerdict(audit["verdict"]).gravity, default=NOT_AUDITED)


def licence(rows: Sequence[terms.Row]) -> Licence:
    """The licence of what is made from the data: that of the set whose licence asks all that any of them asks."""
    asked = {v.question: v for v in terms.strictest(rows)}
    commercial = asked[terms.ALLOWS["commercial"]]
    alike, named = (asked[terms.ASKS[what]] for what in ("share_alike", "attribution"))
    sentences = []
    if commercial.free is not True:
        sentences.append(_because("No commercial use", commercial))
    if alike.free is not False:
        sentences.append(_because("What is made from the model carries the same licence", alike))
    if named.free is not False:
        sentences.append(_because("The sources below have to be named", named))
    known = {row["licence"] for row in rows if terms.flags_of_licence(row["licence"])}
    if len(known) == 1 and all(row["licence"] in known for row in rows):
        (only,) = known
        return Licence(HUB_IDS.get(only, only.lower()), None, tuple(sentences))
    fits = [row for row in rows if row["licence"] in known and _covers(row, rows)]
    if fits and all(row["licence"] in known for row in rows):
        strictest = max(row["licence"] for row in fits)
        return Licence(HUB_IDS.get(strictest, strictest.lower()), None, tuple(sentences))
    return Licence("other", "; ".join(f"{row['data']}: {row['licence']}" for row in rows), tuple(sentences))


def _covers(row: terms.Row, rows: Sequence[terms.Row]) -> bool:
    """Whether one licence asks for everything that any other asks for, and no other claims to be kept alone."""
    alone = {other["licence"] for other in rows if other["share_alike"]}
    return (
        (not row["commercial"] or all(other["commercial"] for other in rows))
        and (row["attribution"] or not any(other["attribution"] for other in rows))
        and (not alone or alone == {row["licence"]})
    )


def _because(sentence: str, verdict: terms.Answer) -> str:
    unsure = " (nobody checked, so taken as asked)" if verdict.free is None else ""
    return f"{sentence}{unsure}: {', '.join(verdict.because)}."
