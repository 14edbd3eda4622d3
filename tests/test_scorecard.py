"""Scorecards say what is on record, and of the rest that it is not known; readers are judged by the key."""

import json
from dataclasses import replace

import numpy as np
import pytest
from chromium import Page, binary
from typer.testing import CliRunner

from mribench.board.boards import boards
from mribench.cli.app import app
from mribench.errors import InputError
from mribench.scorecard import criteria, page, reading
from mribench.scorecard.write import write
from mribench.spec import Score, Split

SEVEN = ["Congruence", "Coverage", "Constraint", "Completeness", "Compliance", "Comprehension", "Consistency"]


def of(found, name):
    (board,) = boards(found)
    return next(c for c in criteria.criteria(board, board.row("ddpm")) if c.name == name)


def test_the_seven_are_there_and_the_distance_stands_beside_real_images_and_the_control(
    scored, controls, audited
):
    found = audited([scored(), *controls])
    (board,) = boards(found)
    made = criteria.criteria(board, board.row("ddpm"))
    assert [c.name for c in made] == SEVEN
    assert made[0].titles == ("ddpm ddim-5", "real train", "gaussian")
    (line,) = made[0].lines
    assert (
        line[0] == "KD[hc85-v1] (1e-3) ↓" and line[1].startswith("100.0 [") and line[3].startswith("600.0 [")
    )


def test_what_is_not_on_record_is_blank_with_a_reason(scored, controls, audited):
    found = audited([scored(), *controls])
    assert of(found, "Constraint").is_blank
    assert any("no task on record measures anatomy" in said for said in of(found, "Constraint").blank)
    assert of(found, "Coverage").lines == ()
    assert "Another training: there is one seed." in of(found, "Consistency").blank
    assert of([scored(), *controls], "Compliance").blank[0] == "Memorisation: no audit is on record."


def test_a_copier_is_named_under_compliance(scored, controls, audited):
    found = audited([scored(), *controls])
    grave = {"verdict": "MEMORISES", "reasons": ["9 of 10 are copies"]}
    found = [replace(r, audit=grave) if r.variant == "ddpm" and r.audit else r for r in found]
    assert (
        of(found, "Compliance")
        .said[0]
        .startswith("Memorisation audit, seed 0: MEMORISES (9 of 10 are copies)")
    )


def test_luck_of_a_training_and_spread_over_people_are_consistency(scored, controls, result):
    restored = Score("psnr", 21.0, 3, 3, 20, 22, 3, level=0.52409, per_subject=(20.0, 21.0, 22.0))
    metrics = {"psnr": {"title": "PSNR", "unit": "dB", "direction": "up"}}
    about = {"task": "denoising", "scores": (restored,), "metrics": metrics, "data": scored().data}
    found = [
        scored(value=100.0),
        scored(value=110.0, seed=1),
        result(**about),
        result(**about, seed=1),
        *controls,
    ]
    said = of(found, "Consistency").said
    assert "standard deviation 7.1 between 2 trainings" in said[0]
    assert "over 3 test subjects, standard deviation 1, from 20 to 22" in said[1]


def test_foreign_words_are_escaped(scored, controls, audited):
    found = audited([scored(), *controls])
    title = {"title": "<script>alert(1)</script>"}
    found = [replace(r, data=r.data | title) for r in found]
    (board,) = boards(found)
    row = board.row("ddpm")
    text = page.scorecard(board, row, criteria.criteria(board, row), [], "", [])
    assert "<script>" not in text and "&lt;script&gt;" in text


@pytest.fixture
def test_split():
    images = np.arange(6 * 2, dtype=np.uint8).repeat(64).reshape(12, 8, 8)
    return Split(images, tuple(f"s{i}" for i in range(6) for _ in range(2)))


@pytest.fixture
def generated():
    return np.full((20, 8, 8), 200, np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None]


def test_a_sheet_has_equally_many_of_both_and_one_image_of_a_person(test_split, generated):
    made = reading.sheet(generated, test_split, 5)
    assert made.images.shape == (10, 8, 8) and sum(made.generated) == 5
    shown = [
        int(image[0, 0])
        for image, is_generated in zip(made.images, made.generated, strict=True)
        if not is_generated
    ]
    assert len({value // 2 for value in shown}) == 5, "two images of a person would tell which are real"
    values = [int(image[0, 0]) >= 200 for image in made.images]
    assert values == list(made.generated)
    assert made.generated != tuple(sorted(made.generated, reverse=True)), "in random order"
    assert (
        reading.sheet(generated, test_split, 5).id == made.id != reading.sheet(generated, test_split, 5, 1).id
    )


def test_more_people_than_there_are_is_refused(test_split, generated):
    with pytest.raises(InputError, match="6 test subjects are there, expected 7"):
        reading.sheet(generated, test_split, 7)


def test_the_sheet_does_not_hold_the_solution(test_split, generated):
    made = reading.sheet(generated, test_split, 5)
    text = page.reading_sheet("Brain", made)
    assert made.id in text and text.count("<img") == 10
    sizes = {len(line) for line in text.splitlines() if "<img" in line}
    assert len(sizes) <= 3, "nothing but the pixels differs"
    assert "true" not in text.partition("<body")[2].partition("<script>")[0]


def saved(path, made, answers, reader="A"):
    path.write_text(json.dumps({"sheet": made.id, "reader": reader, "answers": answers}))
    return path


def test_readers_are_judged_by_the_key(tmp_path, test_split, generated):
    made = reading.sheet(generated, test_split, 5)
    truth = [reading.ANSWERS[g] for g in made.generated]
    other = ["generated"] * 10
    right = reading.read(saved(tmp_path / "a.json", made, truth), made.key)
    guess = reading.read(saved(tmp_path / "b.json", made, other, "B"), made.key)
    assert (right.right, right.generated_found, guess.right, guess.generated_found) == (10, 5, 5, 5)
    said = reading.sentences([right, guess])
    assert said[0].startswith("Reader A was right about 10 of 10 images, 100% [69%, 100%]")
    assert "5 of 10 images, 50% [19%, 81%]" in said[1] and said[2].startswith("Mean of 2 readers: 75%")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"sheet": "0", "reader": "A", "answers": []}, "answers to sheet 0"),
        ({"reader": "A"}, "holds no answers"),
        ({"sheet": "ID", "reader": "A", "answers": ["real"]}, "1 answers, expected 10"),
        ({"sheet": "ID", "reader": "A", "answers": ["perhaps"]}, "'perhaps', expected real or generated"),
    ],
)
def test_wrong_answers_are_refused(tmp_path, test_split, generated, content, sentence):
    made = reading.sheet(generated, test_split, 5)
    (tmp_path / "a.json").write_text(json.dumps(content).replace("ID", made.id))
    with pytest.raises(InputError, match=sentence):
        reading.read(tmp_path / "a.json", made.key)


