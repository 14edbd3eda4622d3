"""A task that is given what another task has produced."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature

import numpy as np

from mribench.spec import Model, Prepared, Profile, Task


def produces_from_read(task: Task) -> bool:
    """Whether ``produce`` is given the outputs of the task that ``Task.reads`` names."""
    return task.reads is not None and "read" in signature(task.produce).parameters


def produce(
    task: Task, model: Model, data: Prepared, profile: Profile, seed: int, read: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What ``task.produce`` gives, ``read`` being the outputs of the task that it reads."""
    given = {"read": read} if produces_from_read(task) else {}
    return task.produce(model, data, profile, seed, **given)
