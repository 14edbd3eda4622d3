"""Restored images are compared pair by pair with the true ones, on the board of the task that asked for them."""

import json

import numpy as np
import pytest
from made_by_hand import SIDE, save_pngs
from PIL import Image

import mribench as package
from mribench import results
from mribench.board.boards import boards
from mribench.errors import InputError
from mribench.plugins import lookup

pytestmark = pytest.mark.skipif("superres" not in lookup.names("tasks"), reason="needs mribench-inverse")
TASK, LEVELS = "superres", (2.0, 4.0)


@pytest.fixture(scope="module")
def asked(own, tmp_path_factory):
    """Options that fit the user's own data, and what is asked of them, as a file."""
    from mribench.scoring.questions import write_questions

    folder = tmp_path_factory.mktemp("asked")
    about = {"against": str(own), "profile": "smoke"}
    lines = write_questions(TASK, out=folder / "questions.npz", runs=folder / "out", **about)
    assert "y_level_2 is A x + noise, of an image x from 0, black, to 1, white" in lines[1]
    # the operator in its own words, which tell where a k-space begins
    assert lines[1].endswith("; A: Means over squares of factor times factor pixels.")
    with np.load(folder / "questions.npz") as archive:
        return about | {"task": TASK, "out": folder / "out"}, dict(archive)


@pytest.fixture(scope="module")
def enlarged(asked):
    """Level -> (n, H, W): every pixel of the small image repeated, clipped."""
    _, held = asked
    return {
        level: np.clip(held[f"y_level_{level:g}"][:, 0], 0, 1).repeat(int(level), 1).repeat(int(level), 2)
        for level in LEVELS
    }


@pytest.fixture(scope="module")
def scored(asked, enlarged):
    return package.score(enlarged, name="repeated", controls="bicubic,training-mean,wiener", **asked[0])


