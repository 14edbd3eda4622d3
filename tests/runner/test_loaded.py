"""``mribench.load``: the results of a run in Python and in a notebook."""

import builtins
import json
import shutil

import numpy as np
import pytest

import mribench as package
from mribench.errors import InputError


@pytest.fixture
def loaded(run_folder, scored, controls, audited, known_training):
    """A valid board: ddpm, and behind it a variant that is as good as noise."""
    rows = [scored(), scored("slow", 900.0, sampler=None), *controls]
    return package.load(run_folder("run", *audited(rows)))


def test_a_frame_has_a_line_for_each_score(loaded):
    frame = loaded.to_frame()
    assert len(frame) == sum(len(result.scores) for result in loaded.results) == 7
    ddpm = frame[(frame.variant == "ddpm") & (frame.metric == "kd")].iloc[0]
    assert (ddpm["modality"], ddpm["value"], ddpm["low"], ddpm["high"], ddpm["n"]) == (
        "brain",
        100,
        90,
        110,
        24,
    )
    assert not ddpm["control"] and frame[frame.variant == "noise"].control.all()


def test_without_pandas_a_frame_is_one_sentence(loaded, monkeypatch):
    found = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match="needs the package pandas, which is not installed"):
        loaded.to_frame()


def test_the_best_rows_are_those_that_no_other_is_ahead_of(loaded):
    (best,) = loaded.best()
    assert (best.modality, best.data, best.profile) == ("brain", "phantom", "quick")
    assert best.rows == ("ddpm ddim-5",) and best.reason is None


def test_where_nothing_is_ranked_it_says_why(run_folder, result):
    (best,) = package.load(run_folder("run", result())).best()
    assert best.rows == () and best.reason == "only 4 test subjects"


def test_the_images_are_those_that_were_scored(run_folder, result):
    folder = run_folder("run", result(), result(seed=1))
    one = result()
    images = np.arange(2 * 32 * 32, dtype=np.uint8).reshape(2, 32, 32)
    made = folder / "outputs" / one.provenance["outputs"]
    made.mkdir(parents=True)
    np.savez(made / "outputs.npz", images=images)
    run = package.load(folder)
    assert np.array_equal(run.samples("ddpm", seed=0), images)
    for asked, said in [
        (
            {},
            "holds 2 sets of images of ddpm; name one of: brain ddpm ddim-5 seed 0, brain ddpm ddim-5 seed 1",
        ),
        ({"modality": "lung"}, "holds 0 sets of images of lung ddpm"),
        ({"seed": 1}, "the images of brain ddpm ddim-5 are not in"),
    ]:
        with pytest.raises(InputError) as raised:
            run.samples("ddpm", **asked)
        assert said in str(raised.value)


def test_the_data_are_those_that_the_records_are_of(made, tmp_path):
    run = package.load(made)
    assert run.data().key == run.data("brain").key == run.results[0].provenance["data_key"]
    assert len(run.data().test) and run.data().test.images.dtype == np.uint8
    with pytest.raises(
        InputError, match="holds records of 0 sets of lung, expected one; name one organ of: brain"
    ):
        run.data("lung")
    shutil.copytree(made / "results", tmp_path / "results")
    with pytest.raises(InputError, match="prepared images of brain are not in"):
        package.load(tmp_path).data()


def test_what_is_shown_is_short_and_holds_every_row(loaded):
    text, page = repr(loaded), loaded._repr_html_()
    assert len(text) < 1500 and text.splitlines()[0].endswith(f"{len(loaded)} results on 1 board")
    for row in loaded.boards[0].rows:
        assert row.name in text and row.name in page
    assert page.count("<tr>") == len(text.splitlines()) - 2


def test_a_name_in_a_record_is_no_markup(run_folder, result):
    one = result(data=result().data | {"title": "<script>"})
    page = package.load(run_folder("run", one))._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_result_and_a_score_are_shown_in_a_line(scored):
    one = scored()
    assert repr(one) == "<Result brain ddpm ddim-5, seed 0, generation: kd[hc85-v1] 100>"
    assert len(one.scores[0].subsamples) == 200 and len(repr(one.scores[0])) < 250


def test_a_folder_without_results_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="no results in"):
        package.load(tmp_path)


def test_a_run_says_a_line_for_each_cell_that_is_no_control(mribench, tmp_path):
    """And its boards are one JSON document; what it made opens in Python."""
    words = ["run", "--modalities", "brain", "--profile", "smoke", "--train-steps", "1", "--jobs", "1"]
    words += ["--samplers", "ddim-2", "--tasks", "generation,audit", "--controls", "gaussian"]
    words += ["--format", "json", "--out", tmp_path / "run"]
    first, again = mribench(*words), mribench(*words)
    page = str(tmp_path / "run" / "leaderboard.html")
    cell, last = [line for line in first.err.splitlines() if not line.startswith("prepare ")]
    assert cell.startswith("brain ddpm ddim-2 s0: kd[hc85-v1] ") and ", audit: " in cell and last == page
    assert again.err.splitlines() == [page]
    assert [board["modality"] for board in json.loads(first.out)] == ["brain"] and again.out == first.out
    run = package.load(tmp_path / "run")
    assert run.samples("ddpm").shape == run.samples("gaussian").shape == (24, 32, 32)
    assert run.samples("ddpm").dtype == np.uint8
