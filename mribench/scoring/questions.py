"""What a task asks of held-out images: measurements that anybody can restore elsewhere, and their order."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files, hashing, profiles
from mribench.data import organ as organs
from mribench.data.globs import ALL_FILES, Globs
from mribench.errors import InputError, unknown_name
from mribench.plugins import lookup
from mribench.runner import locks
from mribench.sampling.fitting import check_problems
from mribench.scoring import data
from mribench.spec import Measurement, Profile, Split, Task
from mribench.tasks import denoising
from mribench.tasks.inverse import asked_rows


@dataclass(frozen=True)
class Questions:
    """Images of a split that a task asks about, in the order in which it asks."""

    task: Task
    levels: tuple[float, ...]
    truth: Split
    ids: tuple[str, ...]  # of each image: its place, and a hash of what it was measured from
    seed: int


def restoration_task(name: str) -> Task:
    """A task that compares restored images pair by pair. Raises InputError for any other."""
    if name not in lookup.names("tasks"):
        raise InputError(unknown_name("task", name, lookup.names("tasks")))
    task: Task = lookup.load("tasks", name)
    restores = task.problem.restores if task.problem else name == denoising.DENOISING.name
    if not restores:
        raise InputError(
            f"the task {name} compares no restored images, expected {denoising.DENOISING.name} or a problem such as "
            "mri; name one"
        )
    if task.fields:
        raise InputError(
            f"the task {name} asks about fields ({', '.join(task.fields)}), and questions are asked about the images "
            "of a split; name another problem, such as mri"
        )
    return task


def questions(task: Task, split: Split, profile: Profile, seed: int, all_images: bool = False) -> Questions:
    """What ``task`` asks about a split.

    Args:
        task: of ``restoration_task``.
        split: of a prepared set.
        profile: names the levels of the task denoising.
        seed: of mask, coils and noise.
        all_images: of a problem too, and not two of a subject.
    """
    if task.problem is None or all_images:
        truth = split
    else:
        rows = asked_rows(split)
        truth = Split(split.images[rows], tuple(split.subjects[row] for row in rows))
    levels = profile.alpha_bars if task.problem is None else task.problem.levels
    about = [task.name, task.version, seed]
    marks = (hashing.json_sha256([*about, hashing.arrays_sha256({"": image})])[:8] for image in truth.images)
    ids = tuple(f"{place:04d}-{mark}" for place, mark in enumerate(marks))
    return Questions(task, tuple(levels), truth, ids, seed)


def write_questions(
    task: str,
    against: str,
    out: Path,
    *,
    split: str = "test",
    modality: str | None = None,
    data_name: str | None = None,
    skip_broken: bool = False,
    globs: Globs = ALL_FILES,
    profile: str | Path | None = None,
    size: int | None = None,
    seed: int = 0,
    runs: Path = Path("runs/score"),
) -> list[str]:
    """Write what a task asks of a split to a new file, see ``write``; returns what was written, in lines.

    Args:
        task: of ``restoration_task``.
        against: as for ``mribench.score``.
        out: the new ``.npz`` file.
        split: ``test``, two images of a subject, without the true ones; or all of ``train`` or ``validation``.
        modality, data_name, skip_broken, globs, profile, size, seed: as for ``mribench.score``; None is "quick", and
            the profile's size.
        runs: run folder in which the data are, or will be, prepared.

    Raises:
        InputError: an option cannot be used, or ``out`` exists.
    """
    if split not in ("train", "validation", "test"):
        raise InputError(unknown_name("split", split, ("train", "validation", "test")))
    if out.exists() or out.suffix != ".npz":
        raise InputError(f"--out is {out}, expected a new file that ends in .npz; choose another")
    asking, budget = restoration_task(task), profiles.get(profile or "quick", size=size)
    organ = data.organ_of(against, modality)
    check_problems([asking], budget.size, [organs.modality(organ)])
    with locks.suite(runs, workers=False):
        found = data.prepared(against, organ, budget, runs, data_name, skip_broken, globs)
    is_test = split == "test"
    asked = questions(asking, getattr(found, split), budget, seed, all_images=not is_test)
    write(asked, out, with_truth=not is_test)
    n, levels = len(asked.ids), ", ".join(map(level_name, asked.levels))
    lines = [
        f"{n} images of {found.name}, {found.test.images.shape[1]} pixels a side, to be restored at {levels}",
        _what_is_measured(asked),
    ]
    if is_test:
        more = f" --profile {profile}" * (profile is not None) + f" --seed {seed}" * (seed != 0)
        lines.append(
            f"save restored/{level_name(asked.levels[0])}/{asked.ids[0]}.png and so on, or an NPZ with arrays "
            f"{levels} ({n}, H, W), and score them: mribench score restored --task {asking.name} --against "
            f"{against}{more}"
        )
    return [*lines, str(out)]


def _what_is_measured(asked: Questions) -> str:
    """What the arrays of a level are, in one line."""
    level = level_name(asked.levels[0])
    if asked.task.problem is None:
        return f"y_{level} is the noised image, of an image from -1, black, to 1, white"
    return (
        f"y_{level} is A x + noise, of an image x from 0, black, to 1, white; adjoint_{level} is A* y, sigma_{level} "
        f"the standard deviation of the noise, and the other arrays are what A is made of{_about_operator(asked)}"
    )


def _about_operator(asked: Questions) -> str:
    """The first sentence of the operator's docstring, such as: samples of the Fourier transform, orthonormal."""
    operator = _of_problem(asked, asked.levels[0], asked.truth.images[:1]).operator
    text = inspect.getdoc(type(operator)) or ""
    # a dataclass without a docstring is given its signature
    own = "" if text.startswith(f"{type(operator).__name__}(") else text.partition("\n\n")[0]
    return f"; A: {' '.join(own.split()).replace('``', '')}" * bool(own)


