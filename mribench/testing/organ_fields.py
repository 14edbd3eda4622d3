"""Checks for the named fields of an organ: they keep the contract, lie on the image, and differ where they should."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np

from mribench.spec import DrawFields, Field, Modality
from mribench.testing.checking import Case, Check, require

SIZE = 48
SUBJECTS, SLICES = range(6), (1, 2)
STANDARD = {
    "labels": "labels",
    "clean": "image",
    "abnormal": "image",
    "lesion": "mask",
    "healthy": "image",
    "end-diastole-labels": "labels",
    "end-systole-labels": "labels",
    "motion": "displacement",
}
LESIONS = {"abnormal", "lesion", "healthy"}


def its_fields_keep_the_contract(case: Case) -> None:
    """What is declared is drawn, in its shape and range, alone or together, and the same each time."""
    organ: Modality = case.plugin
    declared, draw = {field.name: field for field in organ.fields}, organ.draw_fields
    require(
        (draw is None) == (not declared),
        f"it declares {len(declared)} fields and draw_fields is {draw}",
        "give both or neither: `fields` names what `draw_fields` draws",
    )
    if draw is None:
        return
    require(
        len(declared) == len(organ.fields) and all(re.fullmatch(r"[a-z0-9-]+", name) for name in declared),
        f"the fields are called {', '.join(field.name for field in organ.fields)}",
        "give each field a name of its own, of lower-case letters, digits and hyphens",
    )
    for name, field in declared.items():
        require(
            STANDARD.get(name, "image") == field.kind and bool(field.names) == (field.kind == "labels"),
            f"field {name!r} is of kind {field.kind!r} with {len(field.names)} names",
            "labels have names, all else has none; mribench.spec.Field lists what the common names mean",
        )
    require(
        not LESIONS & set(declared) or set(declared) >= LESIONS,
        f"of {', '.join(sorted(LESIONS))} it has {', '.join(sorted(LESIONS & set(declared)))}",
        "an abnormal image comes with the mask of its lesion and with its healthy twin",
    )
    for size in (32, SIZE):
        together = draw(3, 1, 2, size, list(declared))
        require(
            set(together) == set(declared),
            f"asked for {', '.join(declared)} it draws {', '.join(together)}",
            "return exactly the names that are asked for",
        )
        for name, field in declared.items():
            _in_range(together[name], field, size)
    for name in declared:
        require(
            (draw(3, 1, 2, SIZE, [name])[name] == together[name]).all(),
            f"field {name!r} alone differs from the same field drawn with the others",
            "draw the noise of each field from a stream of its own: field_rng(seed, subject, name, slice)",
        )


def _in_range(array: np.ndarray, field: Field, size: int) -> None:
    if field.kind == "displacement":
        require(
            array.shape == (2, size, size) and array.dtype == np.float32 and bool(np.isfinite(array).all()),
            f"field {field.name!r} is {array.dtype} {array.shape}",
            f"return finite float32 (2, {size}, {size})",
        )
        return
    dtype = np.float32 if field.kind == "image" else np.uint8
    top = {"image": 1, "mask": 1, "labels": len(field.names) - 1, "index": 0}[field.kind]
    require(
        array.shape == (size, size) and array.dtype == dtype and array.min() >= 0 and array.max() <= top,
        f"field {field.name!r} is {array.dtype} {array.shape} with values from {array.min()} to {array.max()}",
        f"return {np.dtype(dtype).name} ({size}, {size}) in 0..{top}",
    )


def its_fields_show_the_same_slice(case: Case) -> None:
    """Labels and contrasts change where the image changes; the clean image is the image without noise."""
    organ: Modality = case.plugin
    if organ.draw_fields is None:
        return
    drawn = _drawn(organ.phantom, organ.draw_fields, organ.fields)
    image = drawn["image"]
    if "labels" in drawn:
        inside = [len(np.unique(labels)) > 1 for labels in drawn["labels"]]
        require(
            all(inside),
            "a label map has one value alone",
            "paint the structures that `names` lists, or list those that the phantom has",
        )
        own, other = (_across(image, maps) for maps in (drawn["labels"], np.roll(drawn["labels"], 2, axis=0)))
        # measured: 1.7 (kidney) to 4.2 (brain) times as much as across another subject's edges
        require(
            own > 1.3 * other,
            f"across the edges of the field labels grey values change {own:.2f} times as much as elsewhere, across "
            f"those of another subject {other:.2f} times",
            "draw the label map of the slice that the image shows",
        )
    for field in organ.fields:
        if field.kind != "image" or field.name in LESIONS:
            continue
        shown = drawn[field.name]
        require(
            all(one.std() > 0.03 for one in shown),
            f"an image of the field {field.name} is nearly flat",
            "check the sequence and what is shown as 1",
        )
        alike = float(np.corrcoef(_steps(image).ravel(), _steps(shown).ravel())[0, 1])
        # measured: 0.37 and more, of another subject 0.33 and less
        other = float(np.corrcoef(_steps(image).ravel(), _steps(np.roll(shown, 2, axis=0)).ravel())[0, 1])
        require(
            alike > 1.2 * max(other, 0.0) and alike > 0.1,
            f"edges of {field.name} agree with those of the image by {alike:.2f}, with those of another subject by "
            f"{other:.2f}",
            "draw the same anatomy; only sequence and noise differ",
        )
        require(
            field.name == "clean" or not (shown == image).all(),
            f"the field {field.name} is the image itself",
            "leave it out: a task has the image anyway",
        )
    if "clean" in drawn:
        rough, smooth = (float(_roughness(part)) for part in (image, drawn["clean"]))
        gap = float(np.abs(image - drawn["clean"]).mean())
        require(
            smooth < rough and gap < 0.08,
            f"the clean image is {smooth / rough:.2f} times as rough as the image, and differs by {gap:.3f}",
            "leave out the noise alone, and keep the grey scale of the image",
        )


def its_lesions_are_where_their_masks_are(case: Case) -> None:
    """The abnormal image differs from its healthy twin in the mask, and elsewhere by noise."""
    organ: Modality = case.plugin
    if organ.draw_fields is None or not set(field.name for field in organ.fields) >= LESIONS:
        return
    drawn = _drawn(organ.phantom, organ.draw_fields, organ.fields)
    masks = drawn["lesion"] > 0
    shares = masks.mean((1, 2))
    require(
        (shares > 0).mean() >= 0.2 and shares.max() < 0.25,
        f"a lesion is in {(shares > 0).mean():.0%} of the slices and covers up to {shares.max():.0%}",
        "let at least a fifth of the slices show one, none of it larger than a quarter of the image",
    )
    gap = np.abs(drawn["abnormal"] - drawn["healthy"])
    near = masks.copy()
    for axis in (1, 2):
        near |= sum(np.roll(near, shift, axis) for shift in (-2, -1, 1, 2)) > 0
    inside, outside = float(gap[masks].mean()), float(gap[~near].mean())
    # measured: 5 (heart) to 30 (cell nuclei)
    require(
        inside > 3 * outside,
        f"the abnormal image differs from its twin by {inside:.3f} in the mask and {outside:.3f} elsewhere",
        "mask the lesion itself, and keep the person, the slice and the grey scale",
    )
    require(
        outside > 0,
        "outside the mask the abnormal image equals its twin to the bit",
        "draw its noise from a stream of its own: a second scan has other noise",
    )


def _across(images: np.ndarray, labels: np.ndarray) -> float:
    """Mean change of grey values at edges of labels, over that elsewhere."""
    steps, edges = _steps(images), _steps(labels) > 0
    return float(steps[edges].mean() / steps[~edges].mean())


def _steps(images: np.ndarray) -> np.ndarray:
    """Change of grey values to the right and down, (n, size - 1, size - 1)."""
    images = images.astype(np.float32)
    right, down = np.diff(images, axis=2)[:, :-1], np.diff(images, axis=1)[:, :, :-1]
    return np.hypot(right, down)


def _roughness(images: np.ndarray) -> Any:
    """Mean absolute second difference."""
    return np.abs(np.diff(images, 2, axis=1)).mean() + np.abs(np.diff(images, 2, axis=2)).mean()


@cache
def _drawn(phantom: Any, draw: DrawFields, fields: tuple[Field, ...]) -> dict[str, np.ndarray]:
    """Images and fields of two slices of six subjects, (12, size, size) each."""
    names = [field.name for field in fields]
    places = [(subject, slice) for subject in SUBJECTS for slice in SLICES]
    found = [draw(0, *place, SIZE, names) for place in places]
    stacks = {name: np.stack([one[name] for one in found]) for name in names}
    return {"image": np.stack([phantom(0, *place, size=SIZE).image for place in places]), **stacks}


CHECKS = (
    Check("draw_fields", its_fields_keep_the_contract),
    Check("draw_fields", its_fields_show_the_same_slice),
    Check("draw_fields", its_lesions_are_where_their_masks_are),
)
