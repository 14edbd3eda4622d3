"""Checks for organs: what the phantom promises, and what its dataset cards say."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from mribench.spec.phantom import Phantom
from mribench.testing.checking import Case, Check, CheckWarning, require
from mribench.testing.fixtures import TINY

N_SUBJECTS, N_SLICES = 16, 3
MIN_CONTRAST = 0.05  # standard deviation of the grey values of an image


def it_says_what_it_is(case: Case) -> None:
    """Contrast, cards that are there and show this organ, reported numbers with their source."""
    from mribench.data import load_cards

    organ = case.plugin
    require(organ.contrast.strip(), "the contrast is empty", "name the sequence and the plane")
    cards = load_cards()
    for name in organ.cards:
        require(
            name in cards,
            f"card {name!r} is not installed, or is broken",
            "correct the id (mribench data list), or mend the card (mribench data check FILE)",
        )
        shown = (cards[name].organ, *cards[name].other_organs)
        require(
            organ.name in shown,
            f"card {name!r} shows {', '.join(shown)} and not {organ.name!r}",
            "take the card out, or correct its `organ`",
        )
    if organ.reported:
        low = min(organ.reported.psnr, organ.reported.mse, organ.reported.mae, organ.reported.fid)
        require(
            organ.reported.source and low > 0,
            "the reported row lacks a source, or holds a number that is not positive",
            "copy the numbers as printed and name the table they are from",
        )


def its_cards_are_complete(case: Case) -> None:
    """Names the fields that the package's own cards leave unverified; unverified counts as forbidden."""
    from mribench.data.cards import catalogue, verify

    own = [e.card for e in catalogue.entries() if e.card and e.owner == case.entry.distribution != "mribench"]
    open_fields = {card.id: missing for card in own if (missing := verify.unverified(card))}
    if open_fields:
        fields = "; ".join(f"{name}: {', '.join(missing)}" for name, missing in open_fields.items())
        raise CheckWarning(
            f"unverified on its cards: {fields}", "look these up at the source, or leave them as they are"
        )
    if not case.plugin.cards:
        raise CheckWarning(
            "it names no dataset card",
            "add ids of cards that show it, best first (mribench data list); where none does, leave it, or bring a "
            "card of your own",
        )


def its_phantom_keeps_the_contract(case: Case) -> None:
    """Shapes, types, ranges, labels that have names, parameters that are JSON; at four sizes."""
    for size in (32, 48, 64, 96):
        image, labels, params = case.plugin.phantom(0, 1, 2, size=size)
        found = f"at size {size} image {image.dtype} {image.shape}, labels {labels.dtype} {labels.shape}"
        right = image.shape == labels.shape == (size, size)
        require(
            right and (image.dtype, labels.dtype) == (np.float32, np.uint8),
            found,
            f"return float32 ({size}, {size}) and uint8 ({size}, {size})",
        )
        low, high = float(image.min()), float(image.max())
        require(
            np.isfinite(image).all() and low >= 0 and high <= 1,
            f"grey values run from {low:.3g} to {high:.3g}, or are not finite",
            "scale the image to [0, 1]; mribench.phantom.acquire does",
        )
        require(
            image.std() > MIN_CONTRAST and len(np.unique(labels)) > 1,
            f"the image is nearly flat (standard deviation {image.std():.3f})",
            "draw at least one structure that differs from what is around it",
        )
        tissues = params.get("tissues", [])
        require(
            labels.max() < len(tissues) and all(isinstance(tissue, str) for tissue in tissues),
            f"labels go up to {labels.max()}, params['tissues'] has {len(tissues)} names",
            "list the name of every label in params['tissues'], air first; Canvas.tissues is that list",
        )
        try:
            plain = json.loads(json.dumps(params, allow_nan=False)) == json.loads(json.dumps(params))
        except (TypeError, ValueError):
            plain = False
        require(plain, "params cannot be written as JSON", "turn numpy values into float, int and list")
    default = inspect.signature(case.plugin.phantom).parameters["size"].default
    found = "has no default" if default is inspect.Parameter.empty else f"is {default!r} by default"
    require(default == 64, f"size {found}", "write size: int = 64")