def level_name(level: float) -> str:
    """What arrays and folders of a level are called: ``level_4``, ``level_0.05``."""
    return f"level_{level:g}"


def write(asked: Questions, path: Path, with_truth: bool) -> None:
    """Write what is measured to a new ``.npz``.

    It holds ``ids`` (N,), ``levels``, and of each level L ``y_level_L``, float32 or complex64 (N, ...). Of a problem
    y = A x + noise, x in [0, 1], it also holds ``adjoint_level_L``, A* y float32 (N, H, W), ``sigma_level_L``, the
    standard deviation of the noise, and what the operator A is made of (``mask_level_L``, ``maps_level_L``, ...). Of
    the task denoising y is x_t of x_0 in [-1, 1], and L is alpha-bar.

    Args:
        asked: what is written.
        path: the new file.
        with_truth: write ``images`` too, uint8 (N, H, W).
    """
    arrays: dict[str, Any] = {"ids": np.array(asked.ids), "levels": np.array(asked.levels)}
    if with_truth:
        arrays["images"] = asked.truth.images
    for level in asked.levels:
        arrays |= {f"{name}_{level_name(level)}": array for name, array in _measured(asked, level).items()}
    with files.new_file(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def _measured(asked: Questions, level: float) -> Mapping[str, Any]:
    problem = asked.task.problem
    if problem is None:
        return {"y": denoising.noised(asked.truth, level, asked.seed)}
    import torch

    found = _of_problem(asked, level, asked.truth.images)
    operator = found.operator
    parts = {f.name: getattr(operator, f.name) for f in fields(operator)} if is_dataclass(operator) else {}
    adjoint = operator.adjoint(found.y)[:, 0]
    made = {**parts, "y": found.y, "adjoint": adjoint, "sigma": found.sigma}
    return {name: part.numpy() if isinstance(part, torch.Tensor) else part for name, part in made.items()}


def _of_problem(asked: Questions, level: float, images: np.ndarray) -> Measurement:
    """What the problem of a task measures of the first of its images, uint8 (N, H, W)."""
    import torch

    from mribench.sampling.solving import measured

    assert asked.task.problem is not None
    return measured(asked.task.problem, level, images, asked.seed, torch.device("cpu"))
