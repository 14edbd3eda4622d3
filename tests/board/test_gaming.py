"""Ways to an undeserved rank, each tried. What is refused says why on the page, in every file and on the card."""

import csv
import io
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from mribench.board import export, findings
from mribench.board.boards import boards
from mribench.board.claims import among_all_pairs
from mribench.board.compare import compare
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.cli import console
from mribench.hub import card
from mribench.metrics.significance import holm, student_p
from mribench.metrics.uncertainty import round_for_record
from mribench.results import CONTROLS
from mribench.spec import Score

pytestmark = pytest.mark.usefixtures("known_training")

HC85, GIST = "hc85-v1", "gist208-v1"


@pytest.fixture
def said(tmp_path, capsys):
    """``said(results, row)``: the rank cell of a row, after the same words were found wherever the board is shown."""

    def find(found, name):
        made = boards(found)
        (board,) = made
        place = board.ranks[name]
        console.boards(made)
        shown = place.text or place.reason
        texts = [markdown(made, tmp_path), card._scores(made), capsys.readouterr().out, html(made, tmp_path)]
        assert f"| {shown} | {name} " in texts[0] and f"| {shown} | {name} " in texts[1]
        assert all(shown in text for text in texts)
        lines = list(csv.DictReader(io.StringIO(export.csv_text(made))))
        assert {x["unranked"] for x in lines if f"{x['variant']} ddim-5" == name} == {place.reason or ""}
        rows = json.loads(export.json_text(made))[0]["rows"]
        (row,) = [row for row in rows if f"{row['variant']} ddim-5" == name]
        assert row["unranked"] == place.reason
        for doubt in board.doubts:
            assert all(doubt[:40] in text for text in texts), doubt
        return shown

    return find


def in_two_spaces(result, hc85, gist):
    """The same record with a value in each of two spaces."""
    first = result.scores[0]
    own = np.random.default_rng([7, *result.name.encode()]).standard_normal(200)

    def score(space, value):
        drawn = np.array(first.subsamples) - first.value + value + 0.3 * (own - own.mean())
        drawn = round_for_record(drawn)
        return replace(first, space=space, value=value, low=value - 10, high=value + 10, subsamples=drawn)

    return replace(result, scores=(score(HC85, hc85), score(GIST, gist)))


def edited(result):
    """As it is read where its digest does not match."""
    object.__setattr__(result, "edited", True)
    return result


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
@pytest.mark.parametrize("verdict", ["suspect", "MEMORISES", "cannot say", "of a later version"])
def test_only_a_row_that_its_audit_clears_is_ranked(verdict, scored, controls, audited, said):
    found = audited([scored("flipped", 13.5, audit={"verdict": verdict}), scored("ddpm", 110.0), *controls])
    assert said(found, "flipped ddim-5") == verdict and said(found, "ddpm ddim-5") == "1"


def test_a_grave_verdict_stands_also_where_nothing_is_ranked(scored, audited, said):
    assert said(audited([scored("a", audit={"verdict": "suspect"}), scored("b")]), "a ddim-5") == "suspect"


def test_spaces_that_contradict_each_other_leave_a_pair_tied(scored, controls, audited, said):
    rows = [in_two_spaces(scored("a"), 13.5, 73.6), in_two_spaces(scored("ddpm"), 110.3, 34.0)]
    found = audited([*rows, *(in_two_spaces(r, r.scores[0].value, r.scores[0].value) for r in controls)])
    assert [said(found, f"{name} ddim-5") for name in ("a", "ddpm")] == ["1-2", "1-2"]
    (board,) = boards(found)
    assert (
        "kd[hc85-v1] puts a ddim-5 ahead of ddpm ddim-5, kd[gist208-v1] the other way round: the two are tied."
        in board.doubts
    )
    verdicts = {line.better for line in compare(found[:1], found[1:2]).numbers}
    assert verdicts == {"not told apart, the spaces contradict each other"}


