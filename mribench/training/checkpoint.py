"""What a training run leaves on disk: checkpoints to go on from, diffusers pipelines to sample from, its log."""

from __future__ import annotations

import copy
import io
import json
import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mribench import files, manifest
from mribench.errors import Damaged
from mribench.manifest import Entries
from mribench.training.folder import LOG


@dataclass
class State:
    """What a checkpoint holds beside tensors."""

    step: int = 0
    best_loss: float = math.inf  # lowest validation loss so far
    best_step: int = 0
    evaluations_since_best: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0  # of training losses since ``logged_step``
    logged_step: int = 0
    best_files: Entries = field(default_factory=dict)  # sizes and sha256 of the best pipeline's files


def save(folder: Path, state: State, net: Any, optimizers: list[Any], ema: Any, accelerator: Any) -> None:
    """Write one file per checkpoint; keep the last two, and the best networks that they refer to."""
    content = {
        "state": vars(state),
        "net": net.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "ema": ema,
        "scaler": accelerator.scaler.state_dict() if accelerator.scaler is not None else None,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    name = f"step-{state.step:07d}-best-{state.best_step}.pt"
    # torch.load checks no digest: a flipped bit would be trained on
    files.write_sealed(folder / "checkpoints" / name, buffer.getvalue())
    *old, before, newest = [None, *_checkpoints(folder)]
    for path in filter(None, old):
        files.remove_sealed(path)
    referenced = {path.stem.partition("-best-")[2] for path in (before, newest) if path}
    for pipeline in folder.glob("best-*"):
        if pipeline.name.removeprefix("best-") not in referenced:
            shutil.rmtree(pipeline)


def resume(folder: Path, net: Any, optimizers: list[Any], ema: Any, accelerator: Any) -> State:
    """Load the newest readable checkpoint into net, optimizers and ema; a fresh State where there is none."""
    for path in reversed(_checkpoints(folder)):
        if files.is_damaged(path):
            files.remove_sealed(path)  # the checkpoint before it serves too
            continue
        try:
            content = _load(path, accelerator.device)
        except Exception:  # one of an earlier version has no digest, and may fail in any way
            files.remove_sealed(path)
            continue
        state = State(**content["state"])
        if state.best_step and not _is_best_whole(folder, state):
            files.remove_sealed(path)
            continue
        net.load_state_dict(content["net"])
        # before stages had several updates there was one
        saved = content["optimizers"] if "optimizers" in content else [content["optimizer"]]
        for optimizer, values in zip(optimizers, saved, strict=True):
            optimizer.load_state_dict(values)
        if ema is not None:
            torch._foreach_copy_(ema, content["ema"])
        if content["scaler"] and accelerator.scaler is not None:
            accelerator.scaler.load_state_dict(content["scaler"])
        break
    else:
        state = State()
    if accelerator.is_main_process:
        # of an earlier end in the same folder
        (folder / manifest.NAME).unlink(missing_ok=True)
        _cut_log(folder, state.step)
    return state


def best(folder: Path, state: State) -> Path:
    """The pipeline with the lowest validation loss so far; it takes the name ``best`` at the end of training."""
    return folder / f"best-{state.best_step}"


def write_best(folder: Path, state: State, net: Any, scheduler: Any) -> None:
    """Write the pipeline of this step, and keep in ``state`` what proves its files."""
    path = best(folder, state)
    write_pipeline(path, net, scheduler)
    state.best_files = manifest.describe(path, [path])


def settle_best(folder: Path, state: State) -> None:
    """Give the best pipeline its final name. Harmless when repeated: a kill may come right after.

    Raises Damaged where a file of it was changed since it was written.
    """
    if damaged := manifest.changed(_best_or_final(folder, state), state.best_files):
        raise Damaged(f"{damaged[0]}; run the same command to train again from where it was whole")
    if not (folder / "best").is_dir():
        best(folder, state).rename(folder / "best")


def clear(folder: Path) -> None:
    """Remove the files that only an unfinished training needs."""
    for left in (folder / "checkpoints", *folder.glob("best-*")):
        shutil.rmtree(left, ignore_errors=True)


def write_pipeline(path: Path, net: Any, scheduler: Any) -> None:
    """A diffusers pipeline folder, which ``DDPMPipeline.from_pretrained`` samples from; without a scheduler the network
    alone, for its class's ``from_pretrained``."""
    from diffusers import DDPMPipeline

    if any(not p.is_contiguous() for p in net.parameters()):
        # safetensors refuses the channels-last weights of a GPU
        net = copy.deepcopy(net).to(memory_format=torch.contiguous_format)
    with files.new_folder(path) as folder:
        (DDPMPipeline(unet=net, scheduler=scheduler) if scheduler else net).save_pretrained(folder)


def log_line(folder: Path, step: int, loss: float, validation: float) -> None:
    """One line of ``log.jsonl``: step, mean training loss since the line before, validation loss."""
    line = json.dumps({"step": step, "loss": loss, "validation_loss": validation})
    with open(folder / LOG, "a") as file:
        file.write(line + "\n")


def _best_or_final(folder: Path, state: State) -> Path:
    path = best(folder, state)
    return path if path.is_dir() else folder / "best"


def _is_best_whole(folder: Path, state: State) -> bool:
    """Whether the pipeline that a checkpoint refers to is as it was written; a damaged one is removed."""
    path = _best_or_final(folder, state)
    if path.is_dir() and manifest.changed(path, state.best_files):
        shutil.rmtree(path, ignore_errors=True)
    return path.is_dir()


def _load(path: Path, where: Any) -> dict[str, Any]:
    """weights_only: tensors and plain values, never code."""
    return torch.load(path, map_location=where, weights_only=True)


def _checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("step-*.pt"))


def _cut_log(folder: Path, step: int) -> None:
    """Remove the lines after ``step``, and a truncated last one: the resumed training writes them again."""
    path = folder / LOG
    if path.exists():
        lines = path.read_text(errors="replace").splitlines(keepends=True)
        files.write_text(path, "".join(line for line in lines if _step_of(line) <= step))


def _step_of(line: str) -> float:
    """Infinite for a line of the log that is cut off or damaged."""
    try:
        return json.loads(line)["step"] if line.endswith("}\n") else math.inf
    except (ValueError, KeyError):
        return math.inf