def its_phantom_is_a_function_of_its_arguments(case: Case) -> None:
    """The same arguments give the same image, whatever was drawn before; another of them, another image."""
    draw = case.plugin.phantom
    first = draw(3, 1, 2, size=32)
    draw(4, 1, 2, size=32)
    np.random.seed(99)
    again = draw(3, 1, 2, size=32)
    require(
        (first.image == again.image).all()
        and (first.labels == again.labels).all()
        and first.params == again.params,
        "two calls with the same arguments differ",
        "draw only from subject_rng(seed, subject) and slice_rng(seed, subject, slice)",
    )
    base = draw(0, 0, 0, size=32).image
    for word, other in (("seed", (1, 0, 0)), ("subject", (0, 1, 0)), ("slice", (0, 0, 1))):
        gap = float(np.abs(draw(*other, size=32).image - base).mean())
        require(
            gap > 0.005,
            f"another {word} changes the image by only {gap:.4f} of the grey range",
            f"let the anatomy depend on {word}: subject_rng and slice_rng take it",
        )


def slices_of_a_subject_are_nearer_than_subjects(case: Case) -> None:
    """Otherwise splitting by subject would mean nothing."""
    drawn = _drawn(case.plugin.phantom).images
    gap = np.abs(drawn[:, None, :, None] - drawn[None, :, None, :]).mean((-2, -1))  # (16, 16, 3, 3)
    same = np.eye(N_SUBJECTS, dtype=bool)[:, :, None, None] & ~np.eye(N_SLICES, dtype=bool)
    between = np.broadcast_to(~np.eye(N_SUBJECTS, dtype=bool)[:, :, None, None], gap.shape)
    share = float(gap[same].mean() / gap[between].mean())
    # measured: 0.27 (cell nuclei) to 0.75 (lung)
    require(
        share < 0.9,
        f"slices of one subject differ {share:.2f} times as much as slices of two",
        "draw what a person is like from subject_rng and only position and noise from slice_rng; below 0.9",
    )


def every_subject_is_a_person_of_its_own(case: Case) -> None:
    """No subject is empty, and no two of the first 16 are one person: a copy in another split is a leak."""
    drawn = _drawn(case.plugin.phantom).images
    contrast = drawn.std((-2, -1)).min(1)
    empty = int(contrast.argmin())
    require(
        contrast[empty] > MIN_CONTRAST,
        f"an image of subject {empty} is nearly flat (standard deviation {contrast[empty]:.3f})",
        "draw every subject number, however large: runs take hundreds",
    )
    gap = np.abs(drawn[:, None] - drawn[None]).mean((-3, -2, -1))  # (16, 16), slice by slice
    pairs = np.triu_indices(N_SUBJECTS, 1)
    nearest = int(gap[pairs].argmin())
    one, other = (int(side[nearest]) for side in pairs)
    share = float(gap[one, other] / np.median(gap[pairs]))
    # measured: 0.38 (cell nuclei) to 0.72 (lung)
    require(
        share > 0.15,
        f"subjects {one} and {other} differ {share:.2f} times as much as two subjects usually do: they are one person",
        "give subject_rng the subject's own number, neither halved nor taken modulo",
    )


def its_labels_lie_on_its_image(case: Case) -> None:
    """Grey values change across the edges of labels more than elsewhere, and than where the map is turned over."""
    drawn = _drawn(case.plugin.phantom)
    across = _contrast_of_edges(drawn.images, drawn.labels)
    # measured: 2.9 (lung) to 10.1 (brain)
    require(
        across > 1.5,
        f"across the edges of labels grey values change {across:.2f} times as much as elsewhere",
        "return the label map of the same anatomy as the image; Canvas paints both",
    )
    turned = {
        "upside down": np.flip(drawn.labels, -2),
        "with left and right exchanged": np.flip(drawn.labels, -1),
        "with rows and columns exchanged": np.swapaxes(drawn.labels, -1, -2),
    }
    for how, labels in turned.items():
        better = _contrast_of_edges(drawn.images, labels)
        require(
            better < 1.1 * across,
            f"the label map fits the image better {how}: {better:.2f} against {across:.2f} times the change of grey "
            "values across its edges",
            "turn image and labels alike, or neither",
        )