def test_the_questions_hold_measurements_and_no_true_image_of_test_subjects(asked, enlarged):
    _, held = asked
    assert {"ids", "levels", "y_level_2", "adjoint_level_4", "sigma_level_2"} <= held.keys()
    assert "images" not in held
    assert held["y_level_4"].shape == (len(held["ids"]), 1, SIDE // 4, SIDE // 4)
    assert len(set(held["ids"].tolist())) == len(held["ids"])


def test_training_images_come_with_the_truth_and_all_of_them(asked, own, tmp_path):
    from mribench.scoring.questions import write_questions

    write_questions(TASK, str(own), tmp_path / "t.npz", split="train", profile="smoke", runs=tmp_path / "out")
    with np.load(tmp_path / "t.npz") as held:
        images, small = held["images"] / 255, held["y_level_2"][:, 0]
    means = images.reshape(len(images), SIDE // 2, 2, SIDE // 2, 2).mean((2, 4))
    # white noise of 0.01
    assert np.sqrt(((means - small) ** 2).mean()) == pytest.approx(0.01, rel=0.1)


def test_scores_are_those_of_the_pairs(scored, asked, own, enlarged):
    """Known answer: PSNR by hand, a mean over subjects."""
    from mribench.scoring import data

    folder = next((asked[0]["out"] / "data").glob("*/manifest.json")).parent
    test = data.load(folder).test
    record = scored.record
    rows = np.load(next((asked[0]["out"] / "outputs").glob("*repeated*")) / "outputs.npz")["rows"]
    stored = np.rint(enlarged[2.0] * 255) / 255
    mse = ((stored - test.images[rows] / 255) ** 2).mean((1, 2))
    subjects = np.array(test.subjects)[rows]
    decibel = [np.mean(-10 * np.log10(mse[subjects == one])) for one in np.unique(subjects)]
    score = scored.scores["psnr@2"]
    assert score.value == pytest.approx(np.mean(decibel), abs=1e-4)
    assert score.low < score.value < score.high and score.subjects == len(decibel)
    assert record.provenance["source"]["kind"] == "array" and record.provenance["trained_on"] is None


def test_it_stands_beside_baselines_and_controls_and_is_not_ranked(scored):
    names = {row.name for row in scored.board.rows}
    assert names == {"repeated", "bicubic", "training-mean", "wiener"}
    assert scored.board.ranks["repeated"].reason
    assert "repeated: " in repr(scored) and "factor 2: psnr " in repr(scored)
    assert json.dumps(scored.to_dict())


def test_by_default_all_that_trains_nothing_stands_beside():
    from mribench.scoring.questions import restoration_task
    from mribench.scoring.restored import _beside

    names = {solver.name for solver in _beside(restoration_task(TASK), None)}
    assert names >= {"bicubic", "tv", "training-mean", "wiener"}
    assert not names & {"zero-filled", "dps"}  # of other problems, with a prior


def test_a_board_that_ranks_gives_a_restored_row_no_rank(scored):
    from mribench.board.eligibility import why_unaudited
    from mribench.board.group import groups

    (group,) = groups(scored.board.members)
    assert why_unaudited(group, group.row("repeated"), group.primary) == "restored elsewhere"
    assert why_unaudited(group, group.row("bicubic"), group.primary) is None


def test_names_decide_and_not_the_order(scored, asked, enlarged, tmp_path):
    about, held = asked
    turned = {f"level_{level:g}": images[::-1] for level, images in enlarged.items()}
    np.savez(tmp_path / "turned.npz", ids=held["ids"][::-1], **turned)
    for level, images in enlarged.items():
        folder = save_pngs(tmp_path / "pngs" / f"level_{level:g}", images)
        for i, name in enumerate(held["ids"]):
            (folder / f"sample_{i}.png").rename(folder / f"{name}.png")
    for given in ("turned.npz", "pngs"):
        again = package.score(tmp_path / given, name=given.partition(".")[0], controls="", **about)
        assert {k: s.value for k, s in again.scores.items()} == {k: s.value for k, s in scored.scores.items()}
    assert len(boards(results.read_all([about["out"]]))) == 1


def test_four_samples_of_each_answer_are_scored_as_those_of_a_solver(asked, enlarged):
    four = {level: np.stack([images, images, 1 - images, images], 1) for level, images in enlarged.items()}
    found = package.score(four, name="four", controls="", **asked[0])
    assert found.scores["psnr@2"].value > found.scores["psnr_mean@2"].value
    assert found.scores["sharpness@2"].value is not None


def test_the_record_verifies_and_stands_beside_a_run(scored, asked, mribench, own, tmp_path):
    ended = mribench("verify", asked[0]["out"])
    assert ended.code == 0, ended.out
    run = tmp_path / "run"
    budget = {"profile": "smoke", "tasks": TASK, "solvers": "bicubic", "controls": ""}
    package.run(modalities="brain", variants="", data=own, out=run, **(budget | {"controls": "noise"}))
    words = ("--task", TASK, "--against", own, "--beside", run, "--name", "mine", "--controls", "")
    _, held = asked
    small = {f"level_{level:g}": held[f"adjoint_level_{level:g}"].clip(0, 1) for level in LEVELS}
    np.savez(tmp_path / "mine.npz", ids=held["ids"], **small)
    ended = mribench("score", tmp_path / "mine.npz", *words, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    (board,) = boards(results.read_all([tmp_path / "out", run]))
    assert {row.name for row in board.rows} >= {"mine", "bicubic"}


def missing(images, ids):
    return {name: x[1:] for name, x in images.items()}, ids[1:]


def extra(images, ids):
    return {name: np.concatenate([x, x[:1]]) for name, x in images.items()}, [*ids, "0099-abcdef01"]


def of_another_seed(images, ids):
    return images, [f"{name[:5]}00000000" for name in ids]


def other_side(images, ids):
    return {name: np.zeros((len(x), 64, 64)) for name, x in images.items()}, ids


def oblong(images, ids):
    return {name: np.zeros((len(x), 32, 30)) for name, x in images.items()}, ids


def one_level(images, ids):
    return {"level_2": images["level_2"]}, ids


def twice(images, ids):
    return images, [ids[0], *ids[:-1]]


def without_names(images, ids):
    return {name: x[1:] for name, x in images.items()}, None


REFUSED = {
    missing: ("1 are missing", "expected one for each"),
    extra: ("1 are of no question (0099-abcdef01)", "expected one for each"),
    of_another_seed: ("none of the", "--seed"),
    other_side: ("none of the", "--size"),
    oblong: ("32x30", "expected squares"),
    one_level: ("of level_2 were found", "level_2, level_4"),
    twice: ("different ids",),
    without_names: ("expected", "in their order"),
}


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.__name__)
def test_what_is_not_paired_is_refused(change, asked, enlarged, refused, tmp_path):
    about, held = asked
    images, ids = change({f"level_{k:g}": x for k, x in enlarged.items()}, held["ids"].tolist())
    np.savez(tmp_path / "it.npz", **images, **({} if ids is None else {"ids": np.array(ids)}))
    words = ("--task", TASK, "--against", about["against"], "--profile", "smoke", "--out", tmp_path / "out")
    said = refused("score", tmp_path / "it.npz", *words)
    assert all(part in said for part in REFUSED[change]), said
    assert not (tmp_path / "out" / "results").exists()


def test_denoised_images_are_scored_too(own, tmp_path, mribench):
    words = ("--task", "denoising", "--against", own, "--profile", "smoke")
    asked = mribench("questions", *words, "--out", tmp_path / "q.npz", "--runs", tmp_path / "out")
    assert asked.code == 0 and "an image from -1, black, to 1, white" in asked.out
    with np.load(tmp_path / "q.npz") as held:
        levels, ids = held["levels"], held["ids"]
        assert levels.tolist() == pytest.approx([0.89702, 0.52409, 0.07859])
        # the least squares estimate of x_0 where nothing is known of it
        guess = {f"level_{a:g}": (held[f"y_level_{a:g}"] * a**0.5 / 2 + 0.5).clip(0, 1) for a in levels}
    np.savez(tmp_path / "mine.npz", ids=ids, **guess)
    ended = mribench("score", tmp_path / "mine.npz", *words, "--controls", "blur", "--out", tmp_path / "out")
    assert ended.code == 0 and "rank: " in ended.out, ended.err
    found = {r.variant: r for r in results.read_all([tmp_path / "out"])}
    (name,) = found.keys() - {"blur"}
    assert name.startswith("restored-") and found[name].task == "denoising"


def test_tasks_without_pairs_are_refused(refused, tmp_path, own):
    assert "compares no restored images" in refused("questions", "--task", "audit", "--against", own)
    assert "unknown task 'inpaint'" in refused("questions", "--task", "inpaint", "--against", own)
    microscopy = ("--task", "mri", "--against", "phantom:chromatin", "--out", tmp_path / "m.npz")
    assert "expected an organ that is MRI" in refused("questions", *microscopy)
    (tmp_path / "q.npz").write_bytes(b"")
    words = ("--task", TASK, "--against", own, "--out", tmp_path / "q.npz")
    assert "expected a new file" in refused("questions", *words)
    with pytest.raises(InputError, match="leave them out"):
        package.score({2: np.zeros((3, 32, 32))}, against=own, task=TASK, n=64)


def test_colour_is_refused(refused, tmp_path, own):
    folder = tmp_path / "level_2"
    folder.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(
        folder / "a.png"
    )
    assert "in colour" in refused("score", tmp_path, "--task", TASK, "--against", own)
