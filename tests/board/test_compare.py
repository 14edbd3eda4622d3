"""mribench compare: what makes two results incomparable comes first, then what is significant."""

import json

import pytest

from mribench import results
from mribench.board.compare import compare, select

pytestmark = pytest.mark.usefixtures("known_training")


@pytest.fixture
def folder(run_folder, scored, controls):
    return run_folder("run", scored("a", 100.0), scored("b", 108.0), scored("c", 100.2), *controls)


def test_two_variants_of_a_run(folder, mribench):
    ended = mribench("compare", f"{folder}:a", f"{folder}:b ddim-5")
    assert ended.code == 0
    (line,) = [line.split() for line in ended.out.splitlines() if line.startswith("brain")]
    assert "-8" in line and line[-2:] == ["a", "ddim-5"]


def test_what_is_not_significant_is_not_told_apart(folder, mribench):
    assert "not told apart" in mribench("compare", f"{folder}:a", f"{folder}:c").out


def test_json_says_the_same(folder, mribench):
    found = json.loads(mribench("compare", f"{folder}:a", f"{folder}:b", "--format", "json").out)
    (line,) = found["differences"]
    assert found["comparable"] and found["differs"] == {} and line["verdict"] == "first"
    assert (
        line["value"] == -8.0 and line["low"] < -8 < line["high"] < 0 and line["p"] == line["adjusted"] < 0.01
    )


def test_result_files_and_whole_runs(folder, run_folder, scored, controls, mribench):
    path = next((folder / "results").rglob("a_*.json"))
    assert [r.variant for r in select(str(path))] == ["a"]
    other = run_folder("other", scored("a", 140.0, own=0.7), scored("b", 108.0))
    found = compare(select(str(folder)), select(str(other)))
    assert [(line.difference.first, line.difference.second, line.better) for line in found.numbers] == [
        ("a ddim-5", "a ddim-5", "first"),
        ("b ddim-5", "b ddim-5", "not told apart"),
    ]
    assert mribench("compare", path, other).code == 0


def test_other_fields_are_named_and_nothing_is_compared(folder, run_folder, scored, mribench):
    other = run_folder("other", scored("b", 108.0, same={"n_generated": 48, "profile": "standard"}))
    ended = mribench("compare", folder, other)
    assert ended.code == 0 and "brain: not comparable" in ended.out and "p (Holm)" not in ended.out
    assert "generation.n_generated: 24 in the first, 48 in the second" in ended.out
    found = json.loads(mribench("compare", folder, other, "--format", "json").out)
    assert not found["comparable"] and found["differs"]["brain"]["profile"] == ["quick", "standard"]


def test_correction_is_over_all_that_is_asked(folder):
    alone = compare(select(f"{folder}:a"), select(f"{folder}:c")).numbers[0].difference
    together = compare(select(f"{folder}:a"), select(str(folder)))
    assert len(together.numbers) == 1  # rows of one name are pairs
    crossed = compare(select(f"{folder}:noise"), [r for n in "abc" for r in select(f"{folder}:{n}")])
    assert len(crossed.numbers) == 3 and alone.p == alone.adjusted
    assert all(line.difference.adjusted >= line.difference.p for line in crossed.numbers)


def test_few_subjects_and_missing_values_are_said(run_folder, result, scored, mribench):
    few = scored().data | {"subjects": {"train": 9, "validation": 3, "test": 4}}
    folder = run_folder("few", scored("a", 100.0, data=few), scored("b", 200.0, data=few))
    assert "not judged, only 4 test subjects" in mribench("compare", f"{folder}:a", f"{folder}:b").out
    old = run_folder("old", result(variant="a"), result(variant="b"))
    assert "holds no values of single subjects" in mribench("compare", f"{old}:a", f"{old}:b").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("{run}:x", "{run}:a"), "no row 'x' in"),
        (("{run}/gone", "{run}:a"), "no result file or run folder"),
        (("{run}:a", "{lung}"), "the first is of brain, the second of lung; give results of one modality"),
        (("{run}:a", "{run}:b", "--format", "xml"), "unknown format 'xml'; expected table or json"),
    ],
)
def test_bad_input_is_one_sentence(words, said, folder, run_folder, scored, refused):
    lung = run_folder("lung", scored("a", modality="lung", same={"modality": "lung"}))
    assert said in refused("compare", *(word.format(run=folder, lung=lung) for word in words))


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [(-100.0, -150.0, "first"), (100.0, 50.0, "second"), (-100.0, 50.0, "not judged, on two sides of 0")],
)
def test_nearer_to_zero_is_better_where_the_metric_says_so(first, second, verdict, scored):
    about = {"kd": {"title": "", "unit": "", "direction": "zero", "paper": ""}}
    (line,) = compare([scored("a", first, metrics=about)], [scored("b", second, metrics=about)]).numbers
    assert line.better == verdict


def test_records_keep_the_values_of_subjects(folder, scored):
    found = {result.variant: result for result in results.read_all([folder])}
    assert found["a"] == scored("a", 100.0) and len(found["a"].scores[0].subsamples) == 200
    text = next((folder / "results").rglob("a_*.json")).read_text()
    assert len(text.splitlines()) < 120  # one line for two hundred numbers