def test_one_space_ahead_and_none_behind_is_ahead(scored, controls, audited, said):
    """Here the space that does not lead tells the two apart."""
    rows = [in_two_spaces(scored("a"), 100.0, 34.0), in_two_spaces(scored("b"), 100.3, 73.6)]
    found = audited([*rows, *(in_two_spaces(r, r.scores[0].value, r.scores[0].value) for r in controls)])
    assert [said(found, f"{name} ddim-5") for name in "ab"] == ["1", "2"]
    doubted = [replace(r, spaces={GIST: {"trusted": False, "reason": "it is blind"}}) for r in found]
    assert [said(doubted, f"{name} ddim-5") for name in "ab"] == ["1-2", "1-2"]
    verdicts = [line.better for line in compare(doubted[:1], doubted[1:2]).numbers]
    assert verdicts == ["not told apart", "not judged, gist208-v1 is not trusted with these images"]


def test_the_sentence_about_the_control_needs_all_spaces_too(scored, controls, audited):
    values = {"ddpm": (100.0, 700.0), "gaussian": (600.0, 600.0)}
    rows = [in_two_spaces(r, *values.get(r.variant, (r.scores[0].value,) * 2)) for r in [scored(), *controls]]
    (board,) = boards(audited(rows))
    assert board.outcomes == {"ddpm ddim-5": "not told apart"}


def test_the_sentence_about_the_control_names_the_number_that_decides(scored, controls, audited):
    values = {"ddpm": (600.0, 100.0)}
    rows = [in_two_spaces(r, *values.get(r.variant, (r.scores[0].value,) * 2)) for r in [scored(), *controls]]
    (board,) = boards(audited(rows))
    assert board.primary == ("kd", HC85, None)
    assert board.against_control == [
        "ddpm ddim-5 is ahead of the gaussian control: KD[gist208-v1] 100.0 against 600.0."
    ]


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


# 8, 9: verdict, value, interval and subsamples edited
@pytest.mark.parametrize("task", ["generation", "audit"])
def test_an_edited_record_has_no_rank(task, scored, controls, audited, said):
    found = audited([scored("a", 90.0), scored("b", 100.0), *controls])
    found = [edited(r) if (r.variant, r.task) == ("a", task) else r for r in found]
    assert said(found, "a ddim-5") == "edited" and said(found, "b ddim-5") == "1"
    (board,) = boards(found)
    assert f"Edited: a ddim-5 seed 0 ({task}). What a record holds does not match its digest." in board.doubts


def test_records_without_a_digest_are_ranked_and_counted(scored, controls, audited):
    found = audited([scored("a"), *controls])
    for place, result in enumerate(found):
        object.__setattr__(result, "edited", False if place < 3 else None)
    (board,) = boards(found)
    assert board.ranks["a ddim-5"].best == 1
    assert f"{len(found) - 3} of {len(found)} records carry no digest" in board.doubts[-1]


# 12: the subsamples of a rival, less one
def test_a_rival_less_one_does_not_lead(scored, controls, audited, said):
    rival = scored("ddpm", 110.3)
    drawn = round_for_record(np.array(rival.scores[0].subsamples) - 1.0)
    score = replace(rival.scores[0], value=109.3, low=99.3, high=119.3, subsamples=drawn)
    found = audited([rival, scored("a", 109.3, scores=(score,)), *controls])
    assert [said(found, f"{name} ddim-5") for name in ("a", "ddpm")] == ["1-2", "1-2"]
    assert "a ddim-5 and ddpm ddim-5 differ by the same number everywhere" in " ".join(
        boards(found)[0].doubts
    )
    (line,) = compare(found[:1], found[1:2]).numbers
    assert line.better == "not judged, the two differ by the same number everywhere"


