"""Labels in training: which images have which, how the network is told, and how often it is not told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch

from mribench.spec import Draws, Profile, Split, Variant

# share of training images whose label is null: 0.1 and 0.2 serve equally well (Ho & Salimans 2022, arXiv 2207.12598,
# section 4.2)
LABEL_DROPOUT = 0.1
CONDITIONS = "conditions"  # in ``train.json``


@dataclass(frozen=True)
class LabelledSplit(Split):
    """Images of several sets in one split."""

    labels: np.ndarray  # int64 (N,) in 0 .. K - 1
    names: tuple[str, ...]  # of the K labels


def joined(splits: Mapping[str, Split]) -> LabelledSplit:
    """All images of several sets, labelled by the set that they are of; the labels are in the order given."""
    return LabelledSplit(
        images=np.concatenate([split.images for split in splits.values()]),
        subjects=tuple(f"{name}/{subject}" for name, split in splits.items() for subject in split.subjects),
        labels=np.repeat(np.arange(len(splits)), [len(split) for split in splits.values()]),
        names=tuple(splits),
    )


HEALTHY, ABNORMAL = "healthy", "abnormal"


def by_lesion(split: Split) -> LabelledSplit:
    """The images, which are healthy, and those of the field ``abnormal``, labelled by whether ``lesion`` shows one."""
    with_lesion = split.fields["lesion"].any(axis=(1, 2))
    return LabelledSplit(
        images=np.concatenate([split.images, split.fields[ABNORMAL]]),
        subjects=2 * split.subjects,
        labels=np.concatenate([np.zeros(len(split), np.int64), with_lesion.astype(np.int64)]),
        names=(HEALTHY, ABNORMAL),
    )


def labelled(split: Split) -> LabelledSplit:
    """The split itself where it has labels; else all its images have the only one."""
    return split if isinstance(split, LabelledSplit) else joined({"images": split})


def with_labels(variant: Variant, n: int) -> Variant:
    """The same variant; of one with conditions the network is made for ``n`` labels and the null label."""
    if not variant.conditions:
        return variant
    return replace(variant, network=partial(cast(Any, variant.network), labels=n))


def drawn_label(variant: Variant, modality: str) -> str | None:
    """The label that a cell is drawn at: of a training of all organs its own, of another with conditions the healthy
    one; None without conditions."""
    if "modality" in variant.conditions:
        return modality
    return HEALTHY if variant.conditions else None


def of_all_labels(profile: Profile, n: int) -> Profile:
    """The budget of a joint training: as many steps as ``n`` trainings of the profile take together.

    A bound of epochs needs no change, as the epoch of all images is as long as theirs together.
    """
    return replace(
        profile,
        max_steps=profile.max_steps and n * profile.max_steps,
        coarse_steps=n * profile.coarse_steps,
        eval_images=n * profile.eval_images,
    )


def record_of(split: LabelledSplit, condition: str) -> dict[str, Any]:
    """What ``train.json`` says of a training with labels."""
    images = np.bincount(split.labels, minlength=len(split.names)).tolist()
    return {CONDITIONS: {condition: {"labels": list(split.names), "images": images}}}


class LabelledNetwork:
    """A network with its labels bound, called as the network of a variant without conditions; its attributes are the
    network's own.

    Args:
        net: Takes ``class_labels``.
        label: int64 (N,), or () where all images have the same.
    """

    def __init__(self, net: Any, label: torch.Tensor):
        self._net, self._label = net, label

    def __call__(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        return self._net(x, *args, class_labels=self._label.expand(len(x)), **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)


def at_first_label(variant: Variant, net: Any) -> Any:
    """The network as one without conditions is called: of a variant that has some, under label 0."""
    return LabelledNetwork(net, torch.zeros((), dtype=torch.int64)) if variant.conditions else net


class LabelFeed:
    """The labels of one batch after another, as a loader gives its images.

    Args:
        split: The training images.
        rows: int32 (steps, batch), indices into them.
        where: The device.
    """

    def __init__(self, split: LabelledSplit, rows: np.ndarray, where: torch.device):
        self._labels, self._rows = split.labels, rows
        self._null = len(split.names)
        # one tensor for all steps: a recorded step reads it where it lies
        self._now = torch.zeros(rows.shape[1], dtype=torch.int64, device=where)

    def fill(self, step: int) -> None:
        """Go to batch ``step``."""
        self._now.copy_(torch.from_numpy(self._labels[self._rows[step]]))

    def drawn(self, mine: slice, draws: Draws) -> torch.Tensor:
        """int64, the labels of this process's rows, some of them null."""
        return self._dropped(self._now[mine], draws)

    def of(self, images: np.ndarray, draws: Draws) -> torch.Tensor:
        """int64 (n,), the labels of images by their indices, some of them null."""
        return self._dropped(torch.from_numpy(self._labels[images]).to(self._now.device), draws)

    def _dropped(self, labels: torch.Tensor, draws: Draws) -> torch.Tensor:
        return torch.where(draws.uniform() < LABEL_DROPOUT, self._null, labels)
