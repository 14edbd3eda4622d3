"""Records on disk: read back equal, damage named, several folders merged without silence."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mribench import files, results
from mribench.board.boards import boards
from mribench.errors import InputError
from mribench.results import schema

REPORTED = {"source": "s", "psnr": 1.0, "ssim": 0.5, "mse": 1.0, "mae": 1.0, "fid": 9.0}


def test_a_record_reads_back_equal(result, tmp_path):
    one = result(figures={"samples": "figures/x.png"}, reported=REPORTED)
    path = results.write(tmp_path, one)
    assert results.read(path) == one
    assert path.parent == tmp_path / "results" / "brain"
    assert json.loads(path.read_text())["comparability_key"] == one.key


def test_another_key_never_overwrites(result, tmp_path):
    paths = {results.write(tmp_path, result(same={"data_key": key})) for key in "abc"}
    assert len(paths) == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_written(result, tmp_path, value):
    with pytest.raises(ValueError, match="Out of range"):
        results.write(tmp_path, result(value))
    assert not list(tmp_path.rglob("*.json"))


def damaged(record, how):
    match how:
        case "cut off":
            return json.dumps(record)[:200]
        case "empty":
            return ""
        case "not utf-8":
            return b"\xff\xfe"
        case "another file":
            return json.dumps({"hello": 1})
        case "a list":
            return "[]"
        case "no scores":
            return json.dumps({k: v for k, v in record.items() if k != "scores"})
        case "a score of words":
            return json.dumps(record | {"scores": [record["scores"][0] | {"value": "good"}]})
        case "a score of NaN":
            return json.dumps(record | {"scores": [record["scores"][0] | {"value": float("nan")}]})
        case "an edited key":
            return json.dumps(record | {"comparability": record["comparability"] | {"resolution": 512}})


HOW = ["cut off", "empty", "not utf-8", "another file", "a list", "no scores"]
HOW += ["a score of words", "a score of NaN", "an edited key"]


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_record_is_named_in_one_sentence(how, result, tmp_path, refused):
    path = results.write(tmp_path, result())
    content = damaged(json.loads(path.read_text()), how)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    sentence = refused("leaderboard", tmp_path)
    assert f"{path} is not a mribench result" in sentence and "delete or move it" in sentence
    assert not (tmp_path / "leaderboard.md").exists()


def test_fields_of_a_later_version_are_no_error(result, tmp_path):
    one = result(variant="noise", is_control=True)
    content = results.record.to_json(one) | {"more": {"a": [1]}}
    content["scores"][0] |= {"more": 1}
    content["data"] = content["data"] | {"more": 1}
    content["expected"] = content["expected"] | {"more": 1}
    files.write_json(tmp_path / "x.json", content)
    assert results.read(tmp_path / "x.json") == replace(one, data=one.data | {"more": 1})


def test_another_schema_is_named_even_with_other_fields(result, tmp_path):
    path = results.write(tmp_path, result())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 2, "more": 1}))
    with pytest.raises(InputError, match="has result schema 2, expected 1; run the cell again"):
        results.read(path)


def test_what_a_killed_writer_left_is_not_read(result, run_folder):
    folder = run_folder("run", result())
    (folder / "results" / "brain" / ".tmp-77-ddpm.json").write_text('{"half": ')
    assert results.read_all([folder]) == [result()]


def test_folders_merge_in_one_order(result, run_folder):
    a = run_folder("a", result(seed=0), result(variant="noise", is_control=True))
    b = run_folder("b", result(seed=1), result(same={"modality": "lung"}, modality="lung"))
    found = results.read_all([a, b])
    assert found == results.read_all([b, a]) and len(found) == 4


def test_the_same_record_twice_counts_once(result, run_folder):
    a, b = run_folder("a", result()), run_folder("b", result(provenance={"training": None}))
    assert len(results.read_all([a, b])) == 1


def test_two_scores_of_one_cell_are_refused(result, run_folder):
    a, b = run_folder("a", result(1.0)), run_folder("b", result(2.0))
    with pytest.raises(InputError, match=r"give different scores of one cell; leave one of them out"):
        results.read_all([a, b])


def test_the_last_digits_of_another_processor_are_the_same_record(result, run_folder):
    """A control that is scored with other threads, or beside a kept board of another machine, is no second answer."""
    one = replace(result().scores[0], value=10.0, low=8.0, high=12.0, subsamples=(9.0, 11.0))
    near = replace(one, value=10.0 + 1e-9, subsamples=(9.0 - 1e-9, 11.0))
    far = replace(one, value=10.01)
    a, b = run_folder("a", result(scores=(one,))), run_folder("b", result(scores=(near,)))
    assert len(results.read_all([a, b])) == 1
    with pytest.raises(InputError, match="different scores of one cell"):
        results.read_all([a, run_folder("c", result(scores=(far,)))])


def test_names_and_seeds_never_run_into_each_other(result, run_folder):
    """'ddim-5' seed 10 and 'ddim-51' seed 0 once had the same key."""
    pair = result(1.0, sampler="ddim-5", seed=10), result(2.0, sampler="ddim-51", seed=0)
    assert len(results.read_all([run_folder("run", *pair)])) == 2


def test_a_folder_without_results_is_refused(tmp_path, refused):
    assert "no results in" in refused("leaderboard", tmp_path)
    (tmp_path / "file").write_text("")
    assert "no folder" in refused("leaderboard", tmp_path / "file")


@pytest.mark.parametrize(
    ("metric", "space", "name"),
    [
        ("psnr", None, "psnr"),
        ("kd", "hc85-v1", "kd[hc85-v1]"),
        ("fid", "inception", "fid"),
        ("fid", "hc85-v1", "fd[hc85-v1]"),
        ("kd", "inception", "kd[inception]"),
    ],
)
def test_fid_is_said_of_inception_features_alone(metric, space, name):
    assert results.metric_label(metric, space) == name


def test_the_key_is_the_comparability(result):
    one = result()
    assert one.key == replace(one, seed=9, variant="x", provenance={}).key
    assert all(one.key != result(same={field: "other"}).key for field in one.comparability)


def as_of_old(record):
    """A record as it was written when the task was called reconstruction."""
    old = replace(
        record, task="reconstruction", comparability={**record.comparability, "task": "reconstruction v2"}
    )
    return results.path_of(Path("."), old), results.record.to_json(old)


def test_a_record_of_reconstruction_reads_as_denoising_and_shares_its_board(result, tmp_path):
    new = result(task="denoising", same={"task": "denoising v2"})
    path, text = as_of_old(replace(new, seed=1))
    files.write_json(tmp_path / path, text)
    results.write(tmp_path, new)
    found = results.read_all([tmp_path])
    assert [record.task for record in found] == ["denoising", "denoising"]
    assert len(boards(found)) == 1


def test_a_new_record_takes_the_place_of_one_of_reconstruction(result, tmp_path):
    new = result(11.0, task="denoising", same={"task": "denoising v2"})
    path, text = as_of_old(replace(new, scores=result(10.0).scores))
    files.write_json(tmp_path / path, text)
    assert results.read_all([tmp_path])[0].scores[0].value == 10.0
    results.write(tmp_path, new)
    assert [record.scores[0].value for record in results.read_all([tmp_path])] == [11.0]


@pytest.mark.parametrize("field", ["modality", "variant", "sampler", "task"])
@pytest.mark.parametrize("name", ["../../../x", "/x", "..", ".x", "a/b", "a\\b", "", "a\nb", 1, None])
def test_what_becomes_part_of_a_path_is_a_name(result, tmp_path, field, name):
    if (field, name) == ("sampler", None):
        return
    content = results.record.to_json(result()) | {field: name}
    files.write_json(tmp_path / "results" / "brain" / "x.json", content)
    with pytest.raises(InputError, match=f"{field} is .*, expected (a plain name|str)"):
        results.read_all([tmp_path])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"provenance": {"checkpoint": "../x"}}, "provenance.checkpoint is '../x', expected a plain name"),
        ({"provenance": {"outputs": "../x"}}, "provenance.outputs is"),
        (
            {"provenance": {"profile": {"keep": "../x", "batch_size": 1, "prediction": "epsilon"}}},
            "profile.keep is",
        ),
        ({"versions": {"../x": 2}}, "a key of versions is '../x', expected a plain name"),
        ({"versions": {"variant": "../x"}}, "versions.variant is '../x', expected int"),
        ({"seed": "../x"}, "seed is '../x', expected int"),
    ],
)
def test_names_inside_a_record_are_names_too(result, tmp_path, change, said):
    files.write_json(tmp_path / "results" / "brain" / "x.json", results.record.to_json(result()) | change)
    with pytest.raises(InputError, match=said):
        results.read_all([tmp_path])


def test_a_hostile_board_writes_nothing_outside_the_output_folder(result, tmp_path, mribench):
    board = tmp_path / "board"
    content = results.record.to_json(result()) | {"modality": "../../../outside"}
    files.write_json(board / "results" / "brain" / "x.json", content)
    ended = mribench("leaderboard", "--from", board, "--out", tmp_path / "deep" / "out")
    assert ended.code == 2 and "expected a plain name" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board"]


def spoil(path, **changes):
    """Change fields of a record's file, as whoever adds to a shared board could."""
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))
    return path


