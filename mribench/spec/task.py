"""What is asked of a variant. ``extract`` is a ``mribench.features.Extractor``: features by space and images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mribench.spec.data import Prepared
from mribench.spec.metric import Metric, Score
from mribench.spec.problem import Problem
from mribench.spec.profile import Profile
from mribench.spec.variant import Model

if TYPE_CHECKING:
    import numpy as np


class Produce(Protocol):
    """The expensive half: {name: uint8 (n, H, W)}, or other arrays of numbers that are not images.

    A function with a parameter named ``read`` is also given, by that name, the outputs of the task that ``Task.reads``
    names, so that what was generated once need not be generated again.
    """

    def __call__(
        self, model: Model, data: Prepared, profile: Profile, seed: int, /
    ) -> dict[str, np.ndarray]: ...


class ScoreOutputs(Protocol):
    """Scores of the outputs. ``metrics`` are those that the task names, loaded."""

    def __call__(
        self,
        outputs: Mapping[str, np.ndarray],
        data: Prepared,
        profile: Profile,
        metrics: Mapping[str, Metric],
        extract: Any,
        seed: int,
        /,
    ) -> list[Score]: ...


class Draw(Protocol):
    """Pictures to look at, {kind: uint8 (H, W)}.

    ``model()`` gives the trained model, and ``model`` is None for a control. ``caption`` names the cell.
    """

    def __call__(
        self,
        outputs: Mapping[str, np.ndarray],
        data: Prepared,
        profile: Profile,
        model: Callable[[], Any] | None,
        caption: str,
        /,
    ) -> dict[str, np.ndarray]: ...


class Floor(Protocol):
    """What real images score in a model's place (``mribench.metrics.floor``).

    It depends on no variant and is computed once per prepared dataset.
    """

    def __call__(
        self, metric: Metric, space: str | None, data: Prepared, profile: Profile, extract: Any, /
    ) -> dict[str, Any]: ...


class Judge(Protocol):
    """A JSON-serialisable record with a ``verdict``, stored as ``Result.audit``."""

    def __call__(
        self,
        outputs: Mapping[str, np.ndarray],
        data: Prepared,
        profile: Profile,
        extract: Any,
        seed: int,
        /,
    ) -> dict[str, Any]: ...


@dataclass(frozen=True)
class ReportedTable:
    """A table of a publication, as it was printed. Shown below a board, never ranked beside measured numbers."""

    title: str
    source: str  # citation, with the number of the table
    note: str  # why its numbers do not compare with those of the board
    columns: tuple[str, ...]  # the first is that of the methods
    rows: tuple[tuple[str, ...], ...]  # texts, as printed


@dataclass(frozen=True)
class Task:
    """What is asked of a variant. Producing and scoring are apart, so that scores can be recomputed."""

    name: str
    title: str
    version: int
    metrics: tuple[str, ...]  # names of those that the task reports
    produce: Produce
    score: ScoreOutputs
    draw: Draw | None = None
    floor: Floor | None = None
    # another task, whose outputs ``score``, ``judge`` and ``draw`` get beside this task's own, and ``produce`` too
    # where it has a parameter ``read``
    reads: str | None = None
    features: tuple[str, ...] = ()  # spaces that the task uses beside those of its metrics
    judge: Judge | None = None
    # which of its metrics ranks the rows; nothing is ranked by one that it does not report
    primary: str | None = "kd"
    level_name: str = "ᾱ"  # what ``Score.level`` is a number of, as titles name it: "R" for an acceleration
    # what it asks of a model: "samples", "denoising" (``Model.denoise``), "denoiser" (``Prior``), "process" (a denoiser
    # too, of the noise that the model was trained with) or "likelihood" (``Likelihood``); of a variant that lacks one
    # the record says "not applicable", and nothing is trained for it
    needs: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()  # of the data; of data that lack one the record says "not applicable"
    # of the data too, of which one is enough; all that the data have are read
    any_fields: tuple[str, ...] = ()
    track: str = ""  # results of two tracks never share a board
    # the problem that it poses: it is asked with each solver, not with each sampler, and ``produce`` sees ``Answers``
    problem: Problem | None = None
    reported: ReportedTable | None = None  # what a publication found
