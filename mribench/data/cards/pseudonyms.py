"""The split as it may be shown: subject ids where they may be published, else salted hashes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from mribench.data.split import SPLITS
from mribench.spec import Prepared, Split


def may_show_ids(prepared: Prepared) -> bool:
    """True for phantoms and for cards that say so; a user's own files are never taken for public."""
    return prepared.kind == "phantom" or bool(prepared.manifest.get("publish_subjects"))


def aliases(prepared: Prepared) -> dict[str, str]:
    """subject -> what may be shown for it: the id itself, or 64 hex digits.

    The salt of a subject's hash are its own prepared pixels: with the data one finds the same hashes and can check the
    split; without the data one cannot try out ids, however few there are.
    """
    subjects = sorted({name for split in SPLITS for name in getattr(prepared, split).subjects})
    if may_show_ids(prepared):
        return {name: name for name in subjects}
    salts = {name: salt for split in SPLITS for name, salt in _salts(getattr(prepared, split)).items()}
    return {
        name: hashlib.sha256(f"mribench-split-1\0{name}\0".encode() + salts[name]).hexdigest()
        for name in subjects
    }


def split_table(prepared: Prepared) -> dict[str, Any]:
    """The split to publish, JSON-serialisable: data, key, how subjects are shown, and the subjects of each split."""
    shown = aliases(prepared)
    return {
        "data": prepared.name,
        "data_key": prepared.key,
        "seed": prepared.manifest.get("seed"),
        "subjects_known": prepared.manifest.get("subjects_known", True),
        "subjects_as": "ids" if may_show_ids(prepared) else "sha256 salted with the subject's pixels",
        "splits": {name: sorted({shown[s] for s in getattr(prepared, name).subjects}) for name in SPLITS},
    }


def _salts(split: Split) -> dict[str, bytes]:
    """subject -> sha256 over its images, in any order."""
    images: dict[str, list[bytes]] = {}
    for image, subject in zip(split.images, split.subjects, strict=True):
        images.setdefault(subject, []).append(hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest())
    return {
        subject: hashlib.sha256(b"".join(sorted(digests))).digest() for subject, digests in images.items()
    }
