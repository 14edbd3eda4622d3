"""How this machine runs a step: under Accelerate, or recorded as a CUDA graph on a single GPU."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import torch

from mribench.errors import InputError
from mribench.progress import say
from mribench.spec import Profile, Stage
from mribench.training.own_step import OwnStep
from mribench.training.step import Autocast, RecordedStep, Step


def make_optimizer(
    raw: torch.nn.Module, profile: Profile, where: torch.device, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    """The profile's optimiser; on a GPU one that can be recorded, which reads its learning rate from the device."""
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[profile.optimizer]
    on_gpu = where.type == "cuda"
    lr = torch.tensor(profile.lr, device=where) if on_gpu else profile.lr
    return make(raw.parameters(), lr=lr, betas=betas, fused=True, capturable=on_gpu)


def optimizers(stage: Stage, raw: torch.nn.Module, profile: Profile, where: torch.device) -> list[Any]:
    """One for each update, of the part of the network that it moves."""
    parts = [raw.get_submodule(update.part) if update.part else raw for update in stage.updates]
    return [
        make_optimizer(part, profile, where, update.betas)
        for part, update in zip(parts, stage.updates, strict=True)
    ]


def launch(step: Step, precision: str, first: int, title: str) -> tuple[Step, Any]:
    """The step as this device runs it, and the network to evaluate with: recorded on a single GPU, else as it is.

    step: whose ``net`` is the plain network. first: number of the step that comes next. Raises InputError where several
    processes would share a stage of several updates, or one that takes its own steps, or where such a one is to be
    trained in fp16.
    """
    raw, accelerator, profile = step.raw, step.accelerator, step.profile
    if isinstance(step, OwnStep) and (accelerator.num_processes > 1 or precision == "fp16"):
        raise InputError(
            f"{title}: steps of its own are taken by one process in fp32 or bf16, found {accelerator.num_processes} "
            f"in {precision}; run it with one process and --precision fp32"
        )
    updates = len(step.stage.updates)
    if updates > 1 and accelerator.num_processes > 1:
        raise InputError(
            f"{title}: the stage {step.stage.name!r} has {updates} optimisers, and only a training with one can be "
            f"shared by processes; found {accelerator.num_processes} processes, run it with one"
        )
    if accelerator.device.type == "cuda" and accelerator.num_processes == 1 and precision != "fp16":
        if isinstance(step, OwnStep):
            say(f"{title}: steps of its own are not recorded as a CUDA graph and run without")
        elif updates > 1:
            say(f"{title}: a step of {updates} optimisers is not recorded as a CUDA graph and runs without")
        else:
            parts = {part.name: getattr(step, part.name) for part in fields(step)}
            recorded = RecordedStep(**parts | {"net": Autocast(raw, precision, profile.compile)})
            try:
                recorded.record(first)
                return recorded, Autocast(raw, precision)
            except RuntimeError as error:
                cause = str(error).splitlines()[0]
                say(f"{title}: this step cannot be recorded as a CUDA graph and runs without ({cause})")
    shard = profile.batch_size // accelerator.num_processes
    mine = slice(accelerator.process_index * shard, (accelerator.process_index + 1) * shard)
    net, *prepared = accelerator.prepare(raw, *step.optimizers)
    return replace(step, net=net, optimizers=prepared, mine=mine), net
