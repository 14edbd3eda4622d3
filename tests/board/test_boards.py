"""Boards: what stands together, what a number is made of, and what is written down."""

import csv
import io
import itertools
import json
import re

import pytest

from mribench.board import columns, export, markdown, publish, sentences
from mribench.board.boards import boards, in_one_line
from mribench.board.html.page import html
from mribench.results.record import from_json, to_json
from mribench.spec import Score

ADDRESS = ("kd", "hc85-v1", None)
REPORTED = {"source": "A study", "psnr": 40.1, "ssim": 0.7, "mse": 2.0, "mae": 0.6, "fid": 52.9}


def entry(results, variant="ddpm"):
    (board,) = boards(results)
    return board.row(variant).estimates[ADDRESS]


def cell(board, title):
    """The cell below a title in the first line of the headline."""
    table = columns.headline(board)
    return table.texts()[0][table.titles.index(title)]


@pytest.mark.parametrize(
    "change",
    [
        {"data_key": "b" * 64},
        {"data": "ixi_t1"},
        {"data_kind": "real"},
        {"split": "validation"},
        {"resolution": 64},
        {"profile": "standard"},
        {"budget": "ba9876543210"},
        {"task": "generation v2"},
        {"metrics": ["kd v2"]},
        {"feature_spaces": ["hc85-v2"]},
        {"n_generated": 48},
        {"n_reference": 13},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_differs_stands_apart_and_is_named(change, result, tmp_path):
    (field, value), *_ = change.items()
    mine, other = result(), result(same=change, variant="other")
    made = boards([mine, other])
    assert [len(board.members) for board in made] == [1, 1]
    assert [bool(board.differs) for board in made] == [False, True]
    (name,) = made[1].differs
    assert name.split(".")[-1] == field
    text = markdown.markdown(made, tmp_path)
    assert f"not comparable: {name}: " in text
    shown = value[0] if isinstance(value, list) else str(value)[:12]
    assert shown in text


def test_scores_stand_with_the_newest_version_of_another_task(result):
    """The audit of an earlier rule is kept in a folder; scores must not be shown with its verdict, whatever its key."""
    for names in itertools.permutations(("v1", "v2", "v10")):
        audits = [
            result(
                task="audit",
                scores=(),
                audit={"verdict": f"of {name}"},
                same={"task": f"audit {name}", "feature_spaces": [str(place)]},
            )
            for place, name in enumerate(names)
        ]
        first, *others = boards([*audits, result()])
        assert first.row("ddpm").audit == "of v10" and first.row("ddpm").estimates
        assert [board.row("ddpm").estimates for board in others] == [{}, {}]


def test_modalities_have_boards_of_their_own(result):
    made = boards([result(), result(modality="lung", same={"modality": "lung"})])
    assert [(board.modality, board.differs) for board in made] == [("brain", {}), ("lung", {})]


def test_tasks_share_a_board_but_not_their_fields(result):
    task = {"task": "denoising v1", "metrics": ["psnr v1"], "feature_spaces": [], "n_generated": 12}
    psnr = {"psnr": {"title": "PSNR", "unit": "dB", "direction": "up", "paper": ""}}
    score = Score("psnr", 20.0, 12, 4, 19.0, 21.0, level=0.52409)
    other = result(task="denoising", same=task, scores=(score,), metrics=psnr)
    (board,) = boards([result(), other])
    assert cell(board, "PSNR @ᾱ 0.52 (dB) ↑") == "20.00 [19.00, 21.00]"


def test_seeds_become_mean_and_deviation_with_n(result):
    made = entry([result(value, value - 1, value + 1, seed=i) for i, value in enumerate((10.0, 12.0, 17.0))])
    assert (made.value, made.seeds, made.n, made.n_reference, made.subjects) == (13.0, (0, 1, 2), 24, 12, 4)
    assert made.spread == pytest.approx(13**0.5)  # ((-3)^2 + (-1)^2 + 4^2) / 2
    # standard errors of 1 / t(0.975, 3) over subjects and 3.606 / sqrt(3) over seeds; together 2 degrees of freedom
    assert (made.low, made.high) == pytest.approx((13 - 9.0581, 13 + 9.0581), abs=1e-3)
    assert columns.number(made, "1e-3") == "13.0 ± 3.6 [3.9, 22.1]"


def test_one_seed_has_no_deviation(result):
    made = entry([result(10.0)])
    assert made.spread is None and columns.number(made, "") == "10.00"


@pytest.mark.parametrize("place", range(3))
def test_a_blank_seed_blanks_the_mean(place, result):
    found = [result(1.0, seed=seed) for seed in range(3)]
    found[place] = result(None, seed=place, reason="too few images")
    made = entry(found)
    assert (made.value, made.spread, made.reason, made.seeds) == (None, None, "too few images", (0, 1, 2))


def test_a_seed_without_result_blanks_the_mean(result):
    """Seed 1 has only its denoising: a mean over seed 0 must not stand under two seeds."""
    other = result(task="denoising", seed=1, same={"task": "denoising v1"}, scores=())
    made = entry([result(1.0, seed=0), other])
    assert (made.value, made.reason) == (None, "no result of seed 1")


def test_a_blank_cell_is_empty_and_explained(result, tmp_path):
    (board,) = boards([result(None, reason="24 images are | too\nfew <here>")])
    assert cell(board, "KD[hc85-v1] (1e-3) ↓") == ""
    assert "- KD[hc85-v1] (1e-3) ↓ is blank: 24 images are \\| too few &lt;here>\n" in markdown.markdown(
        [board], tmp_path
    )


@pytest.mark.parametrize(("metric", "space", "said"), [("fid", "inception", True), ("fid", "hc85-v1", False)])
def test_the_letters_fid_stand_only_for_inception(metric, space, said, result, tmp_path):
    about = {"fid": {"title": "", "unit": "", "direction": "down", "paper": ""}}
    made = boards([result(scores=(Score(metric, 3.0, 24, 4, 2.0, 4.0, 12, space),), metrics=about)])
    text = markdown.markdown(made, tmp_path)
    assert ("FID" in text) == said
    assert ("fid" in in_one_line(made[0].members[0])) == said


def test_a_table_cell_cannot_break_the_table(result, tmp_path):
    text = markdown.markdown(boards([result(variant="a|b\nc<i>")]), tmp_path)
    row = next(line for line in text.splitlines() if line.startswith("| only 4 test subjects |"))
    assert row.startswith("| only 4 test subjects | a\\|b c&lt;i> ddim-5 |")
    heading = next(line for line in text.splitlines() if line.startswith("| rank"))
    assert len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", heading))


def test_csv_parses_back(result):
    found = [
        result(1.5, 1.0, 2.0),
        result(None, reason='few, "very" few\nones', variant="noise", is_control=True),
    ]
    rows = list(csv.DictReader(io.StringIO(export.csv_text(boards(found)))))
    assert [row["variant"] for row in rows] == ["ddpm", "noise"]
    assert (rows[0]["value"], rows[0]["low"], rows[0]["n"], rows[0]["control"]) == ("1.5", "1.0", "24", "0")
    assert (rows[1]["value"], rows[1]["reason"], rows[1]["control"]) == ("", 'few, "very" few ones', "1")


def test_json_is_a_line_for_each_number(result):
    made = boards(
        [result(), result(variant="edm", seed=1), result(modality="lung", same={"modality": "lung"})]
    )
    text = export.json_text(made)
    scores = [line.strip().removesuffix(",") for line in text.splitlines() if '"metric"' in line]
    known = [json.loads(line) for line in scores]
    assert known == [score for board in json.loads(text) for row in board["rows"] for score in row["scores"]]
    assert text.startswith('[\n {\n  "comparability": {\n') and text.endswith("\n]\n")


def test_json_holds_no_nan(result):
    def refuse(constant):
        raise AssertionError(constant)

    text = export.json_text(boards([result(), result(None, reason="blank", seed=1)]))
    (board,) = json.loads(text, parse_constant=refuse)
    (row,) = board["rows"]
    assert row["scores"][0]["value"] is None and row["scores"][0]["n"] == 24
    with pytest.raises(ValueError, match="Out of range"):
        export.json_text(boards([result(float("nan"))]))


def test_the_same_results_give_the_same_bytes(result, tmp_path):
    found = [
        result(1.1, seed=0),
        result(2.3, seed=1),
        result(same={"profile": "standard"}),
        result(variant="noise", is_control=True),
    ]
    texts = set()
    for shuffled in itertools.permutations(found):
        paths = publish.write(boards(shuffled), tmp_path)
        texts.add(tuple(path.read_bytes() for path in paths))
    assert len(texts) == 1


def test_controls_are_marked_and_stand_last(result, tmp_path):
    (board,) = boards([result(variant="aaa", is_control=True), result(variant="zzz")])
    assert [line.name for line in columns.headline(board).lines] == ["zzz ddim-5", "aaa"]
    text = markdown.markdown([board], tmp_path)
    assert "| *aaa* | 1 (0) |" in text and "0 | 0 | 0 |" in text


TABLE = {
    "title": "Table 10 of a survey",
    "source": "Somebody, doi:10.1/x",
    "note": "other images",
    "columns": ("method", "PSNR"),
    "rows": (("A-Unet", "25.27"),),
}


def test_the_table_that_a_task_reports_stands_apart_once(result, tmp_path):
    """Two organs have it; a record with a row that is too short is refused."""
    made = boards([result(reported_table=TABLE), result(reported_table=TABLE, modality="heart")])
    measured, reported = markdown.markdown(made, tmp_path).split("## Reported, not reproduced")
    assert "A-Unet" not in measured and reported.count("| A-Unet | 25.27 |") == 1
    assert "### Table 10 of a survey" in reported and "other images" in reported
    page = html(made, tmp_path)
    assert '<th scope="row">A-Unet</th><td>25.27</td>' in page
    short = result(reported_table=TABLE | {"rows": (("A-Unet",),)})
    with pytest.raises(ValueError, match="has not the 2 columns"):
        from_json(to_json(short))
    kept = from_json(to_json(made[0].members[0]))
    assert markdown.markdown(boards([kept]), tmp_path).count("| A-Unet | 25.27 |") == 1


def test_the_reported_panel_stands_apart_with_its_note(result, tmp_path):
    text = markdown.markdown(boards([result(reported=REPORTED)]), tmp_path)
    measured, reported = text.split("## Reported, not reproduced")
    assert "52.9" not in measured and "40.1" not in measured
    assert "| Brain | 40.1 | 0.7 | 2 | 0.6 | 52.9 |" in reported
    assert "A study" in reported and sentences.REPORTED_NOTE in reported
    assert "Reported" not in markdown.markdown(boards([result()]), tmp_path)


def test_few_subjects_and_the_source_are_said(result, tmp_path):
    text = markdown.markdown(boards([result()]), tmp_path)
    assert "drawn by a phantom" in text and "**Only 4 test subjects" in text
    assert "train 48 (16 subjects), validation 12 (4 subjects), test 12 (4 subjects)" in text
    assert "24 generated against 12 test images" in text
    one = result(data=result().data | {"subjects": {"train": 1, "validation": 1, "test": 1}})
    assert "**Only 1 test subject: " in markdown.markdown(boards([one]), tmp_path)
    assert "only 1 test subject: not" in columns.one_line(boards([one])[0])


def test_what_the_numbers_were_made_with_is_said(result, tmp_path):
    versions = {"mribench": "0.1.0", "torch": "2.9", "diffusers": "0.38"}
    made = [
        result(seed=seed, provenance={"versions": versions, "machine": {"device": device, "threads": 2}})
        for seed, device in enumerate(("a CPU", "a GPU", "a CPU"))
    ]
    text = markdown.markdown(boards(made), tmp_path)
    for device in ("a CPU", "a GPU"):
        assert (
            text.count(f"Made with mribench 0.1.0, torch 2.9, diffusers 0.38 on {device}, threads: 2.") == 1
        )


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ((10.0, 8.0, 12.0), "is ahead of the gaussian control: KD[hc85-v1] 10.0 against 20.0."),
        ((30.0, 28.0, 32.0), "is behind the gaussian control: KD[hc85-v1] 30.0 against 20.0."),
        ((19.0, 15.0, 22.0), "cannot be told apart from the gaussian control: KD"),
        ((10.0, None, None), "cannot be compared with the gaussian control, an interval is missing: KD"),
    ],
)
def test_the_sentence_about_the_gaussian_control(ours, said, result, audited, tmp_path):
    data = result().data | {"subjects": {"train": 80, "validation": 20, "test": 20}}
    gaussian = result(20.0, 18.0, 22.0, variant="gaussian", is_control=True, data=data)
    noise = result(99.0, variant="noise", is_control=True, data=data)
    replay = result(1.0, variant="train-replay", is_control=True, data=data)
    (board,) = boards(audited([result(*ours, data=data), gaussian, noise, replay]))
    (sentence,) = board.against_control
    assert sentence.startswith(f"ddpm ddim-5 {said}")
    assert f"- {sentence}\n" in markdown.markdown([board], tmp_path)


