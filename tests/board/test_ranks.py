"""Ranks are intervals; what the numbers leave open stays open, and what must not be ranked is not."""

import csv
import io
import itertools
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from mribench import results
from mribench.board import columns, export, markdown
from mribench.board.boards import boards
from mribench.board.claims import claims
from mribench.board.findings import disagreements
from mribench.metrics.uncertainty import round_for_record
from mribench.spec import Score

pytestmark = pytest.mark.usefixtures("known_training")


def words(found):
    (board,) = boards(found)
    return {name: place.text for name, place in board.ranks.items()}


def test_clear_differences_give_clear_ranks(scored, controls, audited):
    found = words(audited([scored("a", 100.0), scored("b", 150.0), scored("c", 200.0), *controls]))
    assert (found["a ddim-5"], found["b ddim-5"], found["c ddim-5"]) == ("1", "2", "3")
    assert {found[control.variant] for control in controls} == {""}


def test_ties_are_intervals(scored, controls, audited):
    found = words(
        audited([scored("a", 100.0), scored("b", 100.5), scored("c", 101.0), scored("d", 150.0), *controls])
    )
    assert [found[f"{name} ddim-5"] for name in "abcd"] == ["1-3", "1-3", "1-3", "4"]


def test_a_chain_of_ties_overlaps(scored, controls, audited):
    """a and b, b and c cannot be told apart, a and c can: 1-2, 1-3, 2-3."""
    found = words(audited([scored("a", 100.0), scored("b", 102.0), scored("c", 104.5), *controls]))
    assert [found[f"{name} ddim-5"] for name in "abc"] == ["1-2", "1-3", "2-3"]


def test_a_row_alone_is_first(scored, controls, audited):
    assert words(audited([scored(), *controls]))["ddpm ddim-5"] == "1"


def test_at_the_floor_nothing_finer_is_said(scored, controls, tmp_path, audited):
    (board,) = made = boards(audited([scored("a", 1.0), scored("b", 3.9), scored("c", 60.0), *controls]))
    places = board.ranks
    assert [places[f"{name} ddim-5"].text for name in "abc"] == ["1-2", "1-2", "3"]
    assert [places[f"{name} ddim-5"].at_floor for name in "abc"] == [True, True, False]
    assert places["train-replay"].at_floor and not places["gaussian"].at_floor
    assert "| 1-2 | a ddim-5 | 1 (0) | 1.0 [-9.0, 11.0] |" in markdown.markdown(made, tmp_path)
    assert "| 1 seed, at floor, not detected |" in markdown.markdown(made, tmp_path)


def test_who_memorises_is_not_ranked_and_a_suspicion_stands_beside_the_rank(scored, controls, audited):
    copier = scored("a", 3.0, audit={"verdict": "MEMORISES"})
    suspect = scored("b", 100.0, audit={"verdict": "suspect"})
    (board,) = boards(audited([copier, suspect, *controls]))
    places = board.ranks
    assert (places["a ddim-5"].text, places["a ddim-5"].reason) == ("", "MEMORISES")
    assert (places["b ddim-5"].text, places["b ddim-5"].reason) == ("1, suspect", None)
    assert [columns.rank(board, row) for row in board.trained] == ["MEMORISES", "1, suspect"]


@pytest.mark.parametrize("n", [19, 20])
def test_fewer_than_twenty_subjects_are_shown_and_not_ranked(n, scored, controls, audited):
    data = scored().data | {"subjects": {"train": 80, "validation": 20, "test": n}}
    found = [scored("a", 100.0), scored("b", 200.0), *controls]
    (board,) = made = boards(audited(replace(result, data=data) for result in found))
    found = {name: (place.text, place.reason) for name, place in board.ranks.items()}
    expected = ("1", None) if n == 20 else ("", "only 19 test subjects")
    assert found["a ddim-5"] == expected
    assert ("not a ranking" in columns.one_line(made[0])) == (n == 19)


def test_a_blank_score_or_one_without_interval_is_not_ranked(scored, result, controls, audited):
    blank = scored(
        "a", scores=(scored().scores[0].__class__("kd", None, 24, 40, space="hc85-v1", reason="x"),)
    )
    bare = result(100.0, variant="b", data=scored().data)
    old = result(100.0, 90.0, 110.0, variant="d", data=scored().data)
    (board,) = boards(audited([blank, bare, old, scored("c"), *controls]))
    reasons = {name: place.reason for name, place in board.ranks.items()}
    assert reasons["a ddim-5"] == "no score to rank by" and reasons["b ddim-5"] == "no interval"
    assert reasons["d ddim-5"] == "the record holds no values of single subjects"
    assert board.ranks["c ddim-5"].text == "1"