# 13: one training under several seeds
def test_one_training_filed_under_several_seeds_has_no_rank(scored, controls, audited, said):
    one = scored("a")
    found = audited([*(replace(one, seed=seed) for seed in range(3)), scored("b", 200.0), *controls])
    assert said(found, "a ddim-5") == "one training filed as seeds 0, 1, 2"
    row = boards(found)[0].row("a")
    assert row.seeds == (0,) and row.estimates[("kd", HC85, None)].spread is None


def test_equal_weights_alone_are_one_training(scored, controls, audited, said):
    weights = {"checkpoint_sha256": "f" * 64}
    rows = [scored("a", 100.0 + seed, seed) for seed in range(2)]
    rows = [replace(r, provenance=r.provenance | weights) for r in rows]
    assert said(audited([*rows, *controls]), "a ddim-5") == "one training filed as seeds 0, 1"


# 15: copies of one's own row
def test_copies_of_a_row_count_once_and_share_its_place(scored, controls, audited, said):
    rows = [scored("winner", 100.0), scored("a", 104.6)]
    alone = audited([*rows, *controls])
    assert [said(alone, f"{name} ddim-5") for name in ("winner", "a")] == ["1", "2"]
    many = audited([*rows, *(replace(rows[1], variant=f"a-{i}") for i in range(25)), *controls])
    assert [said(many, f"{name} ddim-5") for name in ("winner", "a", "a-24")] == ["1", "2", "2"]
    assert "are the same outputs: one entry, counted once." in boards(many)[0].doubts[0]
    assert holm([boards(alone)[0].ranking.claims[0].p] * (27 * 26 // 2))[0] > 0.05, (
        "over all pairs it would be tied"
    )


def test_false_claims_stay_rare_and_copies_change_nothing(scored):
    """Six rows of one quality on 30 subjects, 400 boards: a false claim on at most 8 % of them (level 5 %).

    Beside them a row that is worse by 4 standard errors: 25 copies of a row leave its claims as they are, where
    Holm's correction over all pairs of all names loses most of them.
    """
    rng = np.random.default_rng(0)
    wrong = found = diluted = 0
    worlds, subjects = 400, 30
    for _ in range(worlds):
        values = rng.standard_normal((7, subjects)) / np.sqrt(2)
        values[6] += 4 / np.sqrt(subjects)
        pairs = [(i, j) for i in range(7) for j in range(i + 1, 7)]
        gaps = np.array([values[i] - values[j] for i, j in pairs])
        t = gaps.mean(1) / (gaps.std(1, ddof=1) / np.sqrt(subjects))
        p = [student_p(x, subjects - 1) for x in t]
        adjusted = dict(zip(pairs, among_all_pairs(p, 7), strict=True))
        wrong += any(adjusted[i, j] < 0.05 for i, j in pairs if j < 6)
        found += adjusted[0, 6] < 0.05
        under_25_names = p + [p[pairs.index((0, 6))]] * (32 * 31 // 2 - len(p))
        diluted += holm(under_25_names)[pairs.index((0, 6))] < 0.05
    assert wrong / worlds <= 0.08
    assert found / worlds > 0.6 and diluted < found / 2


def test_the_correction_is_between_none_and_holms():
    p = [0.001, 0.02, 0.03]
    assert among_all_pairs(p, 3) == pytest.approx([0.003, 0.02, 0.03])
    assert holm(p) == pytest.approx([0.003, 0.04, 0.04])
    drawn = np.random.default_rng(0).uniform(0, 0.1, (50, 15))
    for p_values in drawn.tolist():
        ours = among_all_pairs(p_values, 6)
        assert all(p <= a <= h + 1e-12 for p, a, h in zip(p_values, ours, holm(p_values), strict=True))


# 16: one record against the board
def doctored(kind, result):
    floor = {label: dict(f) | {"train_test": 500.0, "train_high": 510.0} for label, f in result.floor.items()}
    subjects = result.data | {"subjects": result.data["subjects"] | {"test": 4}}
    about = {"kd": result.metrics["kd"] | {"direction": "up"}}
    changes = {
        "trust": {"spaces": {HC85: {"trusted": False, "reason": "one record says so"}}},
        "subjects unknown": {"data": result.data | {"subjects_known": False}},
        "few subjects": {"data": subjects},
        "floor": {"floor": floor},
        "direction": {"metrics": about},
        "primary": {"primary": None},
    }
    return replace(result, **changes[kind])


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("trust", "trust in hc85-v1"),
        ("subjects unknown", "whether subjects are known"),
        ("few subjects", "number of test subjects"),
        ("floor", "floor"),
        ("direction", "direction of kd"),
        ("primary", "primary metric"),
    ],
)
def test_one_record_decides_nothing_for_a_board(kind, what, scored, controls, audited, said):
    known = {"spaces": {HC85: {"trusted": True}}}
    honest = [scored(name, value) for name, value in (("a", 100.0), ("b", 150.0))]
    honest = [replace(r, **known, data=r.data | {"subjects_known": True}) for r in [*honest, *controls]]
    odd = doctored(kind, replace(scored("odd", 90.0), **known))
    found = audited([*honest, odd])
    assert [said(found, f"{name} ddim-5") for name in ("a", "b")] == ["1", "2"]
    assert said(found, "odd ddim-5") == f"{what} differs from the other records"
    (board,) = boards(found)
    assert any(one.startswith(f"The {what} of odd ddim-5 seed 0 (") for one in board.doubts)


