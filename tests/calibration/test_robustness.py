"""Measurements that no solver was tuned for: what is changed, and that settings and networks are kept."""

import pytest
import torch
from test_shift import PROBLEM, SOLVER, Knows, measure, model

from mribench.calibration.robustness import Condition, answered, conditions
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.seeds import torch_generator
from mribench.spec import Problem, Solver
from mribench.tasks.inverse import inverse_task
from mribench.testing.fixtures import toy_data, with_fields
from mribench.training.draws import BatchDraws
from mribench.variants.problem_controls import WIENER

TASK = inverse_task(PROBLEM)
x = torch.full((200, 1, 8, 8), 0.5)


def measured(condition, level=0.1):
    return condition.problem.measure(x, level, BatchDraws(torch_generator("test"), len(x), slice(None)))


def test_a_level_replaces_the_level_that_is_asked_for():
    plain, changed = conditions(TASK, ["0.3"])
    assert (plain.name, changed.name) == ("σ = 0.1", "σ = 0.3")
    assert float((measured(changed).y - x).std()) == pytest.approx(0.3, rel=0.02)
    assert measured(changed).sigma == 0.3


def test_more_noise_is_that_many_times_the_noise_and_solvers_are_told():
    _, changed = conditions(TASK, ["noise:3"])
    m = measured(changed)
    assert m.sigma == pytest.approx(0.3) and float((m.y - x).std()) == pytest.approx(0.3, rel=0.02)


def test_noise_is_not_added_where_a_mask_hides_the_measurement():
    def masked(x, level, draws):
        m = measure(x, level, draws)
        m.y[..., ::2] = 0
        return m

    task = inverse_task(Problem("masked", "masked", masked, levels=(0.1,), level_name="σ", kind="denoise"))
    y = measured(conditions(task, ["noise:2"])[1]).y
    assert (y[..., ::2] == 0).all() and (y[..., 1::2] != 0).all()


def test_another_problem_and_a_field_are_changes_too():
    if "mri-equispaced" not in lookup.names("tasks"):
        pytest.skip("needs mribench-inverse")
    _, mask, contrast = conditions(lookup.load("tasks", "mri"), ["mri-equispaced", "t2w"])
    assert mask.name == "mri-equispaced" and contrast.field == "t2w"


@pytest.mark.parametrize("change", ["noise:0.5", "noise", "superres", "generation", "nothing"])
def test_what_is_no_change_of_this_problem_is_refused_in_one_sentence(change):
    with pytest.raises(InputError, match=f"{change!r} is no change of the task noisy, expected a level"):
        conditions(TASK, [change])


def test_settings_and_networks_are_those_of_the_plain_question():
    fitted = []
    keeps = Solver(
        "keeps",
        "",
        "",
        lambda known, m, draws: m.y,
        needs=(),
        samples=False,
        fit=lambda examples: fitted.append(1),
        trains=True,
    )
    data = with_fields(toy_data(), ("t2w",))
    rows = {
        "own": model(SOLVER, Knows(data.train.images.mean(0) / 255, 0.15)),
        "keeps": model(keeps),
        "wiener": model(WIENER),
    }
    asked = [*conditions(TASK, ["0.3", "noise:2"]), Condition("t2w", PROBLEM, "t2w")]
    found = answered(rows, asked, data, 0.1, subjects=3)
    assert list(found) == ["σ = 0.1", "σ = 0.3", "noise × 2", "t2w"]
    assert len(fitted) == 1
    assert found["σ = 0.1"]["keeps"].psnr > found["noise × 2"]["keeps"].psnr > found["σ = 0.3"]["keeps"].psnr
    # a negative is another contrast: the prior of the plain one is no help
    assert found["t2w"]["own"].psnr < found["σ = 0.1"]["own"].psnr - 1
    assert all(set(of["own"].beside) == {"wiener"} for of in found.values())


def test_a_field_that_an_organ_lacks_is_left_out():
    rows = {"wiener": model(WIENER)}
    asked = [Condition("plain", PROBLEM), Condition("t2w", PROBLEM, "t2w")]
    assert list(answered(rows, asked, toy_data(), 0.1, subjects=3)) == ["plain"]


def test_a_run_that_is_none_and_a_task_without_a_problem_are_refused(refused, tmp_path):
    assert "cannot read" in refused("shift", tmp_path)
    (tmp_path / "spec.toml").write_text('profile = "smoke"\nmodalities = ["brain"]\n')
    assert "answers none of the tasks" in refused("shift", tmp_path, "--task", "generation")
    if "mri" in lookup.names("tasks"):
        assert "holds no trained ddpm of brain" in refused("shift", tmp_path)
        assert "has no prior to exchange" in refused("shift", tmp_path, "--solvers", "tv")