def test_several_seeds_are_not_marked_and_widen_ranks(scored, controls, audited):
    several = [
        scored(v, base + 40 * s, s, own=0.1) for v, base in (("a", 100.0), ("b", 104.0)) for s in range(3)
    ]
    (board,) = boards(audited([*several, *controls]))
    assert columns.notes(board, board.row("a")) == ["not detected"]
    # equal seeds are paired: what two trainings share does not hide a difference
    assert board.ranks["a ddim-5"].text == "1"
    apart = [
        scored(v, value, s)
        for v, values in (("a", (100, 150, 90)), ("b", (140, 100, 120)))
        for s, value in enumerate(values)
    ]
    assert words(audited([*apart, *controls]))["a ddim-5"] == "1-2"


def test_real_images_are_shown_and_contest_nothing(scored, controls, tmp_path, audited):
    (board,) = made = boards(audited([scored(), *controls]))
    table = columns.headline(board)
    real = [line.kind == "real" for line in table.lines]
    column = table.titles.index("KD[hc85-v1] (1e-3) ↓")
    assert [(cells[0], cells[1], cells[column]) for cells in itertools.compress(table.texts(), real)] == [
        ("", "real train", "2.0 [-4.0, 6.0]"),
        ("", "half against half", "5.0 [-1.0, 12.0]"),
    ]
    text = markdown.markdown(made, tmp_path)
    assert "| *real train* |" in text and "| *half against half* |" in text
    known = [row for row in csv.DictReader(io.StringIO(export.csv_text(made))) if row["kind"] == "real"]
    assert [(row["variant"], row["value"], row["n"], row["control"]) for row in known] == [
        ("real train", "2.0", "24", ""),
        ("half against half", "5.0", "6", ""),
    ]


def test_ranks_and_floor_stand_in_csv_and_json(scored, controls, audited):
    made = boards(audited([scored("a", 100.0), scored("b", 100.5), *controls]))
    first = next(csv.DictReader(io.StringIO(export.csv_text(made))))
    assert (first["kind"], first["rank_best"], first["rank_worst"], first["at_floor"]) == (
        "trained",
        "1",
        "2",
        "0",
    )
    (board,) = json.loads(export.json_text(made))
    assert (
        board["ranked_by"] == ["kd", "hc85-v1", None] and board["unranked"] is None and board["invalid"] == []
    )
    assert (
        board["floor"]["kd[hc85-v1]"]["half_high"] == 12.0
        and "subsamples" not in board["floor"]["kd[hc85-v1]"]
    )
    assert [row["rank"] for row in board["rows"]][:2] == [[1, 2], [1, 2]]
    assert board["rows"][2]["rank"] is None and board["rows"][2]["unranked"] == "control"


def test_a_space_that_is_not_trusted_ranks_nothing(scored, controls, tmp_path, audited):
    """Another space takes its place; without one the board describes."""
    failed = {"hc85-v1": {"trusted": False, "reason": "it sees a background of 2 grey levels"}}
    found = [replace(r, spaces=failed) for r in [scored("a", 100.0), scored("b", 200.0), *controls]]
    (board,) = made = boards(found)
    assert board.ranks["a ddim-5"].reason == "hc85-v1 is not trusted with these images"
    text = markdown.markdown(made, tmp_path)
    assert "- hc85-v1 ranks nothing on these images: it sees a background of 2 grey levels." in text

    def also(result):
        """The other way round in a second space."""
        first = result.scores[0]
        value = 300 - first.value if result.variant in "ab" else first.value
        drawn = tuple(x + value - first.value for x in first.subsamples)
        low, high = value - 10, value + 10
        other = replace(first, space="gist", value=value, low=low, high=high, subsamples=drawn)
        return replace(result, scores=(first, other), floor={})

    (board,) = boards(audited(also(r) for r in found))
    assert board.primary == ("kd", "gist", None)
    assert [board.ranks[f"{name} ddim-5"].text for name in "ab"] == ["2", "1"]
    unknown = [replace(r, spaces={"hc85-v1": {"trusted": None}}) for r in found]
    assert boards(audited(unknown))[0].ranks["a ddim-5"].text == "1"


def test_a_space_without_any_value_is_not_preferred_to_one_that_is_not_trusted(scored, controls, audited):
    spaces = {
        "hc85-v1": {"trusted": False, "reason": "it sees a background of 2 grey levels"},
        "lite0-im1k": {"trusted": None, "reason": "the weights are not here"},
    }

    def beside_a_blank(result):
        blank = Score("kd", None, 40, 40, reason="the weights are not here", space="lite0-im1k")
        return replace(result, scores=(*result.scores, blank), spaces=spaces)

    (board,) = boards(audited(beside_a_blank(r) for r in [scored("a", 100.0), scored("b", 200.0), *controls]))
    assert board.primary == ("kd", "hc85-v1", None)
    assert board.ranks["a ddim-5"].reason == "hc85-v1 is not trusted with these images"


