"""mribench: diffusion models on medical images, organ by organ. See README.md."""

from __future__ import annotations

from mribench._version import __version__

# imported when first used: the command line is to answer Ctrl-C before it has imported anything
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from mribench.results import Result
    from mribench.spec import (
        Control,
        Expected,
        FeatureSpace,
        Metric,
        Modality,
        Network,
        PhantomSlice,
        Profile,
        Reader,
        ReportedRow,
        Sampler,
        Score,
        Task,
        Variant,
        Volume,
    )

__all__ = [
    "Control",
    "Expected",
    "FeatureSpace",
    "Metric",
    "Modality",
    "Network",
    "PhantomSlice",
    "Profile",
    "Reader",
    "ReportedRow",
    "Sampler",
    "Score",
    "Task",
    "Variant",
    "Volume",
    "__version__",
    "run",
    "sample",
]


def run(
    *, jobs: int | None = 1, executor: str = "local", suite: str | None = None, **settings: Any
) -> list[Result]:
    """Run a suite and return its results; the words are those of ``mribench run``.

    modalities, variants, controls, samplers, tasks: a name or several; seeds: a number or several; profile,
    train_steps, precision, data, out, track: one value. Raises ``mribench.errors.MribenchError`` in one sentence.
    jobs: cells at once, each in a process of its own; None lets cores and memory decide. With any but 1 a script
    must call this below ``if __name__ == "__main__":``, as Python asks of all that starts processes. suite: "methods",
    "samplers" or a TOML file, whose settings hold where none is given here.

    >>> results = mribench.run(modalities="all", variants="ddpm", data="phantom", profile="smoke", out="runs")
    """
    from mribench.runner import runspec
    from mribench.runner.resources import Execution
    from mribench.runner.run import run_suite
    from mribench.runner.suite import read

    return run_suite(runspec.make(read(suite) if suite else None, **settings), Execution(executor, jobs))


def sample(
    source: str, n: int = 16, *, sampler: str | None = None, seed: int | None = None, cell: str | None = None
) -> np.ndarray:
    """Draw n images from a trained or published model: float32 (n, H, W) in [0, 1].

    source: a run folder, or ``user/name`` on the Hub. sampler: such as ``ddim-50``, None for the first that the model
    was scored with. seed: None for the one whose images were scored. cell: which of several models of a run. Raises
    ``mribench.errors.InputError`` in one sentence.

    >>> images = mribench.sample("runs/mine", 4, cell="brain-ddpm-s0")
    """
    from mribench.hub import drawing

    return drawing.sample(source, n, sampler, seed, cell)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'mribench' has no attribute {name!r}")
    from mribench import spec

    return getattr(spec, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
