"""The folder of a training: whether it is finished, and whether its files are as they were written. Without torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mribench import hashing, manifest
from mribench.errors import Damaged
from mribench.manifest import Damage
from mribench.progress import say

RECORD, LOG = "train.json", "log.jsonl"


def seal(folder: Path, stages: Iterable[str] = ()) -> None:
    """Write the manifest of a finished training: networks, those of its stages, ``train.json`` and log."""
    parts = ("best", "last", RECORD, LOG, *stages)
    manifest.write(folder / manifest.NAME, [folder / part for part in parts])


def is_finished(folder: Path) -> bool:
    """Whether a training ended. One of an earlier version left no manifest, and no checkpoints either."""
    ended = (folder / RECORD).exists() and not (folder / "checkpoints").is_dir()
    return ended or (folder / manifest.NAME).exists()


def damages(folder: Path, keep: str, quick: bool) -> tuple[list[Damage], list[Damage]]:
    """What was changed in the folder of a finished training: what its weights are used with, and the rest.

    Args:
        folder: Of the training.
        keep: The pipeline that is sampled, ``best`` or ``last``.
        quick: See ``manifest.damages``.
    """
    found = manifest.damages(folder / manifest.NAME, quick)
    # a stage has the same files in a folder of its own
    used = [
        d for d in found if d.path.name in (manifest.NAME, RECORD) or keep in d.path.relative_to(folder).parts
    ]
    return used, [d for d in found if d not in used]


def check(folder: Path, keep: str, quick: bool = False) -> None:
    """Raises Damaged where weights, or what is known of them, were changed: nobody trains again without being asked.

    The arguments are those of ``damages``; ``quick`` is for a check after which nothing reads the weights.
    """
    used, unused = damages(folder, keep, quick)
    for damage in used:
        raise Damaged(f"{damage}; bring that file back, or remove {folder} to train again")
    for damage in unused:
        say(f"{damage}; nothing of this run reads it")


def checkpoint_files(trained: Path, keep: str) -> list[Path]:
    """The weights of every network of a training, those of ``best`` or of ``last``."""
    return sorted(path for folder in trained.glob(f"**/{keep}") for path in folder.rglob("*.safetensors"))


def checkpoint_sha256(weights: Sequence[Path]) -> str | None:
    """Of the file where there is one; of several files the hash of their hashes."""
    hashes = [hashing.file_sha256(path) for path in weights]
    return hashes[0] if len(hashes) == 1 else hashing.json_hash(hashes) if hashes else None
