"""Whether a model may be passed on, and on what terms: the licences of its data, then the audit's verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mribench.data.cards import terms
from mribench.errors import InputError
from mribench.hub.cells import TrainedCell
from mribench.results import Result
from mribench.spec import AuditVerdict

NOT_AUDITED = {
    "verdict": AuditVerdict.NOT_AUDITED.value,
    "reasons": ["the results hold no memorisation audit"],
}
# what the Hub calls the licences that it knows
HUB_IDS = {"PDDL-1.0": "pddl", "BSD-3-Clause": "bsd-3-clause", "BSD-2-Clause": "bsd-2-clause"}


@dataclass(frozen=True)
class Licence:
    """The licence of a model, as its card carries it."""

    id: str  # the Hub's name of the licence, ``other`` where it has none
    name: str | None  # given where the id is ``other``
    conditions: tuple[str, ...]  # a sentence each, for the users of the model


@dataclass(frozen=True)
class Release:
    """Where a model goes and on what terms."""

    repo: str | None  # ``user/name``, None for a file that is passed on by hand
    private: bool
    licence: Licence


def check(
    rows: Sequence[terms.Row], audit: Mapping[str, Any], private: bool, i_know: bool, name: str
) -> None:
    """Refuse a cell that must not be passed on.

    Args:
        rows: terms of all its data.
        audit: the verdict on memorisation.
        private: for people under the same agreement alone. An agreement that forbids to pass on work derived from
            the data blocks every other copy.
        i_know: the user accepts a MEMORISES verdict, and terms that nobody checked.
        name: of the cell, for the message.

    Raises:
        InputError: the terms or the verdict forbid it.
    """
    derived = next(answer for answer in terms.strictest(rows) if answer.question == terms.ALLOWS["derived"])
    names = ", ".join(derived.because)
    if derived.free is False and not private:
        raise InputError(
            f"{name}: the terms of {names} forbid to pass on what is made from the data; give --private, for "
            "people who signed the same agreement"
        )
    if derived.free is None and not private and not i_know:
        raise InputError(
            f"{name}: nobody checked whether the terms of {names} allow to pass on what is made from the data; "
            "give --private, or --i-know if you read them and they do"
        )
    if AuditVerdict(audit["verdict"]).memorises and not i_know:
        reasons = f" ({'; '.join(audit['reasons'])})" if audit.get("reasons") else ""
        raise InputError(
            f"{name}: the audit says {audit['verdict']}{reasons}, its weights may give away patients' images; train on "
            "more subjects or for fewer steps, or give --i-know (the card says it either way)"
        )


def audit_of_weights(cell: TrainedCell) -> Mapping[str, Any]:
    """The gravest audit over all organs whose images the weights have seen; where it is not of the cell's own organ
    the reasons say of which."""
    found = {organ: gravest_audit(r for r in cell.of_weights if r.modality == organ) for organ in cell.organs}
    own = cell.results[0].modality
    organ = max((own, *found), key=lambda organ: AuditVerdict(found[organ]["verdict"]).gravity)
    if organ == own:
        return found[own]
    reasons = [f"found of {organ}, which the same weights draw", *(found[organ].get("reasons") or ())]
    return {**found[organ], "reasons": reasons}


def gravest_audit(results: Iterable[Result]) -> Mapping[str, Any]:
    """The audit with the gravest verdict among the results of one cell; NOT_AUDITED where there is none."""
    audits = [audit for result in results if (audit := getattr(result, "audit", None))]
    return max(audits, key=lambda audit: AuditVerdict(audit["verdict"]).gravity, default=NOT_AUDITED)


def licence(rows: Sequence[terms.Row]) -> Licence:
    """The licence of a model: that of the data set whose licence demands everything that any of them demands."""
    conditions = tuple(_conditions(rows))
    if all(terms.flags_of_licence(row["licence"]) for row in rows):
        parts = [part for row in rows for part in terms.by_licence(row)]
        names = {row["licence"] for row in parts}
        covering = names if len(names) == 1 else {row["licence"] for row in parts if _covers(row, parts)}
        if covering:
            strictest = max(covering)
            return Licence(HUB_IDS.get(strictest, strictest.lower()), None, conditions)
    return Licence("other", "; ".join(f"{row['data']}: {row['licence']}" for row in rows), conditions)


def _conditions(rows: Sequence[terms.Row]) -> Iterator[str]:
    answers = {answer.question: answer for answer in terms.strictest(rows)}
    commercial = answers[terms.ALLOWS["commercial"]]
    share_alike, attribution = (answers[terms.ASKS[field]] for field in ("share_alike", "attribution"))
    if commercial.free is not True:
        yield _condition("No commercial use", commercial)
    if share_alike.free is not False:
        yield _condition("What is made from the model carries the same licence", share_alike)
    if attribution.free is not False:
        yield _condition("The sources below have to be named", attribution)


def _covers(row: terms.Row, rows: Sequence[terms.Row]) -> bool:
    """Whether a licence demands everything that any other demands, and no other claims to be the only one."""
    exclusive = {other["licence"] for other in rows if other["share_alike"]}
    return (
        (not row["commercial"] or all(other["commercial"] for other in rows))
        and (row["attribution"] or not any(other["attribution"] for other in rows))
        and (not exclusive or exclusive == {row["licence"]})
    )


def _condition(sentence: str, answer: terms.Answer) -> str:
    unsure = " (nobody checked, so taken as asked)" if answer.free is None else ""
    return f"{sentence}{unsure}: {', '.join(answer.because)}."
