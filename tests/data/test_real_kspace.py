"""MRI from the k-space of a scanner: what is measured, what it is worth, and a run from raw files to a board."""

from dataclasses import replace
from types import SimpleNamespace

import h5py
import pytest
import torch
from scanner_files import fastmri, scan

from mribench import profiles, results
from mribench.calibration import robustness, shift
from mribench.data.prepare import prepare_target
from mribench.errors import DataError, InputError
from mribench.metrics.paired import psnr
from mribench.plugins import lookup
from mribench.runner import runspec
from mribench.runner.run import run_suite
from mribench.sampling import fitting
from mribench.sampling.offers import on_data
from mribench.seeds import torch_generator
from mribench.testing.fixtures import toy_data, with_fields
from mribench.training.draws import BatchDraws

SIDE = 64
SMOKE = profiles.get("smoke")
TASK = "mri-real"

pytestmark = pytest.mark.skipif(TASK not in lookup.names("tasks"), reason="needs mribench-inverse")


def problem(name=TASK):
    return lookup.load("tasks", name).problem


def scanned_by(data):
    """Measures the images of a set."""
    return problem().of_data(data)


def inner(a, b):
    """Real inner product of each row."""
    return (a.conj() * b).real.flatten(1).sum(1)


def draws_of(n):
    return BatchDraws(torch_generator("test"), n, slice(None))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders with six subjects: of one coil, and of four."""
    root = tmp_path_factory.mktemp("scans")
    for coils in (1, 4):
        for subject in range(6):
            fastmri(root / f"{coils}/s{subject}.h5", scan(subject, coils, slices=2))
    return root


@pytest.fixture(scope="module")
def scanned(folders):
    """coils -> the prepared set with its fields, at the side of the scans."""
    profile = replace(SMOKE, size=SIDE, max_images=100)
    return {
        coils: prepare_target(
            str(folders / str(coils)), "brain", profile, folders / "out", fields=problem().fields
        )
        for coils in (1, 4)
    }


def asked(data):
    return torch.from_numpy(data.train.unit())[:, None]


@pytest.mark.parametrize("coils", [1, 4])
def test_the_adjoint_is_that_of_the_operator_and_its_norm_is_one(scanned, coils):
    x = asked(scanned[coils])
    m = scanned_by(scanned[coils])(x, 4.0, draws_of(len(x)))
    u = torch.randn(m.y.shape, generator=torch.Generator().manual_seed(4), dtype=m.y.dtype)
    left, right = inner(m.operator(x), u).flatten(), inner(x, m.operator.adjoint(u)).flatten()
    assert torch.allclose(left, right, rtol=1e-6, atol=1e-6 * float(inner(u, u).max()))
    assert m.y.shape == (len(x), coils, SIDE, SIDE) and (m.operator.mask.sum(-1) == SIDE / 4).all()
    for _ in range(20):
        x = m.operator.adjoint(m.operator(x))
        norm = float(x.norm())
        x = x / norm
    assert norm <= 1.001


@pytest.mark.parametrize("coils", [1, 4])
def test_without_acceleration_the_answer_is_the_prepared_image(scanned, coils):
    x = asked(scanned[coils])
    m = scanned_by(scanned[coils])(x, 1.0, draws_of(len(x)))
    for name in ("zero-filled", "sense"):
        found = lookup.load("solvers", name).solve(None, m, draws_of(len(x)))
        error = (found.clamp(0, 1) - x).abs()
        assert error.square().mean().sqrt() < 1.5 / 255 and error.median() < 0.5 / 255


@pytest.mark.parametrize(("coils", "simulated"), [(1, "mri"), (4, "mri-4-coils")])
def test_zero_filling_loses_what_it_loses_of_simulated_k_space(scanned, coils, simulated):
    x = asked(scanned[coils])
    posed = on_data(problem(), scanned[coils])
    for level in posed.levels:
        of_both = [
            psnr(found.operator.adjoint(found.y).clamp(0, 1)[:, 0].numpy(), x[:, 0].numpy()).mean()
            for found in (one.measure(x, level, draws_of(len(x))) for one in (posed, problem(simulated)))
        ]
        assert of_both[0] == pytest.approx(of_both[1], abs=0.5)


def test_the_noise_that_solvers_are_told_is_in_what_is_measured(scanned):
    """The model leaves out what the window clips, which is slow: most of it lies around the middle of k-space."""
    x = asked(scanned[4])
    m = scanned_by(scanned[4])(x, 1.0, draws_of(len(x)))
    left = m.y - m.operator(x)
    fast = torch.view_as_real(left[..., SIDE // 4 : 3 * SIDE // 4])
    assert float(fast.std()) / m.sigma == pytest.approx(1, abs=0.1)
    assert 1 < float(torch.view_as_real(left).std()) / m.sigma < 2


def test_an_image_is_measured_with_its_own_k_space_wherever_it_stands(scanned):
    x = asked(scanned[4])
    measure = scanned_by(scanned[4])
    both, turned = measure(x[:2], 4.0, draws_of(2)), measure(x[[1, 0]], 4.0, draws_of(2))
    columns = (both.operator.mask * turned.operator.mask.flip(0))[0, 0, 0] == 1
    assert torch.equal(both.y[0][..., columns], turned.y[1][..., columns]) and columns.sum() > 4


def test_no_k_space_is_made_up(scanned):
    x = asked(scanned[1])
    with pytest.raises(
        InputError, match="an image without k-space is to be measured, expected images of the data"
    ):
        scanned_by(scanned[1])(1 - x, 4.0, draws_of(len(x)))
    with pytest.raises(InputError, match="real k-space is measured of the images of a data set alone"):
        problem().measure(x, 4.0, draws_of(len(x)))


def test_coils_without_maps_and_too_few_lines_are_refused(scanned):
    data = scanned[4]
    fewer = {name: replace_field(getattr(data, name)) for name in ("train", "validation", "test")}
    with pytest.raises(
        DataError, match=r"k-space of shape \(4, 64, 64\) and coil maps of shape \(3, 64, 64\)"
    ):
        scanned_by(replace(data, **fewer))
    task = SimpleNamespace(name="mri-real", problem=replace(problem(), levels=(64.0,)))
    with pytest.raises(InputError, match="R = 64 leaves 1 of 64 k-space lines, expected at least 2"):
        fitting.check_measured([task], [data])


def replace_field(split):
    return replace(split, fields={**split.fields, "coil-maps": split.fields["coil-maps"][:, :3]})


ASKED = (
    "--modalities",
    "brain",
    "--variants",
    "ddpm",
    "--profile",
    "smoke",
    "--train-steps",
    "2",
    "--jobs",
    "1",
)


def check_run(out, rows, tracks):
    """That each task was answered by these rows, on a board of its own track."""
    found = {(r.task, r.sampler or r.variant): r for r in results.read_all([out])}
    assert set(found) >= {(task, row) for task in tracks for row in rows}
    asked = {task: r.comparability["track"] for (task, _), r in found.items() if task in ("mri", TASK)}
    assert asked == tracks
    of_real = [r for (task, _), r in found.items() if task == TASK]
    assert all(set(r.comparability["fields"]) == set(problem().fields) for r in of_real)
    assert all(score.value is not None for r in of_real for score in r.scores if score.metric == "psnr")
    assert "accelerated MRI, k-space of the scanner" in (out / "leaderboard.md").read_text()


def test_raw_files_become_a_board_of_its_own_track(folders, tmp_path):
    asked = {"modalities": "brain", "variants": [], "controls": "noise", "profile": "smoke"}
    more = {
        "tasks": "mri-real,mri",
        "solvers": "zero-filled",
        "data": str(folders / "4"),
        "out": str(tmp_path),
    }
    run_suite(runspec.make(**asked, **more))
    check_run(tmp_path, ("zero-filled", "wiener"), {TASK: "real-k", "mri": "sim-k"})


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_priors_and_baselines_answer_raw_files(folders, tmp_path, mribench):
    words = (
        "run",
        *ASKED,
        "--tasks",
        TASK,
        "--solvers",
        "zero-filled,pnp",
        "--data",
        folders / "4",
    )
    ended = mribench(*words, "--out", tmp_path)
    assert ended.code == 0, ended.err
    check_run(tmp_path, ("zero-filled", "pnp"), {TASK: "real-k"})


@pytest.mark.parametrize("data", ["phantom", "images"])
def test_k_space_of_data_without_is_refused_before_anything_is_trained(data, folders, tmp_path, refused):
    given = data
    if data == "images":
        given = tmp_path / "images"
        for subject in range(6):
            path = fastmri(given / f"s{subject}.h5", scan(subject, 1, slices=2))
            with h5py.File(path, "a") as file:
                del file["kspace"]
    words = ("run", *ASKED, "--tasks", "mri-real", "--solvers", "zero-filled", "--data", given)
    said = refused(*words, "--out", tmp_path / "run")
    of = "the phantom of brain" if data == "phantom" else "brain"
    assert (
        f"the task 'mri-real' measures the field kspace of the data, and {of} has none; give --data" in said
    )
    assert not (tmp_path / "run/train").exists()


def test_priors_of_other_organs_and_changed_questions_are_not_asked_of_k_space(tmp_path):
    asked = {"modalities": "brain", "variants": "ddpm", "profile": "smoke", "tasks": TASK, "solvers": "pnp"}
    spec = runspec.make(**asked, data="raw", out=str(tmp_path))
    (tmp_path / "spec.toml").write_text(runspec.to_toml(spec))
    with pytest.raises(InputError, match=f"the task {TASK} asks about fields of the data"):
        shift.plan_of(tmp_path, TASK, ["pnp"], None, None)
    with pytest.raises(InputError, match=f"'{TASK}' is no change of the task mri"):
        robustness.conditions(lookup.load("tasks", "mri"), [TASK])


def test_the_task_asks_for_the_fields_and_the_kit_makes_them_up():
    task = lookup.load("tasks", TASK)
    assert task.fields == problem().fields and task.track == "real-k"
    data = with_fields(toy_data(), task.fields)
    x = asked(data)
    m = on_data(task.problem, data).measure(x, 1.0, draws_of(len(x)))
    assert (m.operator.adjoint(m.y) - x).abs().max() < 1e-5
