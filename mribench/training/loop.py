"""One stage of a training: its steps, evaluations and checkpoints, from the last checkpoint where there is one.

All randomness depends on (seed, step), never on a state: a stage that is killed and goes on from its last checkpoint
sees the same batches, timesteps and noise as an unbroken one, and n processes see the same global batch as one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from mribench import provenance
from mribench.errors import Interrupted, TrainingDiverged
from mribench.progress import progress
from mribench.spec import Profile, Stage
from mribench.training import checkpoint
from mribench.training.arguments import TrainingArguments
from mribench.training.budget import StepCost, budgeted, step_cost
from mribench.training.checkpoint import State
from mribench.training.conditions import LabelFeed, LabelledSplit
from mribench.training.fused import optimize
from mribench.training.launch import launch, optimizers
from mribench.training.loader import choose_loader
from mribench.training.own_step import OwnStep
from mribench.training.step import Step, batches
from mribench.training.validation import averaged, validation_loss

STEPS_BETWEEN_LOGS = 50
STEPS_BETWEEN_AGREEMENTS = 10


def train_stage(
    stage: Stage,
    scheduler: Any,
    earlier: Mapping[str, torch.nn.Module],
    arguments: TrainingArguments,
    accelerator: Any,
    interrupted: Callable[[], bool],
) -> Generator[int, None, dict[str, Any]]:
    """Train one stage to the end of its share of the budget; yields the number of steps done, returns the record.

    Args:
        stage: What is trained.
        scheduler: The diffusers scheduler that is saved beside the network; None for a network alone.
        earlier: Networks of finished stages by name.
        arguments: The splits are labelled, for a variant with conditions. The profile is the budget of all stages, its
            precision is known. The folder gets ``best`` (lowest validation loss), ``last`` and ``train.json``.
        accelerator: Of Accelerate.
        interrupted: Whether to stop after this step.
    """
    training = _begin(stage, scheduler, earlier, arguments, accelerator)
    state, title, total = training.state, training.arguments.title, training.step.total
    with progress(title, total, state.step) as advance:
        while state.step < total and not _stop_early(state, training.arguments.profile):
            training.loss_sum += training.one_step(state.step)
            state.step += 1
            yield state.step
            stopping = _agreed(interrupted(), state.step, accelerator)
            training.after_step(stopping, advance)
            if stopping:
                raise Interrupted(
                    f"{title}: interrupted at step {state.step}, state saved; run the same command to go on"
                )
    accelerator.wait_for_everyone()
    return training.finish()


def _begin(
    stage: Stage,
    scheduler: Any,
    earlier: Mapping[str, torch.nn.Module],
    arguments: TrainingArguments,
    accelerator: Any,
) -> _StageTraining:
    """The network, its optimisers and its batches, as the last checkpoint left them; see ``train_stage``."""
    torch.manual_seed(arguments.seed)  # the network's initial weights
    raw = stage.network(arguments.profile).to(accelerator.device)
    if stage.starts_from:
        raw.load_state_dict(earlier[stage.starts_from].state_dict())
    cost = step_cost(stage, raw, earlier, arguments.profile)
    profile = budgeted(arguments.profile, len(arguments.train_split), stage.share, cost)
    arguments = replace(arguments, profile=profile)
    raw = optimize(raw, arguments.precision)
    step = _step(stage, raw, earlier, arguments, accelerator)
    state = checkpoint.resume(arguments.folder, raw, step.optimizers, step.ema, accelerator)
    one_step, net = launch(step, arguments.precision, state.step, arguments.title)
    net.train()
    return _StageTraining(step, one_step, net, scheduler, state, arguments, cost)


def _step(
    stage: Stage,
    raw: torch.nn.Module,
    earlier: Mapping[str, torch.nn.Module],
    arguments: TrainingArguments,
    accelerator: Any,
) -> Step:
    """One optimiser step of a stage on a network, with its batches; the profile has the stage's own number of steps."""
    profile, split, where = arguments.profile, arguments.train_split, accelerator.device
    ema = [p.detach().clone() for p in raw.parameters()] if profile.ema_decay and stage.average else None
    total = profile.total_steps(len(split))
    rows = batches(len(split), profile.batch_size, total, arguments.seed)
    makes = partial(OwnStep, split=split) if any(update.take_step for update in stage.updates) else Step
    return makes(
        stage=stage,
        net=raw,
        raw=raw,
        optimizers=optimizers(stage, raw, profile, where),
        ema=ema,
        feed=choose_loader(split.images, rows, where, arguments.title),
        profile=profile,
        seed=arguments.seed,
        total=total,
        earlier=earlier,
        labels=LabelFeed(split, rows, where) if isinstance(split, LabelledSplit) else None,
        accelerator=accelerator,
    )


