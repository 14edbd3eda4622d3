"""What a training run leaves on disk: checkpoints to go on from, diffusers pipelines to sample from, its log."""

from __future__ import annotations

import copy
import io
import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mribench import files


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
    files.write_bytes(folder / "checkpoints" / name, buffer.getvalue())
    *old, before, newest = [None, *_checkpoints(folder)]
    for path in filter(None, old):
        path.unlink()
    referenced = {path.stem.partition("-best-")[2] for path in (before, newest) if path}
    for pipeline in folder.glob("best-*"):
        if pipeline.name.removeprefix("best-") not in referenced:
            shutil.rmtree(pipeline)


def resume(folder: Path, net: Any, optimizers: list[Any], ema: Any, accelerator: Any) -> State:
    """Load the newest readable checkpoint into net, optimizers and ema; a fresh State where there is none."""
    for path in reversed(_checkpoints(folder)):
        try:
            content = _load(path, accelerator.device)
        except Exception:  # a damaged file may fail in any way; the checkpoint before it serves too
            path.unlink(missing_ok=True)
            continue
        state = State(**content["state"])
        if state.best_step and not (best(folder, state).is_dir() or (folder / "best").is_dir()):
            path.unlink(missing_ok=True)
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
        _cut_log(folder, state.step)
    return state


def best(folder: Path, state: State) -> Path:
    """The pipeline with the lowest validation loss so far; it takes the name ``best`` at the end of training."""
    return folder / f"best-{state.best_step}"


def settle_best(folder: Path, state: State) -> None:
    """Give the best pipeline its final name. Harmless when repeated: a kill may come right after."""
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
    with open(folder / "log.jsonl", "a") as file:
        file.write(line + "\n")


def _load(path: Path, where: Any) -> dict[str, Any]:
    """weights_only: tensors and plain values, never code."""
    return torch.load(path, map_location=where, weights_only=True)


def _checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("step-*.pt"))


def _cut_log(folder: Path, step: int) -> None:
    """Remove the lines after ``step``, and a truncated last one: the resumed training writes them again."""
    path = folder / "log.jsonl"
    if path.exists():
        whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("}\n")]
        files.write_text(path, "".join(line for line in whole if json.loads(line)["step"] <= step))
