"""Tasks that read named fields of the data: made before training, part of the key, and else not applicable."""

import sys
from importlib import invalidate_caches

import numpy as np
import pytest
from PIL import Image

from mribench import profiles
from mribench.board.boards import boards
from mribench.data.prepare import prepare_target
from mribench.runner import runspec
from mribench.runner.cell import Cell
from mribench.runner.plan import resolve
from mribench.runner.resources import Execution
from mribench.runner.run import run_suite
from mribench.runner.verify import verify
from mribench.testing.fixtures import toy_data

# how bright each structure is in test images, and in what a model makes of their order
TASK = """
import numpy as np

from mribench.metrics.uncertainty import mean_over_subjects
from mribench.spec import Score, Task
from mribench.tasks import to_uint8


def produce(model, data, profile, seed):
    labels = data.test.fields["labels"]
    names = data.fields["labels"].names
    drawn = model.generate(range(len(data.test)), seed)
    means = [[drawn[i][labels[i] == k].mean() if (labels[i] == k).any() else 0 for k in range(len(names))]
             for i in range(len(labels))]
    return {"images": to_uint8(drawn), "brightness": np.array(means, dtype=np.float64)}


def score(outputs, data, profile, metrics, extract, seed):
    images, test, scores = outputs["images"].astype(np.float32) / 255, data.test, []
    for metric in metrics.values():
        values = metric.compute(images, test.unit()) * metric.scale
        mean, low, high = mean_over_subjects(values, test.subjects, metric.range)
        scores.append(Score(metric.name, mean, len(values), test.n_subjects, low, high))
    return scores


STRUCTURES = Task("structures", "brightness of structures", 1, ("psnr",), produce, score, primary="psnr",
                  fields=("labels", "slice"))


def mirrored(model, data, profile, seed, read):
    return {"images": read["images"][:len(data.test), :, ::-1]}


MIRRORED = Task("mirrored", "generated images, mirrored", 1, ("psnr",), mirrored, score, primary="psnr",
                reads="generation", fields=("labels",))
"""


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """A distribution with the task ``structures``, here and in workers."""
    site = tmp_path_factory.mktemp("site")
    information = site / "mribench_structures-1.0.dist-info"
    information.mkdir()
    (site / "mribench_structures.py").write_text(TASK)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mribench-structures\nVersion: 1.0\n")
    points = "[mribench.tasks]\nstructures = mribench_structures:STRUCTURES\nmirrored = mribench_structures:MIRRORED\n"
    (information / "entry_points.txt").write_text(points)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        patch.setenv("PYTHONPATH", str(site))
        invalidate_caches()
        yield
    sys.modules.pop("mribench_structures", None)


@pytest.fixture(scope="module")
def made(task, tmp_path_factory):
    """A run with a task that reads fields and one that reads none."""
    out = tmp_path_factory.mktemp("made")
    return out, run_suite(runspec.make(**ASKED, tasks="structures,denoising", out=out))


ASKED = {"modalities": "brain", "variants": [], "controls": "mode-collapse", "profile": "smoke"}


