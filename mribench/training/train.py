"""Train one variant on one modality, read from top to bottom; one optimiser step is in ``step``.

All randomness depends on (seed, step), never on a state: a run that is killed and goes on from its last checkpoint
sees the same batches, timesteps and noise as an unbroken one, and n processes see the same global batch as one.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mribench import device, files, provenance
from mribench.errors import InputError, Interrupted, TrainingDiverged
from mribench.progress import progress, say
from mribench.seeds import numpy_rng, torch_generator
from mribench.signals import deferred_interrupts
from mribench.spec import Profile, Split, Variant
from mribench.training import checkpoint
from mribench.training import folder as training_folder
from mribench.training.checkpoint import State
from mribench.training.fused import optimize
from mribench.training.loader import choose_loader
from mribench.training.malloc import retain_freed_memory
from mribench.training.step import Autocast, RecordedStep, Step, batches, encoded

STEPS_BETWEEN_LOGS = 50
STEPS_BETWEEN_AGREEMENTS = 10


def total_steps(profile: Profile, n: int) -> int:
    """Optimiser steps of a run on ``n`` training images: the smaller of ``max_steps`` and ``max_epochs``."""
    bounds = [profile.max_steps] if profile.max_steps else []
    if profile.max_epochs:
        bounds.append(math.ceil(profile.max_epochs * n / profile.batch_size))
    return min(bounds)


def train(
    variant: Variant,
    train_split: Split,
    validation_split: Split,
    profile: Profile,
    seed: int,
    folder: Path,
    title: str,
    track: str | None = None,
) -> dict[str, Any]:
    """Train to the end of the profile's budget, from the last checkpoint in ``folder`` where there is one.

    Args:
        variant: what is trained.
        train_split: images that the network sees.
        validation_split: images that early stopping and the best weights are chosen by.
        profile: the budget.
        seed: of initial weights, batches, timesteps and noise.
        folder: gets two diffusers pipelines, ``best`` (lowest validation loss) and ``last``, and ``train.json``.
        title: what the progress bar says.
        track: an Accelerate tracker, for example ``tensorboard``.

    Returns:
        The record in ``train.json``: steps, seconds, validation loss, parameters, precision, versions.

    Raises:
        Interrupted: after Ctrl-C; the state is saved.
        TrainingDiverged: the loss is not finite; the last good checkpoint is kept.
    """
    with deferred_interrupts() as interrupted, retain_freed_memory():
        steps = training(
            variant, train_split, validation_split, profile, seed, folder, title, track, interrupted
        )
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value


def training(
    variant: Variant,
    train_split: Split,
    validation_split: Split,
    profile: Profile,
    seed: int,
    folder: Path,
    title: str,
    track: str | None,
    interrupted: Callable[[], bool],
) -> Generator[int, None, dict[str, Any]]:
    """``train`` step by step, so that one process can advance several in turn: yields the number of steps done and
    returns the record."""
    precision = device.precision(profile)
    accelerator = device.accelerator(precision, track, str(folder))
    if profile.batch_size % accelerator.num_processes:
        raise InputError(
            f"batch size {profile.batch_size} cannot be shared by {accelerator.num_processes} processes; "
            "use a number of processes that divides it"
        )
    torch.manual_seed(seed)  # the network's initial weights
    raw = optimize(variant.network(profile).to(accelerator.device), precision)
    scheduler = variant.scheduler(profile)
    optimizer = make_optimizer(raw, profile, accelerator.device)
    ema = [p.detach().clone() for p in raw.parameters()] if profile.ema_decay else None
    total = total_steps(profile, len(train_split))
    rows = batches(len(train_split), profile.batch_size, total, seed)
    timesteps = scheduler.config.num_train_timesteps
    validation_loss = _validation_loss(variant, validation_split, profile, timesteps, accelerator.device)
    state = checkpoint.resume(folder, raw, optimizer, ema, accelerator)
    step = Step(
        variant=variant,
        scheduler=scheduler,
        net=raw,
        raw=raw,
        optimizer=optimizer,
        ema=ema,
        feed=choose_loader(train_split.images, rows, accelerator.device, title),
        profile=profile,
        seed=seed,
        total=total,
        accelerator=accelerator,
    )
    one_step, net = launch(step, precision, state.step, title)
    if track:
        accelerator.init_trackers("mribench", config={"modality": title, "seed": seed})
    resumed_at = time.monotonic()
    running = torch.full((), state.loss_sum, device=accelerator.device)
    net.train()
    with progress(title, total, state.step) as advance:
        while state.step < total and not _stop_early(state, profile):
            running += one_step(state.step)
            state.step += 1
            yield state.step
            at_end = state.step == total
            evaluating = at_end or state.step % profile.eval_every == 0
            stopping = _agreed(interrupted(), state.step, accelerator)
            saving = at_end or state.step % profile.checkpoint_every == 0 or stopping
            logging = evaluating or state.step % STEPS_BETWEEN_LOGS == 0
            if logging or saving:
                # the device is waited for here and nowhere else; a loss that was ever NaN still is
                mean = accelerator.reduce(running, "mean").item() / (state.step - state.logged_step)
                _refuse_divergence(mean, title, state, folder)
                advance(state.step, f"loss {mean:.4f}")
            if logging:
                accelerator.log({"loss": mean}, step=state.step)
                running.zero_()
                state.logged_step = state.step
            if evaluating:
                with _averaged(raw, ema):
                    # one value for all processes: a last bit that differs must not stop one of them alone
                    value = validation_loss(net, scheduler)
                    value = accelerator.reduce(torch.tensor(value, device=accelerator.device), "mean").item()
                    _refuse_divergence(value, title, state, folder)
                    _note_evaluation(state, value)
                    if accelerator.is_main_process:
                        checkpoint.log_line(folder, state.step, mean, value)
                        if state.best_step == state.step:
                            checkpoint.write_best(folder, state, raw, scheduler)
                accelerator.log({"validation_loss": value}, step=state.step)
                net.train()
            if saving:
                state.seconds += time.monotonic() - resumed_at
                resumed_at = time.monotonic()
                state.loss_sum = running.item()
                if accelerator.is_main_process:
                    checkpoint.save(folder, state, raw, optimizer, ema, accelerator)
            if stopping:
                raise Interrupted(
                    f"{title}: interrupted at step {state.step}, state saved; run the same command to go on"
                )
    accelerator.wait_for_everyone()
    record = _record(state, raw, profile, precision, accelerator)
    record["prediction"] = scheduler.config.get("prediction_type")
    if accelerator.is_main_process:
        with _averaged(raw, ema):
            checkpoint.write_pipeline(folder / "last", raw, scheduler)
        checkpoint.settle_best(folder, state)
        files.write_json(folder / training_folder.RECORD, record)
        training_folder.seal(folder)
        checkpoint.clear(folder)
    for tracker in accelerator.trackers:
        tracker.finish()
    accelerator.wait_for_everyone()
    return record


def make_optimizer(raw: torch.nn.Module, profile: Profile, where: torch.device) -> torch.optim.Optimizer:
    """The profile's optimiser; on a GPU one that can be recorded, which reads its learning rate from the device."""
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[profile.optimizer]
    on_gpu = where.type == "cuda"
    lr = torch.tensor(profile.lr, device=where) if on_gpu else profile.lr
    return make(raw.parameters(), lr=lr, fused=True, capturable=on_gpu)


