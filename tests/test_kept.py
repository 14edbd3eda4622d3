"""A kept board is a file an organ: what was put in comes out, bytes depend on records alone, damage is named."""

import json
import math
import random
from dataclasses import replace

import pytest

from mribench import files, results
from mribench.errors import InputError
from mribench.results import kept
from mribench.spec import Score

ODD_NUMBERS = (0.0, -0.0, 5e-324, 1e308, -1.5e-300, 1 / 3, 0.1 + 0.2, 123456789.123456789, 65504.0, 7, True)
ODD_WORDS = ("", " ", "ü", "\u2028", "\x00", "a\nb", '"\\', "ᾱ 0.5", "NaN", "𝕊")


def odd(draw, depth=2):
    """Any JSON value."""
    if depth and draw.random() < 0.5:
        inner = [odd(draw, depth - 1) for _ in range(draw.randrange(4))]
        return inner if draw.random() < 0.5 else {draw.choice(ODD_WORDS): value for value in inner}
    return draw.choice((None, False, True, 0, -1, 2**70, *ODD_NUMBERS, *ODD_WORDS))


def odd_result(make, seed):
    draw = random.Random(seed)

    def word():
        return draw.choice(ODD_WORDS)

    def number():
        return draw.choice((None, *ODD_NUMBERS))

    def numbers():
        return tuple(float(x) for x in draw.sample(ODD_NUMBERS, draw.randrange(4)))

    scores = tuple(
        Score(
            word(), number(), 3, draw.choice((None, 4)), number(), number(), 5, draw.choice((None, word())),
            level=number(), reason=draw.choice((None, word())), per_subject=numbers(), subsamples=numbers(),
        )
        for _ in range(draw.randrange(4))
    )  # fmt: skip
    mapping = {"comparability": {"data": odd(draw), word(): odd(draw)}, "seed": seed}
    return make(
        scores=scores,
        data={"title": odd(draw)},
        provenance={"profile": draw.choice((None, {}, {"a": odd(draw)})), word(): odd(draw)},
        metrics=draw.choice(({}, {word(): {"title": odd(draw)}})),
        reported=draw.choice((None, {}, {word(): odd(draw)})),
        reported_table=draw.choice((None, {"title": word(), "rows": odd(draw)})),
        floor=draw.choice(({}, {"kd": {"subsamples": "1 2", "half": odd(draw)}})),
        audit=draw.choice((None, {"verdict": odd(draw)})),
        versions=draw.choice(({}, {"variant": 2})),
        spaces=draw.choice(({}, {word(): {"trusted": None}})),
        **mapping,
    )


def test_odd_values_come_back_as_they_were(result, tmp_path):
    """Whatever the parts of a record hold, the file gives back; whether it is a record is for ``schema`` to say."""
    wanted = sorted((odd_result(result, seed) for seed in range(200)), key=results.sort_key)
    kept.write(tmp_path / kept.ONE_FILE, wanted)
    header, *body = files.read_lines(tmp_path / kept.ONE_FILE)
    found = kept._records(json.loads(header), body)
    assert len(found) == 200
    for (line, shared), one in zip(found, wanted, strict=True):
        content = json.dumps(results.record.to_json(kept.rounded(one)), sort_keys=True)
        assert json.dumps(kept._joined(line, shared), sort_keys=True) == content