def scans(folder):
    """PNG slices of eight subjects, five each."""
    rng = np.random.default_rng(0)
    for subject in range(8):
        (folder / f"s{subject}").mkdir(parents=True)
        for index in range(5):
            pixels = rng.integers(0, 255, (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"s{subject}" / f"{index}.png")
    return folder


def test_a_task_reads_the_fields_that_it_names_and_they_stand_in_its_key(made):
    out, results = made
    found = {result.task: result for result in results}
    assert found["structures"].scores[0].value > 0
    keys = found["structures"].comparability["fields"]
    assert set(keys) == {"labels", "slice"} and len(set(keys.values())) == 2
    assert "fields" not in found["denoising"].comparability
    assert verify(out, found["structures"]).answer == "reproduced"


def test_a_task_that_reads_fields_stands_on_the_board_of_those_that_read_none(made):
    _, results = made
    (board,) = boards(results)
    assert {record.task for record in board.members} == {"structures", "denoising"}


def test_a_task_is_given_what_another_has_generated_and_is_named_by_it(task, tmp_path):
    spec = runspec.make(**{**ASKED, "tasks": "generation,mirrored", "out": tmp_path})
    results = {result.task: result for result in run_suite(spec)}
    read, own = (results[name].provenance["outputs"] for name in ("generation", "mirrored"))
    images, mirrored = (
        np.load(tmp_path / "outputs" / name / "outputs.npz")["images"] for name in (read, own)
    )
    assert (mirrored == images[: len(mirrored), :, ::-1]).all()
    assert results["mirrored"].provenance["reads"] == read
    assert verify(tmp_path, results["mirrored"]).answer == "reproduced"
    plan = resolve(spec)
    cell = Cell(plan.modalities[0], toy_data(), plan.variants[0], 0)
    assert len({cell.output_name(plan.tasks[1], plan, name) for name in (None, read, "another")}) == 3


def test_images_and_other_records_are_the_same_with_and_without_fields(made, tmp_path):
    out, results = made
    (without,) = run_suite(runspec.make(**ASKED, tasks="denoising", out=tmp_path))
    (one,), (other,) = (list((folder / "data").glob("brain-*/manifest.json")) for folder in (out, tmp_path))
    assert one.parent.name == other.parent.name
    kept, bare = ({p.name: p.read_bytes() for p in set.parent.rglob("*.*")} for set in (one, other))
    assert kept == bare and len(bare) > 5
    assert list((out / "data").glob("*.fields")) and not list((tmp_path / "data").glob("*.fields"))
    (beside,) = (result for result in results if result.task == "denoising")
    assert without.comparability == beside.comparability and without.scores == beside.scores
    assert without.provenance["outputs"] == beside.provenance["outputs"]


@pytest.mark.slow
def test_a_variant_reads_fields_too_and_is_trained_on_the_classes_that_they_give(tmp_path):
    spec = {**ASKED, "variants": "lesion-label", "controls": [], "tasks": "denoising", "train_steps": 1}
    plan = resolve(runspec.make(**spec, out=tmp_path))
    (result,) = run_suite(plan.spec)
    told = result.provenance["training"]
    labels = told["conditions"]["lesion"]
    assert labels["labels"] == ["healthy", "abnormal"] and told["steps"] == 1, "the budget of one training"
    n = result.data["images"]["train"]
    # no slice of a brain's lesion lies in every slice
    assert sum(labels["images"]) == 2 * n and 0 < labels["images"][1] < n
    assert "fields" not in result.comparability, "it stands beside variants that read none"
    assert verify(tmp_path, result).answer == "reproduced"


def test_data_without_the_field_are_not_applicable_and_nothing_is_trained_for_them(task, tmp_path):
    data, out = scans(tmp_path / "scans"), tmp_path / "run"
    asked = {**ASKED, "variants": "ddpm", "tasks": "structures", "data": data, "out": out}
    found = run_suite(runspec.make(**asked))
    assert {result.not_applicable for result in found} == {"the data have no field labels"}
    assert not list((out / "train").glob("*/*/*")) and not list((out / "outputs").glob("*"))
    assert all(verify(out, result, str(data)).answer == "reproduced" for result in found)
    # once their masks are named, the same data have the field
    for file in [*data.rglob("*.png")]:
        (file.parent / "masks").mkdir(exist_ok=True)
        Image.fromarray((np.asarray(Image.open(file)) > 128).astype(np.uint8)).save(
            file.parent / "masks" / file.name
        )
    prepare_target(str(data), "brain", profiles.get("smoke"), out, masks="masks/{name}")
    (result,) = run_suite(runspec.make(**{**asked, "variants": []}))
    assert result.not_applicable is None and result.scores[0].value is not None


def test_workers_read_the_fields_and_a_damaged_one_is_made_again(made, capsys):
    out, (first, _) = made
    (array,) = (out / "data").glob("*.fields/labels-*/test.npy")
    before = array.read_bytes()
    array.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    (out / "results").rename(out / "before")
    (second,) = run_suite(runspec.make(**ASKED, tasks="structures", out=out), Execution(jobs=2))
    assert f"{array} has sha256" in capsys.readouterr().err
    assert array.read_bytes() == before
    assert second.comparability == first.comparability and second.scores == first.scores
