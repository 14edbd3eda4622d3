"""Train one variant or generative model on one modality: its stages in order, each by ``loop``.

A finished stage is never trained again: a training that is killed goes on in the stage that it was in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mribench import device, files
from mribench.errors import Damaged, InputError
from mribench.signals import deferred_interrupts
from mribench.spec import GenerativeModel, Split, Stage, Variant
from mribench.training import checkpoint
from mribench.training import folder as training_folder
from mribench.training.arguments import TrainingArguments
from mribench.training.conditions import labelled, of_all_labels, record_of, with_labels
from mribench.training.loop import train_stage
from mribench.training.malloc import retain_freed_memory
from mribench.training.space import (
    LATENT_STD,
    RECONSTRUCTION_PSNR,
    Space,
    latent_std,
    load_network,
    reconstruction_psnr,
)
from mribench.training.stages import diffusion_stage, earlier_stages

MAX_LATENTS = 512  # images that latents and their decoding are measured on


def train(model: Variant | GenerativeModel, arguments: TrainingArguments) -> dict[str, Any]:
    """Train to the end of the profile's budget, from the last checkpoint in the folder where there is one.

    Returns:
        The record in ``train.json``: steps, seconds, validation loss, parameters, precision, versions.

    Raises:
        Interrupted: after Ctrl-C; the state is saved.
        TrainingDiverged: the loss is not finite; the last good checkpoint is kept.
    """
    with deferred_interrupts() as interrupted, retain_freed_memory():
        steps = training(model, arguments, interrupted)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value


def training(
    model: Variant | GenerativeModel, arguments: TrainingArguments, interrupted: Callable[[], bool]
) -> Generator[int, None, dict[str, Any]]:
    """``train`` step by step, so that one process can advance several in turn: yields the number of steps done and
    returns the record."""
    arguments = replace(
        arguments, profile=replace(arguments.profile, precision=device.precision(arguments.profile))
    )
    about = {}
    if isinstance(model, Variant) and model.conditions:
        split = labelled(arguments.train_split)
        about, n = record_of(split, model.conditions[0]), len(split.names)
        model = with_labels(model, n)
        arguments = replace(
            arguments,
            train_split=split,
            validation_split=labelled(arguments.validation_split),
            # of several organs the budgets are added up; classes of one share its budget
            profile=of_all_labels(arguments.profile, n if "modality" in model.conditions else 1),
        )
    profile, folder = arguments.profile, arguments.folder
    accelerator = device.accelerator(profile.precision, arguments.track, str(folder))
    if profile.batch_size % accelerator.num_processes:
        raise InputError(
            f"batch size {profile.batch_size} cannot be shared by {accelerator.num_processes} processes; "
            "use a number of processes that divides it"
        )
    if arguments.track:
        accelerator.init_trackers("mribench", config={"modality": arguments.title, "seed": arguments.seed})

    def stage_training(
        stage: Stage, scheduler: Any, where: Path, called: str
    ) -> Generator[int, None, dict[str, Any]]:
        where.mkdir(parents=True, exist_ok=True)
        own = replace(arguments, folder=where, title=called)
        return train_stage(stage, scheduler, networks, own, accelerator, interrupted)

    networks: dict[str, torch.nn.Module] = {}
    records: dict[str, dict[str, Any]] = {}
    for stage in earlier_stages(model):
        where = folder / stage.name
        if not training_folder.is_finished(where):
            record = yield from stage_training(stage, None, where, f"{arguments.title}, {stage.name}")
            network = load_network(stage, profile, where / profile.keep, accelerator.device)
            if isinstance(model, Variant):
                std = latent_std(model, network, _some(arguments.train_split, accelerator.device))
                seen = _some(arguments.validation_split, accelerator.device)
                record[LATENT_STD] = std
                record[RECONSTRUCTION_PSNR] = reconstruction_psnr(Space(model, network, std), seen)
            _finish(where, record, accelerator)
        if damaged := training_folder.damages(where, profile.keep, quick=False)[0]:
            raise Damaged(f"{damaged[0]}; remove {where} to train this stage again")
        # from the disk also where it has just been trained: the kept weights may be those of an earlier step
        networks[stage.name] = load_network(stage, profile, where / profile.keep, accelerator.device)
        records[stage.name] = files.read_json(where / training_folder.RECORD)
    if isinstance(model, GenerativeModel):
        record = _together(records)
    else:
        scheduler, autoencoder = model.scheduler(profile), model.autoencoder
        space = Space(model)
        if autoencoder:
            name = autoencoder.stage.name
            space = Space(model, networks[name], records[name][LATENT_STD])
        share = 1 - sum(stage.share for stage in earlier_stages(model))
        stage = diffusion_stage(model, scheduler, space, share)
        record = yield from stage_training(stage, scheduler, folder, arguments.title)
        record |= about | ({"stages": records} if records else {})
    _finish(folder, record, accelerator)
    for tracker in accelerator.trackers:
        tracker.finish()
    accelerator.wait_for_everyone()
    return record


def _finish(folder: Path, record: dict[str, Any], accelerator: Any) -> None:
    """Write the record last: a folder with one is finished."""
    if accelerator.is_main_process:
        files.write_json(folder / training_folder.RECORD, record)
        training_folder.seal(folder, record.get("stages", ()))
        checkpoint.clear(folder)
    # no process looks for the record before it is there
    accelerator.wait_for_everyone()


def _some(split: Split, where: torch.device) -> torch.Tensor:
    """Every k-th image in [-1, 1], float32 (n, 1, H, W), at most ``MAX_LATENTS``."""
    images = split.images[:: -(-len(split) // MAX_LATENTS)]
    return torch.from_numpy(images).to(where).unsqueeze(1).float() / 127.5 - 1


def _together(records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One record for all stages: what they cost in sum, and each by name."""
    last = list(records.values())[-1]
    summed = ("steps", "images_seen", "seconds", "parameters", "tflop")
    return (
        last
        | {name: sum(record[name] for record in records.values()) for name in summed}
        | {"stages": records}
    )