@pytest.mark.parametrize("field", ["value", "low", "per_subject", "subsamples", "floor"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_kept(result, tmp_path, field, number):
    score = result().scores[0]
    wrong = (number,) if field in ("per_subject", "subsamples") else number
    changes = (
        {"floor": {"kd": {"half": number}}}
        if field == "floor"
        else {"scores": (replace(score, **{field: wrong}),)}
    )
    with pytest.raises(ValueError, match="Out of range"):
        kept.write(tmp_path / kept.ONE_FILE, [result(**changes)])
    assert not list(tmp_path.iterdir())


def test_lists_keep_the_precision_of_float32_and_values_that_of_float64(result, tmp_path):
    score = replace(
        result().scores[0], value=math.pi, low=math.e, high=4.0, per_subject=(math.pi, 1e-300, 0.12345)
    )
    kept.write(tmp_path / kept.ONE_FILE, [result(scores=(score,))])
    ((back,),) = (one.scores for one in kept.read(tmp_path / kept.ONE_FILE))
    assert (back.value, back.low) == (math.pi, math.e)
    assert back.per_subject == (3.1415927, 1e-300, 0.12345)
    assert all(
        abs(a - b) <= abs(b) * 2**-24 for a, b in zip(back.per_subject, score.per_subject, strict=True)
    )


def test_the_same_records_give_the_same_bytes(scored, tmp_path):
    found = [scored(variant, 50.0 + seed, seed) for seed in range(3) for variant in ("ddpm", "other")]
    kept.write(tmp_path / "a.zst", found)
    kept.write(tmp_path / "b.zst", reversed(found))
    kept.write(tmp_path / "c.zst", kept.read(tmp_path / "a.zst"))
    assert len({(tmp_path / f"{name}.zst").read_bytes() for name in "abc"}) == 1


def test_what_records_share_is_stored_once(scored, tmp_path):
    kept.write(tmp_path / kept.ONE_FILE, [scored(seed=seed) for seed in range(9)])
    text = "\n".join(files.read_lines(tmp_path / kept.ONE_FILE))
    assert text.count('"half_mean"') == text.count('"subjects":{') == text.count('"resolution"') == 1
    assert len(text.splitlines()) < 9 + 9


def edited(lines, how):
    header, *body = lines
    match how:
        case "an edited score":
            return [header, *body[:-1], body[-1].replace("10.0", "11.0")]
        case "a line less":
            return lines[:-1]
        case "a line more":
            return [*lines, lines[-1]]
        case "lines in another order":
            return [header, *reversed(body)]
        case "another format":
            return [header.replace("mribench records", "recipes"), *body]
        case "no header":
            return body
        case "a list for a header":
            return ["[]", *body]
        case "nothing":
            return [""]


HOW = [
    "an edited score",
    "a line less",
    "a line more",
    "lines in another order",
    "another format",
    "no header",
]
HOW += ["a list for a header", "nothing"]


@pytest.fixture
def board(result, tmp_path):
    """A kept board of two records."""
    results.add(tmp_path / "kept", [result(), result(seed=1)])
    return tmp_path / "kept"


@pytest.mark.parametrize("how", HOW)
def test_an_edited_file_is_named_in_one_sentence(how, board, refused):
    lines = edited(files.read_lines(kept.path_of(board, "brain")), how)
    files.write_lines(kept.path_of(board, "brain"), lines)
    sentence = refused("leaderboard", board)
    assert f"{kept.path_of(board, 'brain')} is not a records file of mribench" in sentence
    assert "fetch it again" in sentence
    assert not (board / "leaderboard.md").exists()


def damaged(content, how):
    match how:
        case "cut off":
            return content[: len(content) // 2]
        case "a byte short":
            return content[:-1]
        case "empty":
            return b""
        case "wrong magic":
            return b"PK\x03\x04" + content[4:]
        case "JSON":
            return b'{"schema": 1}'
        case "a pickle":
            return b"\x80\x04cos\nsystem\n(S'false'\ntR."
        case "a byte flipped":
            return content[:60] + bytes([content[60] ^ 255]) + content[61:]
        case "something behind it":
            return content + b"more"


HOW_BYTES = ["cut off", "a byte short", "empty", "wrong magic", "JSON", "a pickle", "a byte flipped"]


@pytest.mark.parametrize("how", [*HOW_BYTES, "something behind it"])
def test_a_damaged_file_is_named_in_one_sentence(how, board, refused):
    (kept.path_of(board, "brain")).write_bytes(damaged((kept.path_of(board, "brain")).read_bytes(), how))
    for command in (("leaderboard", board), ("compare", board, board), ("verify", board)):
        assert "is not a records file of mribench" in refused(*command)


@pytest.mark.parametrize("field", ["version", "schema"])
def test_a_later_form_asks_for_a_later_mribench(field, board, refused):
    header, *body = files.read_lines(kept.path_of(board, "brain"))
    header = json.dumps(json.loads(header) | {field: 2})
    files.write_lines(kept.path_of(board, "brain"), [header, "what only a later version knows", *body])
    assert "expected 1 and 1; update mribench" in refused("leaderboard", board)


def test_a_file_that_unpacks_to_more_than_the_memory_is_refused(board, refused, monkeypatch):
    monkeypatch.setattr(files, "MAX_TEXT_BYTES", 1000)
    with pytest.raises(InputError, match="unpacks to more than"):
        results.read_all([board])


def test_an_edited_comparability_is_refused_although_the_sum_is_right(result, tmp_path):
    """Whoever makes the sum anew still has not made another comparability key."""
    path = tmp_path / kept.ONE_FILE
    kept.write(path, [result()])
    _, *body = files.read_lines(path)
    body = [line.replace('"resolution":32', '"resolution":64') for line in body]
    header = {"format": kept.FORMAT, "version": 1, "schema": 1, "shared": len(body) - 1, "records": 1}
    files.write_lines(path, [json.dumps(header | {"sha256": kept._digest(body)}), *body])
    with pytest.raises(InputError, match="comparability fields were changed"):
        kept.read(path)


def test_a_folder_a_file_and_a_run_merge(result, run_folder, board):
    run = run_folder("run", result(seed=1), result(seed=2))
    together = results.read_all([run, board, kept.path_of(board, "brain")])
    assert [one.seed for one in together] == [0, 1, 2]
    other = run_folder("other", result(99.0))
    with pytest.raises(InputError, match="give different scores of one cell"):
        results.read_all([other, board])


def test_a_run_with_numbers_in_full_is_the_same_cell_as_its_kept_record(result, run_folder, tmp_path):
    score = replace(result().scores[0], subsamples=(math.pi, math.e))
    run = run_folder("run", result(scores=(score,)))
    results.add(tmp_path / "kept", results.read_all([run]))
    assert len(results.read_all([run, tmp_path / "kept"])) == 1


def test_results_are_added_to_a_kept_board_in_place_of_older_ones(result, board):
    results.add(board, [result(5.0), result(seed=7)])
    assert [(one.seed, one.scores[0].value) for one in results.read_all([board])] == [
        (0, 5.0),
        (1, 10.0),
        (7, 10.0),
    ]


def test_a_board_of_json_files_stays_one(result, run_folder):
    folder = run_folder("old", result())
    results.add(folder, [result(seed=1)])
    assert len(list((folder / "results").rglob("*.json"))) == 2 and not (folder / kept.FOLDER).exists()


def test_each_organ_has_a_file_of_its_own(result, tmp_path):
    results.add(tmp_path, [result(modality=organ) for organ in ("heart", "brain")])
    before = kept.path_of(tmp_path, "brain").read_bytes()
    results.add(tmp_path, [result(5.0, modality="heart")])
    assert [path.name for path in kept.paths(tmp_path)] == ["brain.jsonl.zst", "heart.jsonl.zst"]
    assert kept.path_of(tmp_path, "brain").read_bytes() == before
    (heart,) = results.read_all([kept.path_of(tmp_path, "heart")])
    assert heart.modality == "heart" and heart.scores[0].value == 5.0


def test_a_board_of_one_file_becomes_a_file_for_each_organ(result, run_folder, tmp_path):
    """Earlier versions kept all organs in one file: it is read, and gives way once records are added."""
    old = [result(modality=organ, seed=seed) for organ in ("brain", "heart") for seed in range(2)]
    kept.write(tmp_path / "kept" / kept.ONE_FILE, old)
    before = results.read_all([tmp_path / "kept"])
    assert len(before) == 4
    results.add(tmp_path / "kept", [result(modality="lung")])
    assert [path.name.partition(".")[0] for path in kept.paths(tmp_path / "kept")] == [
        "brain",
        "heart",
        "lung",
    ]
    assert results.read_all([tmp_path / "kept"])[:4] == before