@pytest.mark.parametrize("source", [[], ["--from"]])
def test_a_bad_record_is_left_out_in_one_line_and_the_rest_makes_a_board(result, tmp_path, mribench, source):
    good, bad = (results.write(tmp_path / "run", result(seed=seed)) for seed in (0, 1))
    scores = [json.loads(bad.read_text())["scores"][0] | {"n": -4}]
    spoil(bad, scores=scores)
    ended = mribench("leaderboard", *source, tmp_path / "run", "--out", tmp_path / "out")
    assert ended.code == 0 and "ddpm ddim-5" in ended.out
    (line,) = ended.err.strip().splitlines()
    assert line == (
        f"left out: {bad} is not a mribench result (scores[0].n is -4, expected int >= 0); delete or move it"
    )
    assert [one.seed for one in results.read_all([tmp_path / "out"])] == [0]
    spoil(good, seed="x")
    ended = mribench("leaderboard", *source, tmp_path / "run", "--out", tmp_path / "out2")
    assert ended.code == 2 and "no record can be read: " in ended.err and "and 1 more like it" in ended.err
    assert not (tmp_path / "out2").exists()


def test_a_bad_record_of_a_kept_board_is_left_out_alone(result, tmp_path, mribench):
    path = tmp_path / results.kept.ONE_FILE
    records = [replace(result(seed=0), metrics={}), result(seed=1)]
    results.kept.write(path, records)
    ended = mribench("leaderboard", tmp_path)
    assert ended.code == 0 and len(ended.err.splitlines()) == 1
    assert "record 1 of 2 is not a mribench result (scores[0].metric is 'kd', expected one that" in ended.err
    with pytest.raises(InputError, match="record 1 of 2"):
        results.read_all([tmp_path])


