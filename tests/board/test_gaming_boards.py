"""Ways to change a whole board by one record, each tried. What is refused says why wherever it is shown."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from spoilt import edited

from mribench.board.boards import boards
from mribench.board.markdown import markdown
from mribench.results import CONTROLS
from mribench.spec import Score

pytestmark = pytest.mark.usefixtures("known_training")

HC85, GIST = "hc85-v1", "gist208-v1"


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


def test_one_record_of_many_subjects_does_not_make_few_rank(scored, controls, audited, said):
    """Five test subjects, and a record that says forty."""
    many = scored("odd", 90.0)
    few = {"subjects": many.data["subjects"] | {"test": 5}}
    honest = [scored(name, value) for name, value in (("a", 100.0), ("b", 150.0))]
    honest = [
        replace(r, data=r.data | few, scores=(replace(r.scores[0], subjects=5),))
        for r in [*honest, *controls]
    ]
    found = audited([*honest, many])
    assert [said(found, f"{name} ddim-5") for name in ("a", "b")] == ["only 5 test subjects"] * 2
    assert not any(place.best for place in boards(found)[0].ranks.values())


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
