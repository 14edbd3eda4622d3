"""Ways to a rank without the audit that a rank needs, each tried. What is refused says why wherever it is shown."""

from dataclasses import replace

import pytest

from mribench.board import findings
from mribench.board.boards import boards

pytestmark = pytest.mark.usefixtures("known_training")

HC85, GIST = "hc85-v1", "gist208-v1"


# 1, 6: no audit
def test_a_copier_without_an_audit_has_no_rank(scored, controls, audited, said):
    found = [scored("copier", 4.4), *audited([scored("ddpm", 110.0), *controls])]
    assert said(found, "copier ddim-5") == "no audit"
    assert said(found, "ddpm ddim-5") == "1"


def test_an_audit_that_says_nothing_is_none(scored, controls, audited, said):
    found = [replace(r, audit=None) if r.task == "audit" else r for r in audited([scored("a"), *controls])]
    assert said(found, "a ddim-5") == "no audit"


def test_a_verdict_on_the_record_of_generation_is_no_audit(scored, controls, said):
    """A task that judges its own outputs could say of them what it likes."""
    assert said([scored("a", audit={"verdict": "not detected"}), *controls], "a ddim-5") == "no audit"


def test_the_audit_of_one_seed_does_not_serve_for_three(scored, controls, audited, said):
    found = audited([*(scored("a", 100.0 + s, s) for s in range(3)), *controls])
    found = [r for r in found if not (r.task == "audit" and r.seed == 2)]
    assert said(found, "a ddim-5") == "no audit of seed 2"


def test_of_a_row_without_an_audit_no_sentence_is_said(scored, controls, audited):
    organs = [("brain", 100.0), ("heart", 300.0)]
    found = [
        replace(
            r,
            modality=organ,
            comparability=r.comparability | {"modality": organ},
            data=r.data | {"title": organ},
        )
        for organ, value in organs
        for r in [scored("copier", value - 90), *audited([scored("ddpm", value), *controls])]
    ]
    sentences = " ".join(text for heading, said in findings.sections(boards(found)) for text in said)
    assert "ddpm ddim-5 (phantom, quick): ahead of it in brain, heart" in sentences
    assert "copier ddim-5 (" not in sentences


# 2: an audit that does not clear the row, and spaces that contradict each other
@pytest.mark.parametrize("verdict", ["MEMORISES", "SAW THE TEST", "cannot say", "of a later version"])
def test_a_row_that_its_audit_accuses_or_cannot_judge_is_not_ranked(verdict, scored, controls, audited, said):
    found = audited([scored("flipped", 13.5, audit={"verdict": verdict}), scored("ddpm", 110.0), *controls])
    assert said(found, "flipped ddim-5") == verdict and said(found, "ddpm ddim-5") == "1"


def test_an_accusation_stands_also_where_nothing_is_ranked(scored, audited, said):
    assert (
        said(audited([scored("a", audit={"verdict": "MEMORISES"}), scored("b")]), "a ddim-5") == "MEMORISES"
    )


def test_a_suspicion_stands_in_the_rank_cell_itself(scored, controls, audited, said):
    suspect = scored("flow", 90.0, audit={"verdict": "suspect, sees 9.1% copies or more"})
    assert said(audited([suspect, scored("ddpm", 110.0), *controls]), "flow ddim-5") == "1, suspect"


# 7: the audit of another model
@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"checkpoint_sha256": "0" * 64}, "audit of another checkpoint"),
        ({"checkpoint": "another"}, "audit of another checkpoint"),
        ({"reads": "other outputs"}, "audit of other outputs"),
        ({"reads_sha256": "1" * 64}, "audit of other outputs"),
    ],
)
def test_the_audit_is_of_this_checkpoint_and_these_outputs(change, word, scored, controls, audited, said):
    found = audited([scored("a"), scored("b", 200.0), *controls])
    found = [
        replace(r, provenance=r.provenance | {"outputs_sha256": "2" * 64}) if r.variant == "a" else r
        for r in found
    ]
    swapped = [
        replace(r, provenance=r.provenance | change) if (r.task, r.variant) == ("audit", "a") else r
        for r in found
    ]
    assert said(found, "a ddim-5") == "1" and said(swapped, "a ddim-5") == word


def test_a_row_without_a_checkpoint_has_no_rank(scored, controls, audited, said):
    bare = {"checkpoint_sha256": None}
    found = [
        replace(r, provenance=r.provenance | bare) if r.variant == "a" else r
        for r in audited([scored("a"), *controls])
    ]
    assert said(found, "a ddim-5") == "no checkpoint on record"


def test_a_task_without_generated_images_needs_the_audit_of_its_checkpoint(scored, controls, audited, said):
    """Its outputs are others than those that the audit reads."""
    found = [
        replace(
            r, provenance=r.provenance | {"outputs": f"{r.variant}_{r.seed}_restored"}, task="restoration"
        )
        if r.task == "generation"
        else r
        for r in audited([scored("a"), scored("b", 200.0), *controls])
    ]
    assert said(found, "a ddim-5") == "1"
    other = [
        replace(r, provenance=r.provenance | {"checkpoint_sha256": "0" * 64}) if r.task == "audit" else r
        for r in found
    ]
    assert said(other, "a ddim-5") == "audit of another checkpoint"


@pytest.mark.parametrize(
    ("source", "audit_source", "word"),
    [
        ({"kind": "npz", "sha256": "3" * 64}, {"kind": "npz", "sha256": "3" * 64}, "1"),
        (
            {"kind": "npz", "sha256": "3" * 64},
            {"kind": "npz", "sha256": "4" * 64},
            "audit of another checkpoint",
        ),
        ({"kind": "plugin"}, {"kind": "plugin"}, "no checkpoint on record"),
    ],
)
def test_images_from_elsewhere_are_known_by_their_hash(
    source, audit_source, word, scored, controls, audited, said
):
    def elsewhere(result):
        own = audit_source if result.task == "audit" else source
        bare = {"checkpoint": None, "checkpoint_sha256": None, "training": None, "source": own}
        return replace(result, provenance=result.provenance | bare)

    found = [elsewhere(r) if r.variant == "a" else r for r in audited([scored("a"), scored("b"), *controls])]
    assert said(found, "a ddim-5") in (word, word.replace("1", "1-2"))
