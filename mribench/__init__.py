"""mribench: diffusion models on medical images, organ by organ. See README.md."""

from __future__ import annotations

from mribench._version import __version__

# imported when first used: the command line is to answer Ctrl-C before it has imported anything
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import numpy as np

    from mribench.results import Result
    from mribench.scoring.kernel_distance import KernelDistance
    from mribench.scoring.scored import Scored
    from mribench.spec import (
        Control,
        Expected,
        FeatureSpace,
        Metric,
        Modality,
        Network,
        PhantomSlice,
        PretrainedModel,
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
    "KernelDistance",
    "Metric",
    "Modality",
    "Network",
    "PhantomSlice",
    "PretrainedModel",
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
    "score",
]


def run(
    *, jobs: int | None = 1, executor: str = "local", suite: str | None = None, **settings: Any
) -> list[Result]:
    """Run a suite and return its results; the words are those of ``mribench run``.

    modalities, variants, controls, samplers, tasks: a name or several; seeds: a number or several; profile,
    train_steps, precision, data, out, track, tuned: one value. Raises ``mribench.errors.MribenchError`` in one
    sentence.
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


def score(
    images: Any,
    *,
    against: str | Path,
    trained_on: str | Path | None = None,
    out: str | Path = "runs/score",
    name: str | None = None,
    beside: str | Path | Sequence[str | Path] = (),
    modality: str | None = None,
    data_name: str | None = None,
    skip_broken: bool = False,
    profile: str | None = None,
    n: int | None = None,
    seed: int = 0,
    steps: int | None = None,
    **more: Sequence[str],
) -> Scored:
    """Score images or a model that exist already; the words are those of ``mribench score``.

    >>> scored = mribench.score(images, against="phantom:brain", name="my VAE")
    >>> scored.kd["hc85-v1"].value, scored.verdict, scored.page

    Args:
        images: (N, H, W) or (N, 1, H, W), uint8 or float in [0, 1], an array or a tensor; a function
            ``generate(indices, seed)`` that gives such; a ``PretrainedModel``; or whatever ``mribench score`` takes: a
            path, the id of a pipeline on the Hub, ``module:function``.
        against: a card's id, a file or folder, a prepared set, or ``phantom:ORGAN``.
        trained_on: the same for the training set; None is unknown, and the audit cannot clear the model.
        out: the folder of the records and the page.
        name: of the row on boards.
        beside: run folders and kept boards whose rows it is to stand beside.
        modality: the organ, where the data do not tell.
        data_name: what boards call your own data.
        skip_broken: leave out your own files that cannot be read.
        profile: decides how many images are compared; None is that of the rows beside, else ``quick``.
        n: images that are scored, in place of the profile's.
        seed: of a function or pipeline.
        steps: ``num_inference_steps`` of a pipeline.
        **more: ``controls``, ``features`` and ``metrics``, names each.

    Raises:
        MribenchError: ``mribench.errors``, in one sentence; ``InputError`` where something given cannot be used.
    """
    from pathlib import Path

    from mribench.scoring.score import Settings, settings_of
    from mribench.scoring.score import score as scored

    folders = [beside] if isinstance(beside, str | Path) else beside
    return scored(
        images,
        Settings(
            against=str(against),
            trained_on=None if trained_on is None else str(trained_on),
            out=Path(out),
            name=name,
            beside=tuple(map(Path, folders)),
            modality=modality,
            data_name=data_name,
            skip_broken=skip_broken,
            profile=profile,
            n=n,
            seed=seed,
            steps=steps,
            **settings_of(more),
        ),
    )


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
    if name == "KernelDistance":
        from mribench.scoring.kernel_distance import KernelDistance

        return KernelDistance
    from mribench import spec

    return getattr(spec, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