def test_a_kept_board_gives_cards_without_pictures_and_no_sheet(
    run_folder, scored, controls, audited, tmp_path
):
    run = run_folder("run", *audited([scored(), *controls]))
    (card,) = write(run, tmp_path / "out")
    text = card.read_text()
    assert card.name == "brain_ddpm_ddim-5.html" and "8. Reader study" in text and "<img" not in text
    with pytest.raises(InputError, match="the images of brain_ddpm_ddim-5 are not in"):
        write(run, tmp_path / "out", readers=3)
    with pytest.raises(InputError, match="no results of flow"):
        write(run, tmp_path / "out", variants=["flow"])


def test_answers_count_from_then_on(run_folder, scored, controls, audited, tmp_path, test_split, generated):
    run, out = run_folder("run", *audited([scored(), *controls])), tmp_path / "out"
    made = reading.sheet(generated, test_split, 5)
    out.mkdir()
    (out / "brain_ddpm_ddim-5_reading-key.json").write_text(json.dumps(made.key))
    answered = saved(tmp_path / "a.json", made, ["real"] * 10)
    words = ["scorecard", str(run), "--out", str(out)]
    assert CliRunner().invoke(app, [*words, "--answers", str(answered)]).exit_code == 0
    assert CliRunner().invoke(app, [*words, "--answers", str(answered)]).exit_code == 0
    assert CliRunner().invoke(app, words).exit_code == 0
    assert len(list(out.glob("*_answers-*.json"))) == 1, "the same answers count once"
    text = (out / "brain_ddpm_ddim-5.html").read_text()
    assert "Reader A was right about 5 of 10" in text
    other = saved(tmp_path / "b.json", replace(made, images=made.images + 1), ["real"] * 10)
    with pytest.raises(InputError, match="no sheet in"):
        write(run, out, answered=[other])


@pytest.mark.slow
@pytest.mark.skipif(binary() is None, reason="no Chromium is installed")
def test_a_browser_saves_what_a_reader_answered(tmp_path, test_split, generated):
    made = reading.sheet(generated, test_split, 5)
    path = tmp_path / "sheet.html"
    path.write_text(page.reading_sheet("Brain", made))
    with Page(path) as browser:
        browser.ask("document.getElementById('reader').value = 'Dr. A'")
        browser.ask("answer('real'); back(); document.getElementById('generated').click()")
        assert browser.ask("document.querySelectorAll('.question:not([hidden])').length") == 1
        browser.ask("for (let i = 0; i < 20; i++) answer('real')")
        assert browser.ask("document.getElementById('end').hidden") is False
        browser.ask("URL.createObjectURL = (blob) => { window.saved = blob; return '#'; }")
        browser.ask("document.getElementById('save').click()")
        (tmp_path / "a.json").write_text(str(browser.ask("window.saved.text()")))
        assert browser.problems() == []
    given = reading.answers(tmp_path / "a.json")
    assert given["reader"] == "Dr. A" and given["answers"] == ["generated"] + ["real"] * 9
    assert reading.read(tmp_path / "a.json", made.key).n == 10


def test_a_sheet_is_made_of_the_set_that_was_scored_with_fields_beside_it(
    tmp_path, monkeypatch, test_split, generated
):
    from types import SimpleNamespace

    from mribench.data.store import dataset
    from mribench.scorecard import write as writing

    for name in ("brain-a", "brain-b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / dataset.MANIFEST).write_text("{}")
    (tmp_path / "data" / "brain-a.fields").mkdir()

    def manifest(folder):
        assert (folder / dataset.MANIFEST).is_file(), folder
        return {"key": folder.name}

    monkeypatch.setattr(dataset, "read_manifest", manifest)
    monkeypatch.setattr(dataset, "load", lambda folder: SimpleNamespace(test=test_split))
    monkeypatch.setattr(writing, "_images", lambda run, row: generated)
    row = SimpleNamespace(results=[SimpleNamespace(provenance={"data_key": "brain-b"})])
    one = writing.Generator(SimpleNamespace(modality="brain"), row, "brain_ddpm")
    assert writing._sheet(tmp_path, one, 3).images.shape[0] == 6
    row.results[0].provenance["data_key"] = "another"
    with pytest.raises(InputError, match="the data of brain_ddpm are not in"):
        writing._sheet(tmp_path, one, 3)