def test_a_floor_of_another_machine_is_the_same_floor(scored, controls, audited):
    found = audited([scored("a"), scored("b", 150.0), *controls])
    floor = {label: f | {"train_test": f["train_test"] + 1e-6} for label, f in found[0].floor.items()}
    (board,) = boards([replace(found[0], floor=floor), *found[1:]])
    assert board.ranks["a ddim-5"].best == 1 and board.floor["kd[hc85-v1]"]["train_test"] == pytest.approx(
        2.0
    )


@pytest.mark.parametrize("name", ["noise", "gaussian", "train-replay"])
def test_one_seed_of_a_control_does_not_make_a_board_invalid(name, scored, controls, audited, said):
    wrong = {"noise": 1.0, "gaussian": 3.0, "train-replay": 400.0}[name]
    more = [replace(r, seed=seed) for r in controls for seed in (1, 2)]
    odd = scored(name, wrong, 7, is_control=True, audit={"verdict": "MEMORISES"})
    found = audited([*(scored("a", 100.0 + s, s) for s in range(3)), *controls, *more, odd])
    assert said(found, "a ddim-5") == "1"
    assert f"{name} lands elsewhere with seed 7 than with most of its seeds; the majority counts." in (
        boards(found)[0].doubts
    )
    (board,) = boards([r for r in found if r.variant != name or r.seed == 7])
    assert board.control_violations and board.why_unranked == "the board is invalid"


def test_an_edited_control_is_no_control(scored, controls, audited):
    found = audited([scored("a"), *controls])
    odd = edited(scored("gaussian", 3.0, is_control=True))
    (board,) = boards([odd if r.variant == "gaussian" else r for r in found])
    assert board.control_violations == []
    (board,) = boards([edited(r) if r.is_control else r for r in found])
    assert board.why_unranked == "no controls"


@pytest.mark.parametrize("more", [{"versions": {"variant": 9}, "is_control": True}, {"sampler": "ddim-5"}])
def test_one_record_of_its_name_does_not_take_the_place_of_a_control(more, scored, controls, audited):
    """Neither a newer version nor a trained row; the control has more seeds, or is a control."""
    seeds = [replace(r, seed=1) for r in controls]
    odd = scored("gaussian", 3.0, **more)
    (board,) = boards(audited([scored("a"), scored("a", 101.0, 1), *controls, *seeds, odd]))
    assert board.control_violations == [] and board.outcomes["a ddim-5"] == "ahead"
    assert board.row("gaussian").estimates[("kd", HC85, None)].value == 600.0


