"""The unit that is run, cached and resumed, and the names that its stages have on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mribench import hashing, profiles
from mribench.audit import training_set
from mribench.code_hash import code_hash
from mribench.device import place
from mribench.runner.model_code import model_code, trained_as
from mribench.runner.plan import Plan
from mribench.runner.tuned import Tuned, with_learning_rate
from mribench.sampling.forward_process import default_sampler
from mribench.sampling.offers import not_applicable, on_data, poses
from mribench.sampling.samplers import SamplerChoice
from mribench.spec import (
    Control,
    GenerativeModel,
    Integrator,
    Modality,
    Model,
    Prepared,
    PretrainedModel,
    Problem,
    Profile,
    RestoredImages,
    Solver,
    Split,
    Task,
    Variant,
)

# raised when training or producing changes its numbers: old stages are then left alone and new ones made
TRAIN_VERSION = 1
PRODUCE_VERSION = 1


def is_joint(variant: Variant | GenerativeModel | Control) -> bool:
    """Whether one training serves all organs of a run."""
    return isinstance(variant, Variant) and "modality" in variant.conditions


def field_keys(reader: object, data: Prepared) -> dict[str, str]:
    """Content hash of each field of the data that a task, or a variant in training, reads, if the data have it."""
    names = sorted({*getattr(reader, "fields", ()), *getattr(reader, "any_fields", ())})
    return {name: data.field_keys[name] for name in names if name in data.field_keys}


@dataclass(frozen=True)
class Cell:
    """modality x dataset x variant x seed; to answer a task also its weights and the sampler that draws from them."""

    modality: Modality
    data: Prepared
    variant: (
        Variant | GenerativeModel | PretrainedModel | RestoredImages | Control | Solver
    )  # a solver: a baseline without a prior
    seed: int
    trained: Path | None = (
        None  # the training's folder, finished or not; None for what this run does not train
    )
    sampler: SamplerChoice | None = None  # None for all but a ``Variant``
    solver: Solver | None = None  # in the sampler's place, for a task that poses a problem
    # (name, data) of every organ of the run, sorted by name, for a joint training; none: of this organ alone
    organs: tuple[tuple[str, Prepared], ...] = ()
    # what is known of a training elsewhere, as the audit is to see it (``audit.training_set``); None: see ``judged``
    audited: Prepared | None = None

    @property
    def is_joint(self) -> bool:
        """Whether its training is one for all organs of the run."""
        return is_joint(self.variant)

    @property
    def trained_on(self) -> dict[str, Prepared]:
        """The data of its training by organ, in the order of the labels."""
        return dict(self.organs) or {self.modality.name: self.data}

    def split(self, name: str) -> Split:
        """Its training or validation images; of a joint training those of all organs, labelled."""
        if not getattr(self.variant, "conditions", ()):
            return getattr(self.data, name)
        from mribench.training.conditions import by_lesion, joined

        if not self.is_joint:
            return by_lesion(getattr(self.data, name))
        return joined({organ: getattr(data, name) for organ, data in self.trained_on.items()})

    @property
    def name(self) -> str:
        parts = self.modality.name, self.variant.name, self.drawn_by, f"s{self.seed}"
        return "_".join(part for part in parts if part)

    @property
    def drawn_by(self) -> str | None:
        """Name of the sampler, with its steps, or of the solver."""
        chosen = self.sampler or self.solver
        return chosen.name if chosen else None

    def network(self, profile: Profile) -> Any:
        """The untrained network of a variant, called without a label also where it takes one."""
        from mribench.training.conditions import at_first_label

        return at_first_label(self.variant, self.variant.network(profile))

    @property
    def is_trained_here(self) -> bool:
        """Whether it goes through a training: controls and pretrained models do not."""
        return isinstance(self.variant, Variant | GenerativeModel)

    @property
    def judged(self) -> Prepared:
        """The data as a task's ``judge`` sees them: with the training images that the model has seen."""
        if self.audited is not None:
            return self.audited
        is_foreign = isinstance(self.variant, PretrainedModel) and self.variant.trained_on != self.data.name
        return training_set.unknown(self.data) if is_foreign else self.data

    def tuned(self, plan: Plan) -> Tuned | None:
        """How its learning rate was chosen; None where it is the profile's."""
        name = trained_as(self.variant)
        return plan.tuned[name] if self.is_trained_here and name in plan.tuned else None

    def as_trained(self, plan: Plan) -> tuple[Variant | GenerativeModel, Profile]:
        """The model and the profile that ``train`` is given: with the learning rate that was tuned, if one was."""
        tuned = self.tuned(plan)
        return with_learning_rate(self.variant, plan.profile, tuned.factor if tuned else 1.0)

    def with_training(self, plan: Plan) -> Cell:
        """The cell with the folder of its training, where any task of the run is asked of a model that learns."""
        asked = [task for task in plan.of_models if poses(task, self.modality)]
        if not self.is_trained_here or all(not_applicable(task, self.variant, self.data) for task in asked):
            return self
        return replace(self, trained=self.train_folder(plan))

    def train_folder(self, plan: Plan) -> Path:
        """Named by everything that the weights depend on."""
        model, profile = self.as_trained(plan)
        made_from = {
            "version": TRAIN_VERSION,
            "data": [[name, data.key] for name, data in self.trained_on.items()]
            if self.is_joint
            else self.data.key,
            "variant": model_code(model),
            "budget": profiles.training_budget(profile),
            "seed": self.seed,
        }
        if getattr(model, "fields", ()):
            made_from["fields"] = [[name, field_keys(model, data)] for name, data in self.trained_on.items()]
        name = self.name
        if self.is_joint:
            name = f"organs-{len(self.trained_on)}_{trained_as(self.variant)}_s{self.seed}"
        return plan.out / "train" / f"{name}_{hashing.json_hash(made_from)}"

    def output_name(self, task: Task, plan: Plan, read: str | None = None) -> str:
        """Named by everything that the produced images depend on.

        Args:
            task: What is asked.
            plan: The run.
            read: Name of the other task's outputs that they are made from, if they are.
        """
        model: list[Any] = [self.data.key, model_code(self.variant)]
        if self.trained and self.sampler:
            sampler = self.sampler.sampler
            parts = (
                (sampler.integrate,)
                if isinstance(sampler, Integrator)
                else (sampler.scheduler, sampler.timesteps)
            )
            code = code_hash(*parts)
            model = [self.trained.name, plan.profile.keep, self.sampler.name, sampler.version, code]
            if self.is_joint:
                model += [self.modality.name, self.variant.guidance]
            elif self.variant.conditions:
                model += [self.variant.guidance]
        elif self.trained:
            model = [self.trained.name, plan.profile.keep]
            if self.solver:
                solver = self.solver
                model += [solver.name, solver.version, code_hash(solver.solve), [*map(dict, solver.search)]]
                model += [self.modality.name] if self.is_joint else []
        elif isinstance(self.variant, PretrainedModel) and task.judge:
            model += [self.judged.key, self.judged.manifest.get(training_set.KNOWN, True)]
        made_from = {
            "version": [PRODUCE_VERSION, task.name, task.version, code_hash(task.produce)],
            "model": model,
            "n": [
                plan.profile.n_generated,
                plan.profile.sample_batch,
                plan.profile.alpha_bars,
                plan.profile.size,
            ],
            "seed": self.seed,
        }
        own = field_keys(self.variant, self.data) if isinstance(self.variant, Solver) else {}
        if fields := field_keys(task, self.data) | own:
            made_from["fields"] = fields
        if read:
            made_from["read"] = read
        if task.problem:
            parts = filter(None, (task.problem.measure, task.problem.of_data))
            made_from["problem"] = [task.problem.levels, code_hash(*parts)]
        return f"{self.name}_{task.name}_{hashing.json_hash(made_from)}"

    def model(self, plan: Plan, title: str, problem: Problem | None = None) -> Model:
        """What a task sees: the trained variant with its sampler, the trained generator, the pretrained model, the
        fitted control, or what answers a problem."""
        if problem is not None:
            return self._solving(plan, title, problem)
        if isinstance(self.variant, RestoredImages):
            from mribench.sampling.restored import RestoredDenoising

            return RestoredDenoising(self.variant)
        if isinstance(self.variant, PretrainedModel):
            from mribench.sampling.pretrained import SampledModel

            return SampledModel(self.variant, plan.profile.size)
        if self.trained is None:
            from mribench.sampling.controls import FittedControl

            return FittedControl(self.variant, self.data.train)
        profile, title = plan.profile, f"{title} {self.modality.name} {self.variant.name}"
        if isinstance(self.variant, GenerativeModel):
            from mribench.sampling.generator import TrainedGenerator

            return TrainedGenerator(self.trained, self.variant, profile, profile.precision, title)
        from mribench.sampling.sample import TrainedModel
        from mribench.training.conditions import drawn_label

        pipeline, title = self.trained / profile.keep, f"{title} {self.sampler.name}"
        label = drawn_label(self.variant, self.modality.name)
        return TrainedModel(pipeline, self.variant, self.sampler, profile, profile.precision, title, label)

    def _solving(self, plan: Plan, title: str, problem: Problem) -> Model:
        """A baseline, or a solver with the trained variant's denoiser."""
        import torch

        from mribench.sampling.solving import SolvingModel

        batch, problem = plan.profile.sample_batch, on_data(problem, self.data)
        if isinstance(self.variant, RestoredImages):
            from mribench.sampling.restored import RestoredAnswers

            return RestoredAnswers(self.variant, problem, batch)
        if isinstance(self.variant, Solver):
            where = torch.device(place() if self.variant.fit else "cpu")
            train = problem.images(self.data.train) if problem.images else self.data.train.images
            learns = {"train": train, "profile": plan.profile, "seed": self.seed}
            return SolvingModel(self.variant, problem, None, batch, where, f"{title}: {self.name}", **learns)
        # any sampler opens the model, and none is used
        sampler = default_sampler(self.variant, 1)
        trained = replace(self, solver=None, sampler=sampler).model(plan, title)
        own_noise = "process" in self.solver.needs
        return SolvingModel(
            self.solver,
            problem,
            trained.denoiser(of_own_noise=own_noise),
            batch,
            trained.device,
            f"{title}: {self.name}",
            shape_noise=self.variant.noise if own_noise else None,
        )
