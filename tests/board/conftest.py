"""A rank, after the same words were found wherever the board is shown."""

import csv
import io
import json
from dataclasses import asdict

import numpy as np
import pytest

from mribench.board import export
from mribench.board.boards import boards
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.cli import console
from mribench.hub import card
from mribench.metrics.uncertainty import mean_over_subjects, round_for_record
from mribench.spec import Score
from mribench.variants.problem_controls import TRAINING_MEAN, WIENER


@pytest.fixture
def said(tmp_path, capsys):
    """``said(results, row)``: the rank cell of a row, after the same words were found wherever the board is shown."""

    def find(found, name):
        made = boards(found)
        (board,) = made
        place = board.ranks[name]
        console.boards(made)
        shown = place.text or place.reason
        texts = [markdown(made, tmp_path), card._scores(made), capsys.readouterr().out, html(made, tmp_path)]
        assert f"| {shown} | {name} " in texts[0] and f"| {shown} | {name} " in texts[1]
        assert all(shown in text for text in texts)
        lines = list(csv.DictReader(io.StringIO(export.csv_text(made))))
        assert {x["unranked"] for x in lines if f"{x['variant']} ddim-5" == name} == {place.reason or ""}
        rows = json.loads(export.json_text(made))[0]["rows"]
        (row,) = [row for row in rows if f"{row['variant']} ddim-5" == name]
        assert row["unranked"] == place.reason
        for doubt in board.doubts:
            assert all(doubt[:40] in text for text in texts), doubt
        return shown

    return find


SUBJECTS = 40
PSNR = {
    "psnr": {"title": "PSNR", "unit": "dB", "direction": "up", "paper": "a paper", "kind": "paired"},
}


@pytest.fixture
def answered(scored):
    """``answered(variant, psnr)``: a record of an answer to a problem at R = 4, in dB over 40 subjects."""

    def make(variant, psnr, answers_by="rule", sampler=None, problem="accelerated MRI", own=0.1, **changes):
        deviations = np.random.default_rng(0).standard_normal(SUBJECTS)
        alone = np.random.default_rng([*variant.encode(), *(sampler or "").encode()]).standard_normal(
            SUBJECTS
        )
        values = psnr + deviations - deviations.mean() + own * (alone - alone.mean())
        mean, low, high = mean_over_subjects(values, [str(i) for i in range(SUBJECTS)])
        score = Score(
            "psnr", mean, SUBJECTS, SUBJECTS, low, high, level=4.0, per_subject=round_for_record(values)
        )
        control = {"training-mean": TRAINING_MEAN, "wiener": WIENER}.get(variant)
        about = {
            "scores": (score,),
            "floor": {},
            "metrics": PSNR,
            "primary": "psnr",
            "task": "mri",
            "level_name": "R",
            "sampler": sampler,
            "answers_by": answers_by,
            "is_control": control is not None,
            "expected": control and asdict(control.expected),
        }
        same = {"task": "mri v1", "problem": problem, "track": "sim-k"}
        if "modality" in changes:
            same["modality"] = changes["modality"]
        return scored(variant, same=same, **about | changes)

    return make


@pytest.fixture
def ends(answered):
    """The controls where they must land."""
    return [answered("training-mean", 12.0), answered("wiener", 19.0)]
