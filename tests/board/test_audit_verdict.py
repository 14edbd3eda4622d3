"""One order of gravity for all that reads an audit: a verdict of a later version is the gravest everywhere."""

import json
from dataclasses import replace

import pytest

from mribench.board import columns, disclosure
from mribench.board.boards import boards
from mribench.data.cards import terms
from mribench.errors import InputError
from mribench.hub import release
from mribench.spec import AuditVerdict
from mribench.spec.verdict import verdict_and_power

pytestmark = pytest.mark.usefixtures("known_training")

TOMORROW = "memorises after a fashion"


@pytest.mark.parametrize("other", ["not detected", "suspect", "MEMORISES", "SAW THE TEST"])
def test_board_and_release_take_an_unknown_verdict_for_the_gravest(other, scored):
    found = [scored(seed=i, audit={"verdict": text}) for i, text in enumerate((other, TOMORROW))]
    assert boards(found)[0].row("ddpm").audit == TOMORROW
    assert release.gravest_audit(found)["verdict"] == TOMORROW


def test_an_unknown_verdict_is_not_ranked_nor_shown_nor_released(scored, controls):
    found = scored(audit={"verdict": TOMORROW}, same={"data_kind": "real"}, figures={"samples": "a.png"})
    assert disclosure.pictures(found, disclosure.copying([found])) == {}
    place = boards([scored(audit={"verdict": TOMORROW}), *controls])[0].ranks["ddpm ddim-5"]
    assert (place.best, place.reason) == (None, TOMORROW)
    with pytest.raises(InputError, match=TOMORROW):
        release.check([terms.of_phantom()], found.audit, True, False, "it")


def test_a_record_may_say_more_than_the_verdict():
    assert AuditVerdict("cannot say: only 3 test subjects") is AuditVerdict.CANNOT_SAY
    assert AuditVerdict(TOMORROW) is AuditVerdict.UNKNOWN


def test_verdicts_are_ordered_from_the_mildest_to_the_gravest():
    assert [verdict.value for verdict in sorted(AuditVerdict, key=lambda verdict: verdict.gravity)][:-1] == [
        "not detected",
        "cannot say",
        "not audited",
        "suspect",
        "MEMORISES",
        "SAW THE TEST",
    ]
    assert [v.value for v in AuditVerdict if v.grave] == [
        "suspect",
        "MEMORISES",
        "SAW THE TEST",
        AuditVerdict.UNKNOWN.value,
    ]
    assert not AuditVerdict.SUSPECT.memorises and AuditVerdict.SAW_THE_TEST.memorises


@pytest.mark.parametrize(
    ("audit", "text"),
    [
        ({"verdict": "not detected", "least_share": 0.031}, "not detected, sees 3.1% copies or more"),
        ({"verdict": "suspect", "least_share": 0.2}, "suspect, sees 20.0% copies or more"),
        ({"verdict": "MEMORISES", "least_share": 0.031}, "MEMORISES"),
        (
            {"verdict": "cannot say: only 3 test subjects", "least_share": 0.9},
            "cannot say: only 3 test subjects",
        ),
        ({"verdict": "not detected", "least_share": None}, "not detected"),
        ({"verdict": "not detected"}, "not detected"),
    ],
)
def test_what_the_audit_could_have_seen_stands_beside_its_verdict(scored, audit, text):
    """Records from before the share was recorded read as before; the longer text is still read as its verdict."""
    found = boards([scored(audit=audit)])[0].row("ddpm").audit
    assert found == verdict_and_power(audit) == text
    assert AuditVerdict(found) is AuditVerdict(audit["verdict"])


def test_a_verdict_is_stored_as_its_text():
    assert json.dumps({"verdict": AuditVerdict.MEMORISES}) == '{"verdict": "MEMORISES"}'


def by(version, found):
    """The audits among some results as of a version of the task."""
    return [
        replace(one, comparability=one.comparability | {"task": f"audit v{version}"})
        if one.task == "audit"
        else one
        for one in found
    ]


def test_rows_that_two_versions_audited_stand_on_one_board_and_say_so(scored, controls, audited):
    """Who runs with a newer mribench still has the kept boards to compare with."""
    old, new = by(4, audited([scored("old", 90.0)])), by(5, audited([scored("new", 80.0)]))
    (board,) = boards([*old, *new, *controls])
    assert {row.name: board.ranks[row.name].reason for row in board.trained} == dict.fromkeys(
        ("new ddim-5", "old ddim-5")
    )
    said = {row.name: columns.remarks(board, row) for row in board.trained}
    assert "by audit v4" in said["old ddim-5"] and "by audit v4" not in said["new ddim-5"]
    (alone,) = boards([*old, *controls])
    assert not [remark for remark in columns.remarks(alone, alone.trained[0]) if "audit" in remark]


def test_of_two_audits_of_a_cell_the_newer_counts(scored, controls, audited):
    """A run that went on with a newer mribench keeps the records of both."""
    found = audited([scored("ddpm", 90.0)])
    again = by(5, audited([scored("ddpm", 90.0, audit={"verdict": "MEMORISES"})]))[-1]
    (board,) = boards([again, *by(4, found), *controls])
    assert board.ranks["ddpm ddim-5"].reason == "MEMORISES"
    cleared = replace(again, audit={"verdict": "not detected"})
    accused = replace(by(4, found)[-1], audit={"verdict": "MEMORISES"})
    (board,) = boards([accused, found[0], cleared, *controls])
    assert board.ranks["ddpm ddim-5"].reason is None


def test_other_versions_of_the_audit_stay_apart(scored, controls, audited):
    rows = [*by(3, audited([scored("old", 90.0)])), *by(5, audited([scored("new", 80.0)])), *controls]
    (board, *_) = boards(rows)
    assert board.ranks["old ddim-5"].reason == "no audit"