def test_a_source_that_cannot_be_read_stops_no_other(result, run_folder, mribench):
    good, bad = run_folder("good", result()), run_folder("bad", result(seed=1))
    for path in bad.rglob("*.json"):
        path.write_text("{")
    ended = mribench("leaderboard", "--from", good, "--from", bad)
    assert ended.code == 0 and "left out: no record can be read" in ended.err


def test_a_second_file_with_other_scores_of_a_cell_counts_for_nothing(result, tmp_path, mribench):
    path = results.write(tmp_path, result(10.0))
    for name in ("a.json", "z.json"):
        files.write_json(path.with_name(name), results.record.to_json(result(-50.0)))
    said = []
    (found,) = results.read_all([tmp_path], said.append)
    assert found.scores[0].value == 10.0
    assert len(said) == 2 and all("different scores of one cell" in line for line in said)
    with pytest.raises(InputError, match="different scores of one cell"):
        results.read_all([tmp_path])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scores": []}, None),
        ({"seed": True}, "seed is True, expected int"),
        ({"data": {}}, "data.title is missing"),
        ({"audit": {"verdict": 3}}, "audit.verdict is 3, expected str"),
        ({"audit": {"verdict": "later than this version"}}, None),
        ({"metrics": {"kd": {"title": "t", "unit": "", "direction": "sideways"}}},
         "metrics.kd.direction is 'sideways', expected one of up, down, zero"),
        ({"metrics": {"kd": {"title": "t", "unit": "", "direction": "up", "range": ""}}},
         "metrics.kd.range is '', expected"),
        ({"metrics": {"kd": {"title": "t", "unit": "", "direction": "up", "range": [1.0, -1.0]}}},
         "range is 1.0 to -1.0, expected the smaller number first"),
        ({"floor": {"kd": {"n": 1, "n_reference": 1, "train_low": 2.0, "train_high": 1.0}}},
         "floor.kd: train_low is 2.0 and train_high is 1.0, expected low <= high, or neither"),
        ({"floor": {"kd": {"n": 1, "n_reference": 1, "subsamples": "1 x"}}},
         "subsamples is '1 x', expected finite numbers"),
        ({"provenance": {"training": {"seconds": -1}}}, "provenance.training.seconds is -1, expected float >= 0"),
        ({"figures": {"samples": "/etc/passwd"}}, "figures.samples is '/etc/passwd', expected a plain name"),
        ({"figures": {"samples": "../x.png"}}, "figures.samples is"),
        ({"figures": {"x](http://evil": "x.png"}}, "a key of figures is"),
    ],
)  # fmt: skip
def test_the_door_names_field_found_and_expected(result, tmp_path, change, said):
    content = results.record.to_json(result()) | change
    path = tmp_path / "x.json"
    files.write_json(path, content)
    if said is None:
        results.read(path)
        return
    with pytest.raises(InputError) as refusal:
        results.read(path)
    assert said in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_number_that_is_none_is_named_by_its_field(result, tmp_path, number):
    path = results.write(tmp_path, result(provenance={"later": {"x": 0.125}}))
    path.write_text(path.read_text().replace("0.125", number))
    with pytest.raises(InputError, match=r"provenance.later.x is -?(nan|inf), expected a finite number"):
        results.read(path)


def test_what_is_nested_without_end_is_refused(result, tmp_path):
    path = results.write(tmp_path, result(provenance={"later": 0.125}))
    text = path.read_text()
    for depth in (40, 100_000):
        path.write_text(text.replace("0.125", "[" * depth + "]" * depth))
        with pytest.raises(InputError, match="nested too deeply"):
            results.read(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"seconds": 1.5, "nfe": [5, 5]', "Expecting ',' delimiter"),
        ('{"seconds": -1}', "seconds is -1, expected float >= 0"),
        ('{"nfe": [5, "x"]}', r"nfe\[1\] is 'x', expected int"),
        ("[]", r"it is \[\], expected object"),
    ],
)
def test_a_cut_or_edited_made_json_is_one_sentence(tmp_path, text, said):
    path = tmp_path / "made.json"
    path.write_text(text)
    with pytest.raises(InputError, match=f"{path}: .*{said}.*; delete it$"):
        schema.read(path, schema.Produced, "delete it")