class _StageTraining:
    """A stage between its steps: what it logs, evaluates and saves."""

    def __init__(
        self,
        step: Step,
        one_step: Callable[[int], torch.Tensor],
        net: Any,
        scheduler: Any,
        state: State,
        arguments: TrainingArguments,
        cost: StepCost,
    ):
        self.step, self.one_step, self.net, self.scheduler = step, one_step, net, scheduler
        self.state, self.arguments, self.cost = state, arguments, cost
        self.accelerator = step.accelerator
        self.loss_sum = torch.full((), state.loss_sum, device=self.accelerator.device)
        self.validation_loss = validation_loss(step, arguments.validation_split)
        self.resumed_at = time.monotonic()

    def after_step(self, stopping: bool, advance: Callable[..., None]) -> None:
        """Log, evaluate and save where each is due; all of them at the end.

        Raises TrainingDiverged before it saves: the last checkpoint stays a good one.
        """
        number, profile = self.state.step, self.arguments.profile
        at_end = number == self.step.total
        evaluating = at_end or number % profile.eval_every == 0
        saving = at_end or number % profile.checkpoint_every == 0 or stopping
        logging = evaluating or number % STEPS_BETWEEN_LOGS == 0
        if logging or saving:
            mean = self.mean_loss()
            advance(number, f"loss {mean:.4f}")
        if logging:
            self.log(mean)
        if evaluating:
            self.evaluate(mean)
        if saving:
            self.save()

    def mean_loss(self) -> float:
        """Of the steps since the last log. The device is waited for here and nowhere else between evaluations.

        Raises TrainingDiverged where it is not finite: a loss that was ever NaN still is.
        """
        n = self.state.step - self.state.logged_step
        mean = self.accelerator.reduce(self.loss_sum, "mean").item() / n
        self._refuse_divergence(mean)
        return mean

    def log(self, mean: float) -> None:
        self.accelerator.log({"loss": mean}, step=self.state.step)
        self.loss_sum.zero_()
        self.state.logged_step = self.state.step

    def evaluate(self, mean: float) -> None:
        """Measure the validation loss, and keep the averaged weights where it is the lowest so far."""
        state, accelerator = self.state, self.accelerator
        with averaged(self.step.raw, self.step.ema):
            # one value for all processes: a last bit that differs must not stop one of them alone
            value = torch.tensor(self.validation_loss(self.net), device=accelerator.device)
            value = accelerator.reduce(value, "mean").item()
            self._refuse_divergence(value)
            _note_evaluation(state, value)
            if accelerator.is_main_process:
                checkpoint.log_line(self.arguments.folder, state.step, mean, value)
                if state.best_step == state.step:
                    checkpoint.write_best(self.arguments.folder, state, self.step.raw, self.scheduler)
        accelerator.log({"validation_loss": value}, step=state.step)
        self.net.train()

    def save(self) -> None:
        """Write a checkpoint to go on from."""
        now = time.monotonic()
        self.state.seconds += now - self.resumed_at
        self.resumed_at = now
        self.state.loss_sum = self.loss_sum.item()
        if self.accelerator.is_main_process:
            step = self.step
            checkpoint.save(
                self.arguments.folder, self.state, step.raw, step.optimizers, step.ema, self.accelerator
            )

    def finish(self) -> dict[str, Any]:
        """Write the last weights, give the best ones their name, and return the record."""
        record = _record(self.state, self.step.raw, self.arguments, self.accelerator)
        record["tflop"] = round(self.cost.total(self.arguments.profile, self.state.step) / 1e12, 3)
        if self.scheduler is not None:
            record["prediction"] = self.scheduler.config.get("prediction_type")
        record |= self.step.about(self.state.step)
        if self.accelerator.is_main_process:
            with averaged(self.step.raw, self.step.ema):
                checkpoint.write_pipeline(self.arguments.folder / "last", self.step.raw, self.scheduler)
            checkpoint.settle_best(self.arguments.folder, self.state)
        return record

    def _refuse_divergence(self, loss: float) -> None:
        title, folder = self.arguments.title, self.arguments.folder
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"{title}: the loss is {loss} near step {self.state.step}; the last good checkpoint is kept in "
                f"{folder}; try --precision fp32, or a variant or profile with a lower learning rate"
            )


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


def _stop_early(state: State, profile: Profile) -> bool:
    return profile.patience is not None and state.evaluations_since_best >= profile.patience


def _record(state: State, net: Any, arguments: TrainingArguments, accelerator: Any) -> dict[str, Any]:
    return {
        "steps": state.step,
        "images_seen": state.step * arguments.profile.batch_size,
        "best_step": state.best_step,
        "validation_loss": state.best_loss,
        "seconds": round(state.seconds, 2),
        "parameters": sum(p.numel() for p in net.parameters()),
        "precision": arguments.precision,
        "processes": accelerator.num_processes,
        "device": accelerator.device.type,
        "made_with": provenance.environment(),
    } | provenance.peak_memory_gib()