def test_five_spaces_are_all_asked_who_is_ahead(scored, controls, audited):
    names = ("hc85-v1", "gist208-v1", "shape156-v1", "radiomics84", "lite0-im1k")

    def in_all(result):
        (first, *_) = result.scores
        scores = tuple(replace(first, space=space) for space in names)
        return replace(result, scores=scores, floor={}, spaces={name: {"trusted": True} for name in names})

    (board,) = boards(audited(in_all(r) for r in [scored("a", 100.0), scored("b", 200.0), *controls]))
    assert [address[1] for address in board.claim_addresses] == list(names)
    a, b = (row for row in board.rows if not row.is_control)
    (claim,) = claims(board, [(a, b)])
    assert len(claim.differences) == 5 and claim.ahead == "a ddim-5"
    assert claim.p == pytest.approx(min(1, 5 * claim.clearest.p))


@pytest.mark.parametrize("other", ["shape156-v1", "lite0-im1k"])
def test_every_space_that_orders_the_rows_differently_is_named(scored, audited, other):
    names = ("hc85-v1", "gist208-v1", "shape156-v1", "radiomics84", "lite0-im1k")

    def in_all(result):
        (first, *_) = result.scores
        values = {name: 900 - first.value if name == other else first.value for name in names}
        scores = tuple(replace(first, space=name, value=value) for name, value in values.items())
        return replace(result, scores=scores, floor={}, spaces={name: {"trusted": True} for name in names})

    made = boards(audited(in_all(scored(name, 100.0 * k)) for k, name in enumerate("abc", start=1)))
    (said,) = [sentence for sentence in disagreements(made) if "different orders" in sentence]
    assert f"kd[hc85-v1] and kd[{other}] put the 3 rows in different orders (Kendall's tau -1.00)" in said


def restoring(result, variant, value, **changes):
    """A result of a task that ranks by a paired metric of which more is better, at two levels."""
    shared = np.random.default_rng(0).standard_normal(40)
    alone = np.random.default_rng(list(variant.encode())).standard_normal(40)
    values = round_for_record(value + shared + 0.1 * (alone - alone.mean()))
    scores = tuple(
        Score("psnr", value - k, 40, 40, value - k - 1, value - k + 1, level=level, per_subject=values)
        for k, level in enumerate((0.52, 0.08))
    )
    about = {"psnr": {"title": "", "unit": "dB", "direction": "up", "paper": ""}}
    return replace(result, variant=variant, scores=scores, metrics=about, primary="psnr", floor={}, **changes)


def test_a_task_ranks_by_its_primary_metric(scored, audited):
    made = [restoring(scored(), "a", 20.0), restoring(scored(), "b", 25.0)]
    controls = [
        restoring(
            scored(), name, value, is_control=True, sampler=None, expected=asdict(results.CONTROLS[name])
        )
        for name, value in (("gaussian", 22.0), ("train-replay", 30.0))
    ]
    (board,) = boards(audited([*made, *controls]))
    assert board.primary == ("psnr", None, 0.52)
    assert [board.ranks[f"{name} ddim-5"].text for name in "ab"] == ["2", "1"]
    assert board.outcomes == {"a ddim-5": "behind", "b ddim-5": "ahead"}
    assert board.against_control[1] == "b ddim-5 is ahead of the gaussian control: PSNR 25.0 against 22.0."


def test_many_rows_of_which_the_same_is_true_share_a_sentence(scored, audited):
    values = {"a": 20.0, "b": 25.0, "c": 26.0, "d": 24.0, "e": 27.0, "f": 25.5}
    made = [restoring(scored(), name, value) for name, value in values.items()]
    controls = [
        restoring(
            scored(), name, value, is_control=True, sampler=None, expected=asdict(results.CONTROLS[name])
        )
        for name, value in (("gaussian", 22.0), ("train-replay", 30.0))
    ]
    (board,) = boards(audited([*made, *controls]))
    assert board.against_control == [
        "a ddim-5 is behind the gaussian control: PSNR 20.0 against 22.0.",
        "b ddim-5, c ddim-5, d ddim-5, e ddim-5, f ddim-5 are ahead of the gaussian control: PSNR 24.0 to 27.0 "
        "against 22.0.",
    ]


def test_what_must_be_last_is_last_also_where_more_is_better(scored, audited):
    noise = restoring(scored(), "noise", 21.0, is_control=True, expected=asdict(results.CONTROLS["noise"]))
    blur = restoring(scored(), "blur", 20.0, is_control=True)
    (board,) = boards(audited([restoring(scored(), "a", 25.0), noise, blur]))
    assert [said[:35] for said in board.control_violations] == ["blur (20) is not better than noise "]


@pytest.mark.parametrize("primary", [None, "psnr"])
def test_a_task_that_reports_no_primary_metric_ranks_nothing(primary, scored, audited):
    (board,) = boards(audited([replace(scored("a"), primary=primary)]))
    assert board.primary is None and board.ranks["a ddim-5"].reason == "no score to rank by"
