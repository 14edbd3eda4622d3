"""Boards that are kept: results and pictures come along, and the table over all organs says what they allow."""

import pytest

from mribench import files, results
from mribench.board import columns, publish
from mribench.board.boards import boards
from mribench.errors import InputError
from mribench.spec import Score

pytestmark = pytest.mark.usefixtures("known_training")


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
    (folder / "spec.toml").write_text('out = "/home/me/runs"')
    for name in ("a_samples.png", "g_samples.png", "overview.png"):
        (folder / "figures" / name).write_bytes(b"picture")
    out = tmp_path / "kept"
    publish.publish([folder], out)
    assert results.read_all([out]) == results.read_all([folder])
    assert sorted(p.name for p in (out / "figures").iterdir()) == ["a_samples.png", "overview.png"]
    page = (out / "leaderboard.md").read_text()
    assert not (out / "spec.toml").exists(), "a spec names local folders"
    assert "(figures/overview.png)" in page and "(figures/a_samples.png)" in page
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    publish.publish([folder], out)
    assert before == {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_of_several_seeds_the_first_brings_its_pictures(run_folder, result, tmp_path):
    made = [
        result(seed=seed, sampler=sampler, figures={"samples": f"figures/{sampler}_{seed}.png"})
        for sampler, seed in (("ddim-5", 2), ("ddim-5", 1), ("ddim-50", 3))
    ]
    folder = run_folder("run", *made)
    (folder / "figures").mkdir()
    for one in made:
        (folder / one.figures["samples"]).write_bytes(b"picture")
    publish.publish([folder], tmp_path / "kept")
    kept = tmp_path / "kept" / "figures"
    assert sorted(p.name for p in kept.iterdir()) == ["ddim-50_3.png", "ddim-5_1.png"]


def test_of_many_variants_pictures_come_along_as_many_as_fit(run_folder, result, tmp_path, monkeypatch):
    def pictures(name):
        kinds = ("forward", "samples", "beside")
        return {kind: f"figures/{name}_{kind}.png" for kind in kinds}

    values = {"a": 30, "b": 20, "c": 10}
    made = [
        result(variant=name, figures=pictures(name), scores=scored(value, value - 1, value + 1))
        for name, value in values.items()
    ]
    folder = run_folder("run", *made)
    for one in made:
        for path in one.figures.values():
            files.write_bytes(folder / path, b"picture of 20 bytes.")
    publish.publish([folder], tmp_path / "kept")
    kept = {path.name for path in (tmp_path / "kept" / "figures").iterdir()}
    shared = {"c_beside.png", "c_forward.png"}  # the same for all rows
    assert kept == shared | {f"{name}_samples.png" for name in "abc"}
    monkeypatch.setattr(publish, "PICTURES", 70)
    publish.publish([folder], tmp_path / "less")
    less = {path.name for path in (tmp_path / "less" / "figures").iterdir()}
    assert less == {f"{name}_samples.png" for name in "abc"}
    monkeypatch.setattr(publish, "PICTURES", 50)
    publish.publish([folder], tmp_path / "best")
    best = {path.name for path in (tmp_path / "best" / "figures").iterdir()}
    assert best == {"c_samples.png", "b_samples.png"}  # 10 and 20: the least distances


def test_of_several_folders_no_overview_stands_for_all(run_folder, result, tmp_path):
    folders = [run_folder(name, result(seed=seed)) for seed, name in enumerate("ab")]
    for folder in folders:
        (folder / "figures").mkdir()
        (folder / "figures" / "overview.png").write_bytes(b"picture")
    publish.publish(folders, tmp_path / "kept")
    assert len(results.read_all([tmp_path / "kept"])) == 2
    assert not (tmp_path / "kept" / "figures").exists()


def test_a_folder_without_results_publishes_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        publish.publish([tmp_path / "empty"], tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("ours", "about", "word"),
    [
        ((10, 5, 15), {}, "ahead"),
        ((90, 80, 99), {}, "behind"),
        ((48, 30, 60), {}, "not told apart"),
        ((10, None, None), {}, "no interval"),
        ((10, 5, 15), {"subjects_known": False}, "not ranked"),
        ((10, 5, 15), {"subjects": {"train": 80, "validation": 19, "test": 19}}, "not ranked"),
        ((None, None, None), {}, ""),
    ],
)
def test_one_line_per_organ_with_a_word_against_the_gaussian(result, audited, ours, about, word):
    found = []
    data = result().data | {"subjects": {"train": 80, "validation": 20, "test": 20}} | about
    for modality in ("heart", "brain"):
        found.append(result(modality=modality, data=data, scores=scored(*ours)))
        for control, value in (("gaussian", 50), ("train-replay", 2)):
            scores = scored(value, value - 10, value + 10)
            found.append(
                result(modality=modality, variant=control, is_control=True, data=data, scores=scores)
            )
    table = columns.all_organs(boards(audited(found)))
    assert [cells[-1] for cells in table.texts()] == [word, word]
    assert table.titles[-1] == "against gaussian"


def test_the_table_of_all_organs_tells_boards_of_one_organ_apart(result):
    found = [result(), result(same={"profile": "standard"}), result(same={"data": "ixi_t1"})]
    table = columns.all_organs(boards(found))
    assert table.titles[:3] == ["modality", "data", "profile"]
    assert sorted(cells[:3] for cells in table.texts()) == [
        ["Brain", "ixi_t1", "quick"],
        ["Brain", "phantom", "quick"],
        ["Brain", "phantom", "standard"],
    ]


def test_no_image_of_a_patient_is_published(run_folder, result, tmp_path):
    kinds = ("samples", "beside", "forward", "reverse", "restored")
    folder = run_folder(
        "run", result(same={"data_kind": "real"}, figures={kind: f"figures/{kind}.png" for kind in kinds})
    )
    (folder / "figures").mkdir()
    for name in (*kinds, "overview"):
        (folder / "figures" / f"{name}.png").write_bytes(b"picture")
    publish.publish([folder], tmp_path / "kept")
    assert sorted(p.stem for p in (tmp_path / "kept" / "figures").iterdir()) == ["reverse", "samples"]