# 17: a board without controls
@pytest.mark.parametrize(
    ("kept", "word"),
    [
        ((), "no controls"),
        (("train-replay",), "no control that must be behind real images"),
        (("noise", "gaussian"), "no control that must be like real images"),
    ],
)
def test_a_board_whose_validity_is_not_tested_ranks_nothing(kept, word, scored, controls, audited, said):
    found = audited([scored("a"), *(r for r in controls if r.variant in kept)])
    assert said(found, "a ddim-5") == word


def test_which_controls_test_a_board_is_said_by_their_records(scored, audited, said):
    places = {"mine": CONTROLS["noise"], "yours": CONTROLS["train-replay"]}
    values = {"mine": 900.0, "yours": 3.0}
    found = [
        scored("a"),
        *(scored(n, values[n], is_control=True, expected=asdict(e)) for n, e in places.items()),
    ]
    assert said(audited(found), "a ddim-5") == "1"


# a profile for tests
@pytest.mark.parametrize("profile", ["smoke", "smoke@400"])
def test_smoke_never_ranks(profile, scored, controls, audited, said):
    same = {"profile": profile}
    found = [replace(r, comparability=r.comparability | same) for r in audited([scored("a"), *controls])]
    assert said(found, "a ddim-5") == f"profile {profile} is never ranked"


def test_a_profile_says_itself_that_it_never_ranks(scored, controls, audited, said):
    found = audited([scored("a"), *controls])
    found = [replace(r, provenance=r.provenance | {"profile": {"ranks": False}}) for r in found]
    assert boards(found)[0].why_unranked == "profile quick is never ranked"


# two tasks, one metric
def test_two_tasks_that_report_one_metric_have_a_number_each(scored, controls, audited):
    about = {"psnr": {"title": "PSNR", "unit": "dB", "direction": "up", "paper": ""}}

    def of(task, value, level_name):
        score = Score("psnr", value, 12, 40, value - 1, value + 1, level=0.5, per_subject=(value,) * 40)
        same = {"task": f"{task} v1", "metrics": ["psnr v1"], "n_generated": 12}
        changes = {
            "scores": (score,),
            "metrics": about,
            "level_name": level_name,
            "floor": {},
            "primary": None,
        }
        return scored("a", same=same, task=task, **changes)

    found = [scored("a"), of("denoising", 20.0, "ᾱ"), of("superres", 30.0, "R"), *controls]
    (board,) = boards(audited(found))
    row = board.row("a")
    assert row.value(("psnr", None, 0.5)) == 20.0 and row.value(("psnr (superres)", None, 0.5)) == 30.0
    assert "PSNR (SUPERRES) @" in markdown([board], Path("."))


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


def test_two_sampling_seeds_of_one_pipeline_are_not_two_trainings(scored, controls, audited, said):
    def sampled(result):
        bare = {
            "checkpoint": None,
            "checkpoint_sha256": None,
            "source": {"kind": "pipeline", "sha256": "5" * 64},
        }
        return replace(result, provenance=result.provenance | bare)

    found = [scored("a", seed=0), scored("a", seed=1), scored("b", 200.0), *controls]
    found = [sampled(r) if r.variant == "a" else r for r in audited(found)]
    assert said(found, "a ddim-5") == "one training filed as seeds 0, 1"


def test_a_board_says_which_rows_were_trained_elsewhere(scored, controls):
    bare = {"source": {"kind": "folder", "sha256": "3" * 64}, "training": None}
    found = [replace(scored("a"), provenance=bare), scored("b"), *controls]
    (board,) = boards(found)
    told = [sentence for sentence in board.doubts if "trained elsewhere" in sentence]
    assert len(told) == 1 and told[0].startswith("a ddim-5 was trained elsewhere")
