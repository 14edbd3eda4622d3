"""mribench: diffusion models on medical images, organ by organ. See README.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench.spec import (
    Control,
    FeatureSpace,
    Metric,
    Modality,
    Network,
    PhantomSlice,
    Profile,
    ReportedRow,
    Sampler,
    Score,
    Task,
    Variant,
)

if TYPE_CHECKING:
    from mribench.results import Result

__all__ = [
    "Control",
    "FeatureSpace",
    "Metric",
    "Modality",
    "Network",
    "PhantomSlice",
    "Profile",
    "ReportedRow",
    "Sampler",
    "Score",
    "Task",
    "Variant",
    "run",
]
__version__ = "0.1.0"


def run(**settings: Any) -> list[Result]:
    """Run a suite and return its results; the words are those of ``mribench run``.

    modalities, variants, controls, samplers, tasks: a name or several; seeds: a number or several; profile,
    train_steps, precision, data, out, track: one value. Raises ``mribench.errors.MribenchError`` in one sentence.

    >>> results = mribench.run(modalities="all", variants="ddpm", data="phantom", profile="smoke", out="runs")
    """
    from mribench import runner, runspec

    return runner.run(runspec.make(**settings))
