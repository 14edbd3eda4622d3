"""A record with one field changed is refused at the door in one sentence, or every output of a board can be made."""

import copy
import json
import math
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mribench import hashing, results
from mribench.board import compare, export
from mribench.board.boards import boards, in_one_line
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.cli import console
from mribench.errors import InputError
from mribench.hub import card, metadata, release
from mribench.hub.cells import TrainedCell, check_provenance
from mribench.hub.release import Release
from mribench.results import kept, record, schema

KEPT = kept.path_of(Path(__file__).parents[2] / "leaderboards" / "methods", "chromatin")
HOSTILE = (
    "", " ", "x", "0", "nan", "-1", "\x00", "\x1b[31mred\x1b]8;;x\x07", "\u202egnp", "a\nb\r\nc\td", "a|b`c*d_e~",
    "<script>alert(1)</script>", "](javascript:alert(1))", "=cmd()", "../../x", "{{ 7 * 7 }}", "ᾱ" * 30_000,
    "\U0001f9e0", "cannot say", "MEMORISES", "train-replay", "gaussian", "kd", "up", "zero", "last", "phantom", 
    "1 2 x", "1 inf", "1e308 -1e308", "generation v" + "9" * 5000,
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 0.5, -0.0, 1e-320, 5e-200, 1e29, 1e31, 1e308, -1e308, math.nan, math.inf, -math.inf,
    2**31, 2**53, 2**63, 2**64, -(2**70), 10**400,
)  # fmt: skip
DEEP = json.loads("[" * 40 + "]" * 40)
JUNK = (None, True, False, [], {}, [[]], [None], {"": {}}, {"a": [1, {"b": None}]}, [1, "x"], DEEP)
CHANGES = st.one_of(st.just("delete"), st.sampled_from([("put", v) for v in (*HOSTILE, *NUMBERS, *JUNK)]))
METRICS = ("kd", "fid", "precision", "psnr", "ssim")


@cache
def organ():
    """Records of one organ: a trained variant and two controls, one seed each."""
    found = [r for r in kept.read(KEPT) if r.seed == 0]
    return [fewer(r) for r in found if r.variant in ("ddpm", "gaussian", "train-replay")]


def fewer(one):
    """The record with some of its metrics, at two levels: the rest is more of the same, and takes time."""
    levels = sorted({s.level for s in one.scores if s.level is not None})[:2]
    scores = [s for s in one.scores if s.metric in METRICS and s.level in (None, *levels)]
    floor = {name: about for name, about in one.floor.items() if name.partition("[")[0] in METRICS}
    metrics = {name: about for name, about in one.metrics.items() if name in METRICS}
    return replace(one, scores=tuple(scores), floor=floor, metrics=metrics)


@cache
def bases():
    """The records to change, as a file holds them: all tasks of the trained variant and of a control."""
    return [record.to_json(r) for r in organ() if r.variant in ("ddpm", "train-replay")]


def paths(value, at=()):
    """The path of every field; of many scores, floors and metrics the first and the last."""
    yield at
    items = list(
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in items if len(items) <= 24 else (*items[:3], *items[-3:]):
        yield from paths(inner, (*at, key))


@cache
def places():
    return [[path for path in paths(one) if path] for one in bases()]


def changed(base, path, change):
    made = copy.deepcopy(base)
    parent = made
    for step in path[:-1]:
        parent = parent[step]
    if change == "delete":
        del parent[path[-1]]
    else:
        parent[path[-1]] = copy.deepcopy(change[1])
    if path[0] == "comparability":
        # whoever edits the fields makes their key anew
        with suppress(ValueError):  # NaN has no key
            made["comparability_key"] = hashing.json_hash(made.get("comparability"))
    return made


def outputs(found, own, folder):
    """All that is made from records: a name for each output, and its text."""
    made = boards(found)
    yield "html", html(made, folder)
    yield "markdown", markdown(made, folder)
    yield "csv", export.csv_text(made)
    yield "json", export.json_text(made)
    with console.console.capture() as caught:
        console.boards(made)
        others = [r for r in found if r is not own]
        try:
            compared = compare.compare([own], others)
        except InputError as error:
            assert "of one modality" in str(error)
        else:
            console.comparison(compared)
            yield "compare", console.json_text(compare.as_json(compared))
    yield "terminal", caught.get() + in_one_line(own)
    if own.provenance.get("checkpoint") and not own.is_control:
        try:
            check_provenance(own)
        except InputError:
            return
        yield "card", card_of(own, made, folder)


def card_of(own, made, folder):
    run = folder / "run"
    members = [r for board in made for r in board.members]
    cell = TrainedCell(run, "cell", own.provenance["checkpoint"], (own,), tuple(members))
    cell.pipeline.mkdir(parents=True, exist_ok=True)
    (cell.pipeline / "model_index.json").write_text("{}")
    destination = Release("alice/model", False, release.licence(cell.rows))
    metadata.eval_results([own], "alice/board")
    return card.markdown(cell, members, cell.rows, release.audit_of_weights(cell), destination, None)


def check(which, place, change, folder):
    base = bases()[which]
    made = changed(base, places()[which][place % len(places()[which])], change)
    try:
        own = record.from_json(schema.decode(json.dumps(made)))
    except ValueError as error:
        sentence = str(error)
        assert "\n" not in sentence and len(sentence) < 400, sentence
        return "refused"
    others = [r for r in organ() if results.sort_key(r) != results.sort_key(record.from_json(base))]
    for name, text in outputs([own, *others], own, folder):
        assert text.strip(), name
        text.encode()
    return "made"


def fuzz(examples):
    """The same examples each time: a board that cannot be made today could not be made yesterday."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


EXAMPLES = given(which=st.integers(0, 5), place=st.integers(0, 10_000), change=CHANGES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@fuzz(75)
@EXAMPLES
def test_a_changed_record_is_refused_in_a_sentence_or_makes_a_board(folder, which, place, change):
    check(which, place, change, folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@fuzz(3000)
@EXAMPLES
def test_thousands_of_changed_records_are_refused_or_make_a_board(folder, which, place, change):
    check(which, place, change, folder)
