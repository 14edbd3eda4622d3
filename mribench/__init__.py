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
    from mribench.runner.loaded import Run
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
    "Run",
    "Sampler",
    "Score",
    "Task",
    "Variant",
    "Volume",
    "__version__",
    "load",
    "run",
    "sample",
    "score",
]


def run(
    *,
    modalities: str | Sequence[str] | None = None,
    variants: str | Sequence[str] | None = None,
    samplers: str | Sequence[str] | None = None,
    nfe: int | str | Sequence[int] | None = None,
    solvers: str | Sequence[str] | None = None,
    seeds: int | str | Sequence[int] | None = None,
    profile: str | Path | None = None,
    size: int | None = None,
    data: str | Path | None = None,
    data_name: str | None = None,
    skip_broken: bool | None = None,
    out: str | Path | None = None,
    tasks: str | Sequence[str] | None = None,
    metrics: str | Sequence[str] | None = None,
    features: str | Sequence[str] | None = None,
    controls: str | Sequence[str] | None = None,
    precision: str | None = None,
    train_steps: int | None = None,
    n_generated: int | None = None,
    track: str | None = None,
    tuned: str | Path | None = None,
    suite: str | Path | None = None,
    jobs: int | None = 1,
    executor: str = "local",
    device: str | None = None,
) -> list[Result]:
    """Run a suite and return its results; the words are those of ``mribench run``.

    >>> results = mribench.run(modalities="brain,heart", profile="smoke", out="runs/mine")

    A list is given as on the command line ("brain,heart") or as a list (["brain", "heart"]). None is the setting of
    ``suite``, or else the default that is named here.

    Args:
        modalities: organs, or "all". Default: all.
        variants: models that are trained, or "all" that a sampler asked for draws from. Default: "ddpm".
        samplers: with their steps, such as "ddim-50". Default: the profile's.
        nfe: network evaluations: each of the samplers, named without steps, at each of them.
        solvers: of inverse problems, for tasks that pose one. Default: all that fit.
        seeds: of the trainings. Default: 0.
        profile: "smoke", "quick", "standard", "paper", or a TOML file that extends one of them. Default: "standard"
            with a GPU and "quick" without.
        size: pixels a side of the images, in place of the profile's.
        data: "phantom", "open" (public sets), the id of a dataset card, or a file or folder. Default: "phantom".
        data_name: what boards call the data of a file or folder. Default: local- and a hash of the images.
        skip_broken: leave out your own files that cannot be read. Default: False.
        out: the folder of the run; given again, the run is continued. Default: "runs".
        tasks: Default: "generation,denoising,audit".
        metrics: beside those of the tasks.
        features: feature spaces of the distribution metrics. Default: the three that need no weights.
        controls: variants without training that give a board its scale; "" for none. Default: seven.
        precision: "fp32", "bf16" or "fp16". Default: the fastest that the device supports.
        train_steps: in place of the profile's.
        n_generated: images of each cell, in place of the profile's; nothing is trained again for it.
        track: a tracker that loss curves are sent to, such as "tensorboard".
        tuned: ``methods.json`` of ``mribench tune --variants``: variants that it holds train with their best rate.
        suite: "methods", "samplers" or a TOML file with these settings.
        jobs: cells at once, each in a process of its own; None lets cores and memory decide. With any but 1 a script
            must call this below ``if __name__ == "__main__":``, as Python asks of all that starts processes.
        executor: "local", "slurm", "slurm:timeout_min=600" or "dask:ADDRESS".
        device: "cpu", "cuda" or "mps". Default: a GPU where there is one.

    Raises:
        MribenchError: ``mribench.errors``, in one sentence; ``InputError`` where a setting cannot be used.
    """
    given = dict(locals())  # before there is any other name
    from mribench import device as devices
    from mribench.runner import runspec
    from mribench.runner.resources import Execution
    from mribench.runner.run import run_suite
    from mribench.runner.suite import read

    spec = runspec.make(read(suite) if suite else None, **runspec.among(given))
    with devices.use(device):
        return run_suite(spec, Execution(executor, jobs))


def load(folder: str | Path) -> Run:
    """Open the results of a run folder or of a kept board.

    >>> run = mribench.load("runs/mine")
    >>> run.to_frame(), run.best(), run.samples("ddpm", modality="brain")

    Raises:
        InputError: there are no results in the folder.
    """
    from pathlib import Path

    from mribench.runner.loaded import Run

    return Run(Path(folder))


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
    controls: str | Sequence[str] | None = None,
    features: str | Sequence[str] | None = None,
    metrics: str | Sequence[str] | None = None,
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
        beside: run folders and kept boards to compare with; their settings are used.
        modality: the organ, where the data do not tell.
        data_name: what boards call your own data.
        skip_broken: leave out your own files that cannot be read.
        profile: decides how many images are compared; None is that of the rows beside, else ``quick``.
        n: images that are scored, in place of the profile's.
        seed: of a function or pipeline.
        steps: ``num_inference_steps`` of a pipeline.
        controls: variants without training that give the board its scale; None is those of a run, "" none.
        features: feature spaces of the distribution metrics; None is those of a run.
        metrics: in addition to those of the task.

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
            **settings_of({"controls": controls, "features": features, "metrics": metrics}),
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
    if name == "Run":
        from mribench.runner.loaded import Run

        return Run
    from mribench import spec

    return getattr(spec, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