def test_nothing_is_said_of_few_subjects(result):
    gaussian = result(20.0, 18.0, 22.0, variant="gaussian", is_control=True)
    (board,) = boards([result(10.0, 9.0, 11.0), gaussian])
    assert board.against_control == [] and "not a ranking" in columns.one_line(board)


def test_nothing_is_said_where_a_number_is_missing(result):
    blank = result(None, variant="gaussian", is_control=True, reason="x")
    assert [board.against_control for board in boards([result(), blank])] == [[]]
    assert [board.against_control for board in boards([result()])] == [[]]


def test_merging_two_runs_is_one_run_of_both(result, run_folder, mribench, tmp_path):
    a, b = run_folder("a", result(10.0, seed=0)), run_folder("b", result(12.0, seed=1))
    ended = mribench("leaderboard", a, b, "--out", tmp_path / "board")
    assert ended.code == 0 and "2 (0, 1)" in ended.out and "11.0 ± 1.4" in ended.out
    text = (tmp_path / "board" / "leaderboard.md").read_text()
    assert "| ddpm ddim-5 | 2 (0, 1) | 11.0 ± 1.4 |" in text


def versioned(result, value, variant=1, sampler=1, **changes):
    return result(value, versions={"variant": variant, "sampler": sampler}, **changes)


