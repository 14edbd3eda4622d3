"""What was changed after it was written is known as edited, whichever file it is read from and written to next."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from mribench import files, results
from mribench.hashing import arrays_sha256
from mribench.hub import redaction, staging
from mribench.results import digest, kept
from mribench.results.record import to_json


@pytest.fixture
def edited(result, tmp_path):
    """``edited(change)``: a record whose file was changed by hand, read again."""

    def make(change, **changes):
        path = results.write(tmp_path / "run", result(**changes))
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        return results.read(path)

    return make


def leaves(value, path=()):
    """(path, value) of every number and word of a JSON value."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def with_leaf(content, path, value):
    content = copy.deepcopy(content)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return content


def test_a_change_of_any_field_is_an_edit(scored):
    written = json.loads(json.dumps(to_json(scored(audit={"verdict": "not detected"}, figures={"a": "b"}))))
    assert digest.is_edited(written) is False
    paths = [path for path, _ in leaves(written)]
    assert len(paths) > 60
    for path, value in leaves(written):
        other = value + 1 if type(value) in (int, float) else "other"
        assert digest.is_edited(with_leaf(written, path, other)), path


@pytest.mark.parametrize("how", ["a field more", "a field less", "a score less"])
def test_what_was_added_or_removed_is_an_edit(how, edited):
    def change(content):
        match how:
            case "a field more":
                content["data"]["more"] = 1
            case "a field less":
                del content["level_name"]
            case "a score less":
                del content["scores"][0]

    assert edited(change).edited is True


def test_layout_and_order_of_a_file_are_no_edit(edited):
    assert edited(lambda content: content.update(scores=content.pop("scores"))).edited is False


def test_a_record_without_digest_is_neither_and_stays_so(edited, tmp_path):
    old = edited(lambda content: content.pop("digest"))
    assert old.edited is None
    assert results.read(results.write(tmp_path / "again", old)).edited is None
    kept.write(tmp_path / "kept.zst", [old])
    assert kept.read(tmp_path / "kept.zst")[0].edited is None


def test_an_edited_record_is_never_sealed_again(edited, result, tmp_path):
    ours = edited(lambda content: content["scores"][0].update(value=1.0))
    assert ours.edited is True
    again = results.read(results.write(tmp_path / "again", ours))
    results.add(tmp_path / "kept", [again, result(seed=1)])
    results.add(tmp_path / "kept", [result(seed=2)])
    assert [one.edited for one in results.read_all([tmp_path / "kept"])] == [True, False, False]
    redacted = staging.redacted(
        results.read_all([tmp_path / "kept"])[0], redaction.Redactor({"ddpm": "name"})
    )
    assert redacted.variant == "[removed]" and redacted.edited is True
    assert results.read(results.write(tmp_path / "hub", redacted)).edited is True


def test_a_record_cannot_say_itself_that_it_is_whole(edited):
    assert edited(lambda content: content.update(edited=False)).edited is True


def test_redaction_makes_a_new_digest(result, tmp_path):
    one = results.read(
        results.write(tmp_path / "run", result(data=result().data | {"title": "of Ann Example"}))
    )
    redacted = staging.redacted(one, redaction.Redactor({"Ann Example": "name"}))
    path = results.write(tmp_path / "hub", redacted)
    assert results.read(path).data["title"] == "of [removed]" and results.read(path).edited is False
    assert json.loads(path.read_text())["digest"] != to_json(one)["digest"]


def test_numbers_that_a_kept_board_rounds_are_under_its_own_digest(result, tmp_path):
    score = replace(result().scores[0], subsamples=(np.pi, np.e))
    results.add(tmp_path, [result(scores=(score,))])
    (found,) = results.read_all([tmp_path])
    assert found.scores[0].subsamples != score.subsamples and found.edited is False


def test_a_number_of_a_kept_board_that_was_changed_with_its_sum_is_an_edit(result, tmp_path):
    path = tmp_path / results.kept.ONE_FILE
    kept.write(path, [result(10.0)])
    first, *body = files.read_lines(path)
    body = [line.replace("10.0", "11.0") for line in body]
    files.write_lines(path, [json.dumps(json.loads(first) | {"sha256": kept._digest(body)}), *body])
    (found,) = kept.read(path)
    assert found.scores[0].value == 11.0 and found.edited is True


def test_a_record_under_the_former_name_of_its_task_is_no_edit(result, tmp_path):
    old = result(task="reconstruction", same={"task": "reconstruction v2"})
    found = results.read(results.write(tmp_path, old))
    assert (found.task, found.edited) == ("denoising", False)
    assert results.read(results.write(tmp_path, found)).edited is False


def test_keys_and_tuples_that_json_writes_otherwise_are_no_edit(result, tmp_path):
    one = result(data=result().data | {"counts": {10: 1, 9: (2, 3)}})
    assert results.read(results.write(tmp_path, one)).edited is False


def test_outputs_hash_by_name_type_shape_and_value():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    base = arrays_sha256({"a": images, "b": np.ones(2)})
    assert base == arrays_sha256({"b": np.ones(2, ">f8"), "a": np.asfortranarray(images)})
    other = [
        {"c": images, "b": np.ones(2)},
        {"a": images.astype(np.int8), "b": np.ones(2)},
        {"a": images.reshape(3, 2, 4), "b": np.ones(2)},
        {"a": images ^ 1, "b": np.ones(2)},
        {"a": images},
    ]
    assert len({base, *map(arrays_sha256, other)}) == 6
