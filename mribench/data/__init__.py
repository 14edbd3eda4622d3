"""Data: read, prepare, split, store. ``prepare_data`` is what a run calls. Nothing here imports torch."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from mribench import plugins
from mribench.data.build import Built, Progress, build_phantom, build_real
from mribench.data.cards import DatasetCard, load_cards
from mribench.data.fetch import fetch, home
from mribench.data.identity import local_identity, phantom_identity
from mribench.data.readers import companions, find_files, read_volumes
from mribench.data.store import load, save
from mribench.data.volume import Volume
from mribench.errors import DataError
from mribench.spec import Modality, Prepared, Profile

__all__ = ["DatasetCard", "Volume", "describe", "fetch", "load", "load_cards", "prepare_data", "read_volumes"]

log = logging.getLogger(__name__)


def prepare_data(
    modality: Modality,
    data: str,
    profile: Profile,
    out: Path,
    seed: int = 0,
    progress: Progress | None = None,
) -> Prepared:
    """The prepared dataset of one modality, made once and then read.

    data: ``phantom``; the id of a registry card; or a file or folder. Of a folder, ``<modality>.npz`` or
    the subfolder ``<modality>/`` is taken where it is there. out: the folder ``<out>/data/<modality>-<hash
    of the input>`` is used; one that is damaged is made again. seed: decides phantom, split and choice of
    slices; keep it fixed over the seeds of a run. progress: called with (done, total). Raises DataError
    where the data cannot be used.
    """
    root = Path(out) / "data"
    if data == "phantom":
        folder = root / f"{modality.name}-{phantom_identity(modality.phantom, profile, seed)}"
        return _cached(folder, "phantom", "phantom", lambda: build_phantom(modality, profile, seed, progress))
    path, name, card = _locate(modality, data)
    files = find_files(path, card.include if card else None)
    inputs = files + companions(path, files)
    pattern = card.subject_pattern if card else None
    folder = root / f"{modality.name}-{local_identity(path, inputs, name, profile, seed, root, pattern)}"

    def build() -> Built:
        return build_real(read_volumes(path, files, pattern), profile, seed, progress, len(files))

    return _cached(folder, name, "real", build)


def describe(prepared: Prepared) -> str:
    """A few lines: name, size, subjects and images per split, what was dropped."""
    manifest = prepared.manifest
    size = manifest["size"]
    lines = [f"{prepared.name} ({prepared.kind}), {size}x{size}, key {prepared.key[:12]}"]
    for name in ("train", "validation", "test"):
        split = getattr(prepared, name)
        lines.append(f"  {name:<10} {len(split):>6} images  {split.n_subjects:>5} subjects")
    for reason, n in manifest.get("dropped_counts", {}).items():
        lines.append(f"  dropped    {n:>6} images  ({reason})")
    if manifest.get("adjusted"):
        lines.append("  few subjects: some were moved so that no split is too small")
    return "\n".join(lines)


def _cached(folder: Path, name: str, kind: str, build: Callable[[], Built]) -> Prepared:
    if folder.exists():
        try:
            return load(folder)
        except DataError as error:
            log.warning("%s Preparing it again.", error)
    splits, manifest = build()
    save(folder, splits, {"name": name, "kind": kind, **manifest})
    return load(folder)


def _locate(modality: Modality, data: str) -> tuple[Path, str, DatasetCard | None]:
    """(path, name on the board, card). A card id wins over a folder of that name: write ./id."""
    cards = load_cards()
    if data in cards:
        return fetch(cards[data], home()), data, cards[data]
    path = Path(data).expanduser()
    if not path.exists():
        raise DataError(
            f"{data!r} is neither 'phantom', nor a dataset card ({', '.join(cards)}), nor a file or folder; "
            "check the name."
        )
    name = f"local:{path.resolve().name}"
    return _of_modality(path, modality.name), name, None


def _of_modality(path: Path, name: str) -> Path:
    """The part of a folder that belongs to one modality, never another's: hearts must not pass as kidneys."""
    for inner in (path / f"{name}.npz", path / name):
        if inner.exists():
            return inner
    organs = plugins.names("modalities")
    inside = [] if path.is_file() else sorted(path.iterdir())
    others = [p.name for p in inside if p.suffix == ".npz" or p.name in organs]
    if others:
        raise DataError(
            f"{path.name} holds {', '.join(others)} but neither {name}.npz nor {name}/; add one of them, "
            "or give the file or folder itself."
        )
    return path
