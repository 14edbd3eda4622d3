"""Licence and verdict decide what may leave, and the card says both."""

from types import SimpleNamespace

import pytest
import yaml

from mribench.data.cards import terms
from mribench.errors import InputError
from mribench.hub import release


def row(licence, derived=True, commercial=True, attribution=True, share_alike=False, data="set"):
    flags = {
        "derived": derived,
        "commercial": commercial,
        "attribution": attribution,
        "share_alike": share_alike,
    }
    return terms.of_phantom() | flags | {"data": data, "licence": licence, "citation": "Doe 2020"}


CC_BY = row("CC-BY-4.0", data="by")
NC = row("CC-BY-NC-4.0", commercial=False, data="nc")
SA = row("CC-BY-SA-4.0", share_alike=True, data="sa")
NC_SA = row("CC-BY-NC-SA-4.0", commercial=False, share_alike=True, data="ncsa")
AGREEMENT = row("an agreement", derived=False, commercial=False, attribution=True, data="signed")
UNKNOWN = terms.of_local("local:scans")
CLEAR, COPIES = {"verdict": "not detected"}, {"verdict": "MEMORISES", "reasons": ["9 % copies"]}


@pytest.mark.parametrize(
    ("rows", "identifier", "said"),
    [
        ([terms.of_phantom()], "cc0-1.0", []),
        ([CC_BY], "cc-by-4.0", ["sources below have to be named: by."]),
        ([CC_BY, terms.of_phantom()], "cc-by-4.0", ["named: by."]),
        ([CC_BY, NC], "cc-by-nc-4.0", ["No commercial use: nc."]),
        ([SA, CC_BY], "cc-by-sa-4.0", ["carries the same licence: sa."]),
        ([NC_SA], "cc-by-nc-sa-4.0", ["No commercial use: ncsa.", "carries the same licence: ncsa."]),
        ([NC, SA], "other", ["No commercial use: nc.", "carries the same licence: sa."]),
        ([AGREEMENT], "other", ["No commercial use: signed."]),
        ([UNKNOWN], "other", ["No commercial use (nobody checked, so taken as asked): local:scans."]),
        ([row("MIT")], "mit", []),
        ([row("CC-BY-3.0 AND CC-BY-4.0", data="two")], "cc-by-4.0", ["named: two."]),
        ([row("CC0-1.0 AND CC-BY-NC-4.0", commercial=False)], "cc-by-nc-4.0", ["No commercial use: set."]),
        ([row("PDDL-1.0", attribution=False)], "pddl", []),
    ],
    ids=lambda value: (
        "+".join(r["data"] for r in value) if isinstance(value, list) and value and "data" in value[0] else ""
    ),
)
def test_the_card_carries_what_the_data_ask(rows, identifier, said):
    licence = release.licence(rows)
    assert licence.id == identifier and (licence.name is None) == (identifier != "other")
    for words in said:
        assert any(words in sentence for sentence in licence.conditions), licence


@pytest.mark.parametrize(
    ("rows", "audit", "private", "i_know", "said"),
    [
        ([CC_BY, NC_SA], CLEAR, False, False, None),
        ([CC_BY, AGREEMENT], CLEAR, False, False, "the terms of signed forbid .* give --private"),
        ([AGREEMENT], CLEAR, False, True, "forbid"),
        ([AGREEMENT], CLEAR, True, False, None),
        ([UNKNOWN], CLEAR, False, False, "nobody checked whether the terms of local:scans allow"),
        ([UNKNOWN], CLEAR, False, True, None),
        ([UNKNOWN], CLEAR, True, False, None),
        ([CC_BY], COPIES, False, False, r"the audit says MEMORISES \(9 % copies\)"),
        ([CC_BY], COPIES, True, False, "MEMORISES"),
        ([CC_BY], COPIES, False, True, None),
        ([CC_BY], release.NOT_AUDITED, False, False, None),
    ],
)
def test_what_may_leave(rows, audit, private, i_know, said):
    if said is None:
        release.check(rows, audit, private, i_know, "cell")
    else:
        with pytest.raises(InputError, match=said):
            release.check(rows, audit, private, i_know, "cell")


def test_the_worst_verdict_counts():
    def audited(word):
        return SimpleNamespace(audit={"verdict": word} if word else None)

    assert release.gravest_audit([audited(None)]) == release.NOT_AUDITED
    assert release.gravest_audit([audited("not detected"), audited("MEMORISES"), audited("suspect")]) == {
        "verdict": "MEMORISES"
    }
    assert release.gravest_audit([audited("suspect"), audited("a new word")])["verdict"] == "a new word"


def test_an_agreement_allows_a_private_repository_alone(hub, shared, sentence_of, trained):
    run = trained(rows=[AGREEMENT])
    assert "forbid to pass on" in sentence_of("push", run, "--repo", "alice/brain")
    assert not hub.asked
    assert shared("push", run, "--repo", "alice/brain", "--private").code == 0
    repo = hub.repos["model", "alice/brain"]
    assert repo.private
    card = repo.files["README.md"].decode()
    assert "Keep this copy among those who signed the agreement" in card and "Doe 2020" in card
    about = yaml.safe_load(card.split("---\n")[1])
    assert (about["license"], about["license_name"]) == ("other", "terms-of-the-data")


def test_terms_beside_the_weights_count_as_much_as_those_in_the_records(sentence_of, trained):
    from mribench import files

    run = trained()
    files.write_json(next(run.rglob("train/*/terms.json")), [AGREEMENT])
    assert "the terms of signed forbid" in sentence_of("push", run, "--repo", "alice/brain")
    assert "the terms of signed forbid" in sentence_of("pack", run)
