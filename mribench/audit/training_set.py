"""What the audit compares images with whose model was trained elsewhere: its training set is named, or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mribench import hashing
from mribench.spec import Prepared, Split

UNKNOWN = "training set unknown: copies of it cannot be looked for"
KNOWN = "training_known"  # in the manifest: False where it is not known what the model was trained on


def unknown(data: Prepared) -> Prepared:
    """The data of a model whose training set is unknown.

    Copies of ``data`` are still looked for, and found ones count; that none is found says nothing.
    """
    return replace(data, manifest={**data.manifest, KNOWN: False})


def named(data: Prepared, trained_on: Prepared) -> Prepared:
    """The data of a model with another training set: all images of ``trained_on`` in place of the training split.

    Validation and test stay: the audit asks whether generated images are nearer to ``trained_on`` than these are.
    """
    if trained_on.key == data.key:
        return data
    splits = trained_on.train, trained_on.validation, trained_on.test
    images = Split(
        np.concatenate([split.images for split in splits]),
        # one id in two sets need not be one person
        tuple(f"{trained_on.key[:8]}:{subject}" for split in splits for subject in split.subjects),
    )
    return replace(data, key=hashing.json_sha256([data.key, trained_on.key]), train=images)


def obstacle(manifest: Mapping[str, Any]) -> str | None:
    """Why "not detected" cannot be said; None where it can."""
    return None if manifest.get(KNOWN, True) else UNKNOWN
