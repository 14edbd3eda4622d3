"""One stage of a training: its steps, evaluations and checkpoints, from the last checkpoint where there is one.

All randomness depends on (seed, step), never on a state: a stage that is killed and goes on from its last checkpoint
sees the same batches, timesteps and noise as an unbroken one, and n processes see the same global batch as one.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mribench import provenance
from mribench.errors import Interrupted, TrainingDiverged
from mribench.progress import progress
from mribench.spec import Batch, Profile, Split, Stage
from mribench.training import checkpoint
from mribench.training.budget import budgeted, step_cost, total_steps
from mribench.training.checkpoint import State
from mribench.training.conditions import LabelFeed, LabelledSplit
from mribench.training.draws import ValidationDraws
from mribench.training.fused import optimize
from mribench.training.launch import launch, optimizers
from mribench.training.loader import choose_loader
from mribench.training.step import Step, batches

STEPS_BETWEEN_LOGS = 50
STEPS_BETWEEN_AGREEMENTS = 10


def train_stage(
    stage: Stage,
    scheduler: Any,
    earlier: Mapping[str, torch.nn.Module],
    train_split: Split,
    validation_split: Split,
    profile: Profile,
    seed: int,
    folder: Path,
    title: str,
    accelerator: Any,
    interrupted: Callable[[], bool],
) -> Generator[int, None, dict[str, Any]]:
    """Train one stage to the end of its share of the budget; yields the number of steps done, returns the record.

    Args:
        stage: What is trained.
        scheduler: The diffusers scheduler that is saved beside the network; None for a network alone.
        earlier: Networks of finished stages by name.
        train_split: Images that the network sees; labelled, for a variant with conditions.
        validation_split: Images that early stopping and the best weights are chosen by.
        profile: The budget of all stages; its precision is known.
        seed: Of initial weights and of all draws.
        folder: Gets ``best`` (lowest validation loss), ``last`` and ``train.json``.
        title: Begins the progress bar.
        accelerator: Of Accelerate.
        interrupted: Whether to stop after this step.
    """
    precision = profile.precision or "fp32"
    torch.manual_seed(seed)  # the network's initial weights
    raw = stage.network(profile).to(accelerator.device)
    if stage.starts_from:
        raw.load_state_dict(earlier[stage.starts_from].state_dict())
    cost = step_cost(stage, raw, earlier, profile)
    profile = budgeted(profile, len(train_split), stage.share, cost)
    raw = optimize(raw, precision)
    ema = [p.detach().clone() for p in raw.parameters()] if profile.ema_decay and stage.average else None
    total = total_steps(profile, len(train_split))
    rows = batches(len(train_split), profile.batch_size, total, seed)
    labels = (
        LabelFeed(train_split, rows, accelerator.device) if isinstance(train_split, LabelledSplit) else None
    )
    step = Step(
        stage=stage,
        net=raw,
        raw=raw,
        optimizers=optimizers(stage, raw, profile, accelerator.device),
        ema=ema,
        feed=choose_loader(train_split.images, rows, accelerator.device, title),
        profile=profile,
        seed=seed,
        total=total,
        earlier=earlier,
        labels=labels,
        accelerator=accelerator,
    )
    validation_loss = _validation_loss(step, validation_split)
    state = checkpoint.resume(folder, raw, step.optimizers, ema, accelerator)
    one_step, net = launch(step, precision, state.step, title)
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
                    value = validation_loss(net)
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
                    checkpoint.save(folder, state, raw, step.optimizers, ema, accelerator)
            if stopping:
                raise Interrupted(
                    f"{title}: interrupted at step {state.step}, state saved; run the same command to go on"
                )
    accelerator.wait_for_everyone()
    record = _record(state, raw, profile, precision, accelerator)
    record["tflop"] = round(cost.total(profile, state.step) / 1e12, 3)
    if scheduler is not None:
        record["prediction"] = scheduler.config.get("prediction_type")
    if accelerator.is_main_process:
        with _averaged(raw, ema):
            checkpoint.write_pipeline(folder / "last", raw, scheduler)
        checkpoint.settle_best(folder, state)
    return record


def _validation_loss(step: Step, split: Split) -> Callable[[Any], float]:
    """A function net -> mean loss over images and draws that never change."""
    stage, profile, where = step.stage, step.profile, step.feed.device
    n = min(profile.eval_images, len(split))
    chosen = np.linspace(0, len(split) - 1, n).astype(int)
    x = torch.from_numpy(split.images[chosen]).to(where).unsqueeze(1).float() / 127.5 - 1
    labels = torch.from_numpy(split.labels[chosen]).to(where) if isinstance(split, LabelledSplit) else None
    parts = [slice(first, first + profile.batch_size) for first in range(0, n, profile.batch_size)]
    loss = stage.validation or stage.updates[0].loss

    def batch(part: slice) -> Batch:
        return Batch(x[part], None if labels is None else labels[part])

    @torch.no_grad()
    def evaluate(net: Any) -> float:
        net.eval()
        losses = [loss(net, batch(part), step.earlier, ValidationDraws(n, part, where)) for part in parts]
        return torch.cat(losses).mean().item()

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