def launch(step: Step, precision: str, first: int, title: str) -> tuple[Step, Any]:
    """The step as this device runs it, and the network to evaluate with: recorded on a single GPU, else as it is.

    step: whose ``net`` is the plain network. first: number of the step that comes next.
    """
    raw, accelerator, profile = step.raw, step.accelerator, step.profile
    if accelerator.device.type == "cuda" and accelerator.num_processes == 1 and precision != "fp16":
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
    net, optimizer = accelerator.prepare(raw, step.optimizer)
    return replace(step, net=net, optimizer=optimizer, mine=mine), net


def _validation_loss(
    variant: Variant, split: Split, profile: Profile, timesteps: int, where: torch.device
) -> Any:
    """A function (net, scheduler) -> mean loss over images, noise and timesteps that never change.

    Timesteps are stratified over [0, T), so that the value does not hang on a lucky draw.
    """
    n = min(profile.eval_images, len(split))
    chosen = np.linspace(0, len(split) - 1, n).astype(int)
    x0 = torch.from_numpy(split.images[chosen]).to(where).unsqueeze(1).float() / 127.5 - 1
    x0 = torch.cat([encoded(variant, chunk) for chunk in x0.split(profile.batch_size)])
    noise = torch.randn(x0.shape, generator=torch_generator("validation", device=where.type), device=where)
    t = ((torch.arange(n, device=where) + 0.5) * timesteps / n).long()
    t = t[torch.from_numpy(numpy_rng("validation").permutation(n)).to(where)]

    @torch.no_grad()
    def evaluate(net: Any, scheduler: Any) -> float:
        net.eval()
        chunks = zip(
            x0.split(profile.batch_size),
            noise.split(profile.batch_size),
            t.split(profile.batch_size),
            strict=True,
        )
        return torch.cat([variant.loss(net, scheduler, *chunk) for chunk in chunks]).mean().item()

    return evaluate


def _note_evaluation(state: State, value: float) -> None:
    if value < state.best_loss:
        state.best_loss, state.best_step, state.evaluations_since_best = value, state.step, 0
    else:
        state.evaluations_since_best += 1


def _agreed(interrupted: bool, step: int, accelerator: Any) -> bool:
    """Whether all processes stop after this step: a signal reaches them at different steps, a collective must not."""
    if accelerator.num_processes == 1:
        return interrupted
    if step % STEPS_BETWEEN_AGREEMENTS:
        return False
    return accelerator.reduce(torch.tensor(float(interrupted), device=accelerator.device), "sum").item() > 0


def _refuse_divergence(loss: float, title: str, state: State, folder: Path) -> None:
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"{title}: the loss is {loss} near step {state.step}; the last good checkpoint is kept in {folder}; "
            "try --precision fp32, or a variant or profile with a lower learning rate"
        )


def _stop_early(state: State, profile: Profile) -> bool:
    return profile.patience is not None and state.evaluations_since_best >= profile.patience


@contextlib.contextmanager
def _averaged(net: torch.nn.Module, ema: list[torch.Tensor] | None) -> Iterator[None]:
    """Within the block the network has the weights of its moving average: what is evaluated is what is shipped."""
    if ema is None:
        yield
        return
    parameters = list(net.parameters())
    own = [p.detach().clone() for p in parameters]
    try:
        with torch.no_grad():
            torch._foreach_copy_(parameters, ema)
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(parameters, own)


def _record(state: State, net: Any, profile: Profile, precision: str, accelerator: Any) -> dict[str, Any]:
    return {
        "steps": state.step,
        "images_seen": state.step * profile.batch_size,
        "best_step": state.best_step,
        "validation_loss": state.best_loss,
        "seconds": round(state.seconds, 2),
        "parameters": sum(p.numel() for p in net.parameters()),
        "precision": precision,
        "processes": accelerator.num_processes,
        "device": accelerator.device.type,
        "made_with": provenance.environment(),
    } | provenance.peak_memory_gib()