def test_two_versions_are_two_rows(result):
    found = [
        versioned(result, 10.0),
        versioned(result, 12.0, seed=1),
        versioned(result, 30.0, variant=2),
        versioned(result, 40.0, sampler=3),
    ]
    (board,) = made = boards(found)
    assert [(row.name, row.estimates[ADDRESS].value) for row in board.rows] == [
        ("ddpm ddim-5", 11.0),
        ("ddpm ddim-5 v3", 40.0),
        ("ddpm v2 ddim-5", 30.0),
    ]
    assert board.row("ddpm").name == "ddpm v2 ddim-5"
    lines = csv.DictReader(io.StringIO(export.csv_text(made)))
    assert sorted((x["variant_version"], x["sampler_version"]) for x in lines) == [
        ("1", "1"),
        ("1", "3"),
        ("2", "1"),
    ]
    assert json.loads(export.json_text(made))[0]["rows"][2]["versions"] == {"variant": 2, "sampler": 1}


def test_a_record_that_says_no_version_is_of_the_first(result):
    (board,) = boards([result(10.0), versioned(result, 12.0, seed=1)])
    assert [(row.name, row.estimates[ADDRESS].value) for row in board.rows] == [("ddpm ddim-5", 11.0)]


def test_what_was_trained_is_said_once(result, tmp_path):
    def trained(steps, seed, **profile):
        profile = {"prediction": "v_prediction", "batch_size": 16, "keep": "best"} | profile
        training = {"steps": steps, "images_seen": 16 * steps, "seconds": 1.0}
        return result(seed=seed, provenance={"profile": profile, "training": training})

    text = markdown.markdown(boards([trained(650, 0), trained(650, 1), result(seed=2)]), tmp_path)
    assert text.count("Trained: ") == 1
    assert "\nTrained: 650 steps of 16, predicts v, best of validation.\n" in text
    other = {"prediction": "epsilon", "keep": "last"}
    text = markdown.markdown(boards([trained(12000, 0), trained(650, 1), trained(7, 2, **other)]), tmp_path)
    assert "Trained: 650 to 12,000 steps of 16, predicts v, best of validation.\n" in text
    assert "Trained: 7 steps of 16, predicts the noise, last weights.\n" in text
    assert "Trained: " not in markdown.markdown(boards([result()]), tmp_path)


@pytest.mark.parametrize("adjusted", [{}, {"adjusted": False}, {"adjusted": True}])
def test_an_adjusted_split_is_said(adjusted, result, tmp_path):
    text = markdown.markdown(boards([result(data=result().data | adjusted)]), tmp_path)
    assert ("Split adjusted: " in text) == adjusted.get("adjusted", False)


def test_nfe_is_that_of_generation_alone(result):
    made = {"training": {"images_seen": 320, "seconds": 3.6}, "produced": {"nfe": [2, 3, 5]}}
    same = {"task": "denoising v1"}
    (board,) = boards([result(task="denoising", same=same, provenance=made)])
    table = columns.headline(board)
    (cells,) = table.texts()
    assert cells[table.titles.index("NFE") :] == ["", "320", "4", "1 seed"]
