"""Data: read, prepare, split, store. ``prepare_data`` is what a run calls. Nothing here imports torch."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from mribench.data.build import Built, Progress, build_phantom, build_real
from mribench.data.cards import rules, terms
from mribench.data.cards.card import DatasetCard, digest, load_cards, read_card
from mribench.data.readers.folder import companions, find_files, read_volumes
from mribench.data.source import Part, check_suits, locate
from mribench.data.store.dataset import load, save
from mribench.data.store.identity import local_identity, phantom_identity
from mribench.data.store.spool import Spool
from mribench.data.volume import Volume
from mribench.errors import DataError
from mribench.plugins import lookup
from mribench.spec import Modality, Prepared, Profile

__all__ = [
    "DatasetCard",
    "Volume",
    "check_suits",
    "describe",
    "load",
    "load_cards",
    "prepare_data",
    "read_card",
    "read_volumes",
]

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

    data: ``phantom``; the id of a registry card, or several joined by ``+``; or a file or folder. Of a
    folder, ``<modality>.npz`` or the subfolder ``<modality>/`` is taken where it is there. out: the folder
    ``<out>/data/<modality>-<hash of the input>`` is used; one that is damaged is made again. seed: decides
    phantom, split and choice of slices; keep it fixed over the seeds of a run. progress: called with
    (done, total). Raises DataError where the data cannot be used.
    """
    root = Path(out) / "data"
    if data == "phantom":
        folder = root / f"{modality.name}-{phantom_identity(modality.phantom, profile, seed)}"
        package = lookup.owner("modalities", modality.name)
        notes = {"terms": [terms.of_phantom(package)], "subjects_known": True}
        build = partial(build_phantom, modality, profile, seed, progress)
        return _cached(folder, {"name": "phantom", "kind": "phantom", **notes}, build)
    name, parts = locate(modality, data, progress)
    files = [find_files(part.path, part.card.include if part.card else None) for part in parts]
    identity = _identity(parts, files, name, profile, seed, root)

    def build() -> Built:
        strata: dict[str, str] = {}
        for part, names in zip(parts, files, strict=True):
            if part.card:
                strata |= rules.strata_of(part.path, names, part.card, part.family)
        volumes = chain.from_iterable(_volumes(*pair, strata) for pair in zip(parts, files, strict=True))
        drop = any(part.card and part.card.near_duplicates == "drop" for part in parts)
        near = "drop" if drop else "report"
        return build_real(volumes, profile, seed, progress, sum(map(len, files)), strata, Spool(root), near)

    notes = {"name": name, "kind": "real", **_notes(name, parts)}
    return _cached(root / f"{modality.name}-{identity}", notes, build)


def _identity(
    parts: Sequence[Part], files: Sequence[list[Path]], name: str, profile: Profile, seed: int, root: Path
) -> str:
    found = []
    for part, names in zip(parts, files, strict=True):
        card_rules = rules.rules(part.card) if part.card else None
        inputs = names + companions(part.path, names)
        found.append(local_identity(part.path, inputs, name, profile, seed, root, card_rules))
    return found[0] if len(found) == 1 else hashlib.sha256("+".join(found).encode()).hexdigest()[:12]


def _volumes(part: Part, files: list[Path], strata: dict[str, str]) -> Iterator[Volume]:
    if part.card is None:
        return read_volumes(part.path, files)
    inside = part.card.subject in rules.INSIDE
    volumes = read_volumes(part.path, files, part.card.path_pattern, inside)
    return rules.applied(volumes, part.card, strata, part.family)


def _notes(name: str, parts: Sequence[Part]) -> dict[str, Any]:
    """What the manifest says of the data beyond its pixels."""
    cards = [part.card for part in parts if part.card]
    if not cards:
        return {"terms": [terms.of_local(name)], "subjects_known": True, "publish_subjects": False}
    return {
        "terms": [terms.of_card(card) for card in cards],
        "cards": {card.id: digest(card) for card in cards},
        "subjects_known": all(card.subjects_known for card in cards),
        "publish_subjects": all(card.publish_subjects for card in cards),
    }


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
    report = manifest.get("qa", {})
    if clipped := report.get("clipped_count"):
        lines.append(f"  look at    {clipped:>6} images  (clipped; see qa.png)")
    if near := report.get("near_duplicates_count"):
        across = report["near_duplicates_across_splits"]
        lines.append(
            f"  look at    {near:>6} pairs of subjects with nearly one image, {across} across splits (qa.png)"
        )
    if not manifest.get("subjects_known", True):
        lines.append("  subjects unknown: one person may stand in several splits, nothing is ranked")
    if manifest.get("adjusted"):
        lines.append("  few subjects: some were moved so that no split is too small")
    return "\n".join(lines)


def _cached(folder: Path, notes: dict[str, Any], build: Callable[[], Built]) -> Prepared:
    if folder.exists():
        try:
            return load(folder)
        except DataError as error:
            log.warning("%s Preparing it again.", error)
    splits, manifest = build()
    save(folder, splits, {**notes, **manifest})
    return load(folder)
