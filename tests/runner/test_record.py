"""What could be mixed is in the key: each thing that a number depends on makes another board when it changes."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from mribench import results
from mribench.board.boards import boards
from mribench.runner import record, runspec
from mribench.runner.cell import Cell
from mribench.runner.plan import resolve
from mribench.spec import Prepared, Profile, Split

PLAN = resolve(runspec.make(modalities="brain", profile="smoke", precision="fp32"))
TASKS = {task.name: task for task in PLAN.tasks}
# not the number's: names, speed, what a run keeps on the way, and what stands in the key by itself or in the row
OUTSIDE_THE_BUDGET = {
    "name",
    "purpose",
    "ranks",
    "samplers",
    "checkpoint_every",
    "sample_batch",
    "precision",
    "compile",
}


def split(n, subject):
    return Split(np.zeros((n, 32, 32), np.uint8), tuple(f"{subject}{i}" for i in range(n)))


def made(plan=PLAN, task="generation", seed=0, **data):
    about = {"path": Path(), "key": "a" * 64, "name": "phantom", "kind": "phantom"}
    prepared = Prepared(
        **(about | {"train": split(3, "a"), "validation": split(2, "b"), "test": split(2, "c")} | data)
    )
    cell = Cell(plan.modalities[0], prepared, plan.variants[-1], seed)
    return record.empty_result(cell, replace(TASKS[task]) if task in TASKS else task, plan)


def apart(one, other):
    assert one.key != other.key
    assert len(boards([one, other])) == 2
    assert results.path_of(Path(), one) != results.path_of(Path(), other)


@pytest.mark.parametrize(
    "data",
    [{"key": "b" * 64}, {"name": "a card"}, {"kind": "real"}, {"test": split(3, "c")}],
    ids=lambda data: next(iter(data)),
)
def test_other_data_are_another_board(data):
    apart(made(), made(**data))


@pytest.mark.parametrize("name", sorted({f.name for f in fields(Profile)} - OUTSIDE_THE_BUDGET))
def test_every_setting_of_a_profile_is_in_the_key(name):
    value = getattr(PLAN.profile, name)
    other = "another" if value is None or isinstance(value, str) else None
    if name in ("size", "n_generated"):
        other = value + 1
    profile = replace(PLAN.profile, **{name: other})
    if name == "network":
        profile = replace(PLAN.profile, network=replace(value, channels=(1,)))
    apart(made(), made(replace(PLAN, profile=profile)))


@pytest.mark.parametrize("name", ["name", "precision"])
def test_profile_name_and_precision_stand_in_the_key_themselves(name):
    apart(made(), made(replace(PLAN, profile=replace(PLAN.profile, **{name: "another"}))))


@pytest.mark.parametrize(
    "where", ["TRAIN_VERSION", "PRODUCE_VERSION", "uncertainty.VERSION", "floor.VERSION"]
)
def test_versions_of_the_pipeline_and_of_intervals_are_in_the_key(where, monkeypatch):
    before = made()
    monkeypatch.setattr(f"mribench.runner.record.{where}", 99)
    apart(before, made())


def test_versions_of_task_and_metrics_and_the_weights_of_spaces_are_in_the_key():
    task = replace(TASKS["generation"], version=99)
    apart(made(), made(task=task))
    metric = replace(PLAN.metrics["kd"], version=99)
    apart(made(), made(replace(PLAN, metrics={**PLAN.metrics, "kd": metric})))
    space = replace(PLAN.spaces["hc85-v1"], identity=lambda: "hc85-v1@ffff")
    apart(made(), made(replace(PLAN, spaces={**PLAN.spaces, "hc85-v1": space})))


def test_seeds_share_a_board_and_tasks_do():
    found = [made(), made(seed=1), made(task="denoising")]
    assert len(boards(found)) == 1 and found[0].key == found[1].key


def test_seeds_are_averaged_in_one_key_alone(result):
    found = [result(10.0, seed=0), result(20.0, seed=1), result(90.0, seed=2, same={"n_generated": 48})]
    values = [board.row("ddpm").estimates[board.primary].value for board in boards(found)]
    assert sorted(values) == [15.0, 90.0]


def test_a_field_that_only_one_record_has_sets_it_apart(result):
    """An older record that does not say its precision never stands beside one that does."""
    one, other = result(), result(seed=1, same={"precision": "bf16"})
    made = boards([one, other])
    assert len(made) == 2 and set(made[1].differs["precision"]) == {None, "bf16"}


def test_a_record_says_by_what_its_task_ranks():
    assert (made().primary, made(task="audit").primary) == ("kd", None)


def test_a_record_of_a_control_says_where_it_must_land():
    assert made().expected == {
        "place": "behind real",
        "because": "blurred images must not pass for real ones",
        "copies": False,
    }