def _contrast_of_edges(images: np.ndarray, labels: np.ndarray) -> float:
    """Mean step of grey values between neighbours of two labels, over that between neighbours of one."""
    steps = np.concatenate([np.abs(np.diff(images, axis=axis)).ravel() for axis in (-2, -1)])
    edges = np.concatenate([(np.diff(labels.astype(int), axis=axis) != 0).ravel() for axis in (-2, -1)])
    return float(steps[edges].mean() / steps[~edges].mean()) if edges.any() else 0.0


class _Drawn(NamedTuple):
    images: np.ndarray  # float32 (16, 3, 32, 32)
    labels: np.ndarray  # uint8 (16, 3, 32, 32)


@cache
def _drawn(phantom: Phantom) -> _Drawn:
    """Three slices of each of the first 16 subjects."""
    slices = [[phantom(0, s, k, size=32) for k in range(N_SLICES)] for s in range(N_SUBJECTS)]
    images, labels = (
        np.stack([[getattr(one, part) for one in row] for row in slices]) for part in ("image", "labels")
    )
    return _Drawn(images, labels)


def anatomy_does_not_depend_on_the_size(case: Case) -> None:
    """A subject at 128 pixels, shrunk, is the subject at 64."""
    for subject in range(4):
        small, large = (case.plugin.phantom(0, subject, 1, size=size) for size in (64, 128))
        shrunk = large.image.reshape(64, 2, 64, 2).mean((1, 3))
        alike = float(np.corrcoef(small.image.ravel(), shrunk.ravel())[0, 1])
        labels = float((small.labels == large.labels[::2, ::2]).mean())
        # measured: at least 0.966 and 0.935; noise and partial volume differ
        require(
            alike > 0.9 and labels > 0.85,
            f"subject {subject} at 64 and 128 pixels correlates by {alike:.2f}, labels agree to {labels:.0%}",
            "draw in coordinates over [-1, 1] (Canvas does) and draw no random numbers per pixel but noise",
        )


def prepared_subjects_are_disjoint_and_in_order(case: Case) -> None:
    """Prepared twice the set has one key, and no subject is in two splits."""
    from mribench.data import prepare_data

    profile = replace(TINY, phantom_subjects=12, phantom_slices=2, max_images=24)
    keys = []
    for _ in range(2):
        with TemporaryDirectory() as folder:
            made = prepare_data(case.plugin, "phantom", profile, Path(folder))
        keys.append((made.key, made.train.subjects, made.validation.subjects, made.test.subjects))
    require(
        keys[0] == keys[1],
        "two preparations of one phantom differ",
        "see whether `phantom` reads a clock, a file or global randomness",
    )
    train, validation, test = (set(part) for part in keys[0][1:])
    require(
        not (train & validation or train & test or validation & test),
        "a subject is in two splits",
        "report this: the split is mribench's own",
    )


CHECKS = (
    Check("", it_says_what_it_is),
    Check("", its_cards_are_complete),
    Check("phantom", its_phantom_keeps_the_contract),
    Check("phantom", its_phantom_is_a_function_of_its_arguments),
    Check("phantom", slices_of_a_subject_are_nearer_than_subjects),
    Check("phantom", every_subject_is_a_person_of_its_own),
    Check("phantom", its_labels_lie_on_its_image),
    Check("phantom", anatomy_does_not_depend_on_the_size),
    Check("phantom", prepared_subjects_are_disjoint_and_in_order),
)
