"""Boards that are kept: results and pictures come along, and the table over all organs says what they allow."""

import pytest

from mribench import publish, results, summary
from mribench.errors import InputError
from mribench.leaderboard import boards
from mribench.spec import Score


def scored(value, low, high):
    return (Score("kd", value, 64, 30, low, high, 40, "hc85-v1"),)


def test_results_and_pictures_of_trained_variants_come_along(run_folder, result, tmp_path):
    folder = run_folder(
        "run",
        result(figures={"samples": "figures/a_samples.png"}),
        result(
            variant="gaussian", is_control=True, sampler=None, figures={"samples": "figures/g_samples.png"}
        ),
    )
    (folder / "figures").mkdir()
    for name in ("a_samples.png", "g_samples.png", "overview.png"):
        (folder / "figures" / name).write_bytes(b"picture")
    out = tmp_path / "kept"
    publish.publish([folder], out)
    assert results.read_all([out]) == results.read_all([folder])
    assert sorted(p.name for p in (out / "figures").iterdir()) == ["a_samples.png", "overview.png"]
    page = (out / "leaderboard.md").read_text()
    assert "(figures/overview.png)" in page and "(figures/a_samples.png)" in page
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    publish.publish([folder], out)
    assert before == {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_a_folder_without_results_publishes_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        publish.publish([tmp_path / "empty"], tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("ours", "word"), [((10, 5, 15), "ahead"), ((90, 80, 99), "behind"), ((48, 30, 60), "not told apart")]
)
def test_one_line_per_organ_with_a_word_against_the_gaussian(result, ours, word):
    found = []
    for modality in ("heart", "brain"):
        found.append(result(modality=modality, scores=scored(*ours)))
        found.append(
            result(
                modality=modality,
                variant="gaussian",
                sampler=None,
                is_control=True,
                scores=scored(50, 40, 60),
            )
        )
    titles, lines = summary.table(boards(found))
    assert len(lines) == 2 and all(len(line) == len(titles) for line in lines)
    assert [line[-1] for line in lines] == [word, word]
    assert titles[-1] == "against gaussian"
