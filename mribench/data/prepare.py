"""From the value of ``--data`` to a prepared set in a folder that is named by what it was made from."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from mribench.data import fields as named_fields
from mribench.data import left_out, open_sets
from mribench.data.build import Built, Progress, build_phantom, build_real
from mribench.data.cards import catalogue, organ_masks, rules, terms
from mribench.data.cards.card import digest
from mribench.data.download import fetch
from mribench.data.globs import ALL_FILES, Globs
from mribench.data.organ import OWN_ORGAN, check_organ, modality
from mribench.data.qa import SHEET
from mribench.data.readers import broken
from mribench.data.readers import folder as image_folder
from mribench.data.source import Source, check_globs, check_name, is_own_files, label, locate, note_source
from mribench.data.split import SPLITS
from mribench.data.store import known
from mribench.data.store.dataset import MANIFEST, load, save
from mribench.data.store.identity import local_identity, phantom_identity
from mribench.data.store.spool import Spool
from mribench.errors import DataError, InputError
from mribench.plugins import lookup
from mribench.progress import say
from mribench.spec import Modality, Prepared, Profile, Volume

MAX_NOTES = 5  # kinds of what was left out of files, in a summary

log = logging.getLogger(__name__)


def prepare_data(
    modality: Modality,
    data: str,
    profile: Profile,
    out: Path,
    seed: int = 0,
    progress: Progress | None = None,
    name: str | None = None,
    skip_broken: bool = False,
    globs: Globs = ALL_FILES,
    fields: Sequence[str] = (),
    masks: str | None = None,
) -> Prepared:
    """The prepared dataset of one modality, made once and then read.

    Args:
        modality: Draws the phantom, or decides which part of a folder is taken.
        data: ``phantom``; the id of a registry card, or several joined by ``+``; ``open``, the card of
            ``open_sets.best``; or a file or folder. Of a folder, ``<modality>.npz`` or the subfolder ``<modality>/`` is
            taken where it is there.
        profile: Size and number of the images.
        out: The folder ``<out>/data/<modality>-<hash of the input>`` is used; one that is damaged is made again.
        seed: Decides phantom, split and choice of slices; keep it fixed over the seeds of a run.
        progress: Called with (done, total).
        name: What boards call a file or folder; None gives ``local-`` and 8 hex digits of the content key. The name of
            the file or folder itself is not used: it may be a patient's.
        skip_broken: Leave out the user's own files that cannot be read, and say which.
        globs: Which of the user's own files are read.
        fields: Names of fields that are wanted. Those that the data have are made where they are not there yet; the
            set and its folder are the same with and without them. What it lacks ``Prepared.fields`` does not name.
        masks: Where the label map of each of the user's own images lies, as ``CardField.file`` says it; they become the
            field ``labels`` of the set, which later calls find.

    Raises:
        DataError: Where the data cannot be used; of the user's own files it names all that cannot be read.
        InputError: Where the name cannot be used, see ``source.check_name``, or a pattern, see ``Globs.chosen``.
    """
    check_name(name, data)
    check_globs(globs, data)
    if masks is not None and not is_own_files(data):
        raise InputError(f"--masks names files beside your own images, and {data} has its own; leave it out")
    data = open_sets.named(modality.name, data)
    root = Path(out) / "data"
    if data == "phantom":
        folder = root / f"{modality.name}-{phantom_identity(modality.phantom, profile, seed)}"
        package = lookup.owner("modalities", modality.name)
        notes = {"terms": [terms.of_phantom(package)], "subjects_known": True}
        build = partial(build_phantom, modality, profile, seed, progress)
        prepared = _cached(modality, folder, {"name": "phantom", "kind": "phantom", **notes}, build)
        return named_fields.of_phantom(modality, prepared, fields, seed, progress)
    public, sources = locate(modality, data, progress)
    files = [_files(source, globs) for source in sources]
    named = public or name or label(data)
    identity = _identity(sources, files, named, profile, seed, root, modality.name, globs)

    def build(files: Sequence[list[Path]] = files, some_left_out: bool = bool(globs)) -> Built:
        strata: dict[str, str] = {}
        for source, found in zip(sources, files, strict=True):
            if source.card:
                strata |= rules.strata_of(source.path, found, source.card, source.family)
        pairs = zip(sources, files, strict=True)
        volumes = chain.from_iterable(
            _volumes(source, found, strata, modality.name, some_left_out) for source, found in pairs
        )
        drop = any(source.card and source.card.near_duplicates == "drop" for source in sources)
        near = "drop" if drop else "report"
        total, own = sum(map(len, files)), public is None
        return build_real(volumes, profile, seed, progress, total, strata, Spool(root), near, own)

    def build_readable() -> Built:
        try:
            return build()
        except DataError:
            unreadable = broken.broken(sources[0].path, files[0]) if public is None else {}
            if not unreadable or (len(unreadable) == 1 and not skip_broken):
                raise
            if not skip_broken:
                raise DataError(broken.listed(unreadable, len(files[0]))) from None
            say(f"left out: {broken.listed(unreadable, len(files[0])).partition('. Replace')[0]}")
            readable, manifest = build([[file for file in files[0] if file not in unreadable]], True)
            return readable, {**manifest, "unreadable": len(unreadable)}

    notes = {"name": public or name, "kind": "real", **_notes(sources), **globs.as_record()}
    prepared = _cached(modality, root / f"{modality.name}-{identity}", notes, build_readable)
    if public is None:
        note_source(root, prepared.name, data)
    return named_fields.of_files(prepared, fields, sources, files, modality.name, root, masks, progress)


def prepare_target(
    target: str,
    organ: str | None,
    profile: Profile,
    out: Path,
    progress: Progress | None = None,
    name: str | None = None,
    skip_broken: bool = False,
    globs: Globs = ALL_FILES,
    fields: Sequence[str] = (),
    masks: str | None = None,
) -> Prepared:
    """The prepared set that somebody asks for by hand and not for a run; a prepared folder is read as it is.

    Cards of organs for which no modality is installed can be prepared too.

    Args:
        target: A card, cards joined by ``+``, a file or folder, ``phantom``, or a prepared folder.
        organ: A modality's name; None takes the card's own organ, and ``local`` for a path.
        profile: Size and number of the images.
        out: As for ``prepare_data``.
        progress: As for ``prepare_data``.
        name: As for ``prepare_data``.
        skip_broken: As for ``prepare_data``.
        globs: As for ``prepare_data``.
        fields: As for ``prepare_data``.
        masks: As for ``prepare_data``.

    Raises:
        InputError: Where the target or the organ is unknown; DataError where the data cannot be used.
    """
    if (Path(target) / MANIFEST).is_file():
        if name is not None:
            raise InputError(f"{target} is prepared and has its name; leave --data-name out")
        check_globs(globs, target, is_prepared=True)
        return load(Path(target), wanted=fields)
    if target == "phantom" and organ is None:
        raise InputError(
            f"a phantom of what? give --modality, one of {', '.join(lookup.names('modalities'))}"
        )
    first = catalogue.cards().get(target.split("+")[0])
    name_of_organ = organ or (first.organ if first else OWN_ORGAN)
    check_organ(name_of_organ)
    return prepare_data(
        modality(name_of_organ),
        target,
        profile,
        out,
        progress=progress,
        name=name,
        skip_broken=skip_broken,
        globs=globs,
        fields=fields,
        masks=masks,
    )


def in_one_line(prepared: Prepared) -> str:
    """How many images of how many subjects, and where to look at them."""
    splits = [(name, getattr(prepared, name)) for name in SPLITS]
    subjects = ", ".join(f"{split.n_subjects} {name}" for name, split in splits)
    n = sum(len(split) for _, split in splits)
    return f"{prepared.name}: {n} images, subjects: {subjects}; look at them in {prepared.path / SHEET}"


def describe(prepared: Prepared) -> str:
    """A few lines: name, size, subjects and images per split, what was dropped."""
    manifest = prepared.manifest
    size = manifest["size"]
    lines = [f"{prepared.name} ({prepared.kind}), {size}x{size}, key {prepared.key[:12]}"]
    for name in SPLITS:
        split = getattr(prepared, name)
        lines.append(f"  {name:<10} {len(split):>6} images  {split.n_subjects:>5} subjects")
    for reason, n in manifest.get("dropped_counts", {}).items():
        lines.append(f"  dropped    {n:>6} images  ({reason})")
    if unreadable := manifest.get("unreadable"):
        lines.append(f"  left out   {unreadable:>6} files   (cannot be read)")
    noted = Counter(window["note"] for window in manifest.get("windows", ()) if window.get("note"))
    for note, n in noted.most_common(MAX_NOTES):
        lines.append(f"  look at    {n:>6} {'volume' if n == 1 else 'volumes'} (read: {note})")
    report = manifest.get("qa", {})
    if clipped := report.get("clipped_count"):
        lines.append(f"  look at    {clipped:>6} images  (clipped; see qa.png)")
    if near := report.get("near_duplicates_count"):
        across = report["near_duplicates_across_splits"]
        lines.append(
            f"  look at    {near:>6} pairs of subjects with nearly one image, {across} across splits (qa.png)"
        )
    if (sheet := prepared.path / SHEET).is_file():
        lines.append(f"  pictures   {sheet}")
    for field in prepared.fields.values():
        lines.append(f"  field      {field.name} ({', '.join(field.names) or field.kind})")
    if not manifest.get("subjects_known", True):
        lines.append("  subjects unknown: one person may be in several splits, nothing is ranked")
    if manifest.get("adjusted"):
        lines.append(
            "  few subjects: some were moved so that no split is too small; a new subject may move others"
        )
    return "\n".join(lines)


def _files(source: Source, globs: Globs) -> list[Path]:
    include = source.card.include if source.card else None
    found = image_folder.find_files(source.path, include, source.reader, globs)
    # a card was reviewed, and says itself which files are images
    return found if source.card else left_out.without(source.path, found)


def _identity(
    sources: Sequence[Source],
    files: Sequence[list[Path]],
    name: str,
    profile: Profile,
    seed: int,
    root: Path,
    organ: str,
    globs: Globs,
) -> str:
    found = []
    for source, names in zip(sources, files, strict=True):
        card_rules = rules.as_text(source.card) if source.card else None
        inputs = names + image_folder.companions(source.path, names, source.reader)
        inputs += organ_masks.mask_files(source.card, organ, names) if source.card else []
        foreign = image_folder.foreign_readers(source.path, names, source.reader)
        found.append(
            local_identity(source.path, inputs, name, profile, seed, root, card_rules, foreign, globs)
        )
    return found[0] if len(found) == 1 else hashlib.sha256("+".join(found).encode()).hexdigest()[:12]


def _volumes(
    source: Source, files: list[Path], strata: dict[str, str], organ: str, some_left_out: bool
) -> Iterator[Volume]:
    if source.card is None:
        return image_folder.read_volumes(source.path, files, some_left_out=some_left_out)
    inside = source.card.subject in rules.SUBJECT_INSIDE
    pattern = source.card.path_pattern
    volumes = image_folder.read_volumes(source.path, files, pattern, inside, source.reader)
    volumes = organ_masks.showing(volumes, source.card, organ, source.path)
    return rules.applied(volumes, source.card, strata, source.family)


def _notes(sources: Sequence[Source]) -> dict[str, Any]:
    """What the manifest says of the data beyond its pixels."""
    cards = [source.card for source in sources if source.card]
    if not cards:
        # their terms follow from the name, which may be known only once the images are
        return {"subjects_known": True, "publish_subjects": False}
    return {
        "terms": [terms.of_card(card) for card in cards],
        "cards": {card.id: digest(card) for card in cards},
        "subjects_known": all(card.subjects_known for card in cards),
        "publish_subjects": all(card.publish_subjects for card in cards),
    }


def _cached(modality: Modality, folder: Path, notes: dict[str, Any], build: Callable[[], Built]) -> Prepared:
    if folder.exists():
        try:
            return load(folder, modality)
        except DataError as error:
            log.warning("%s Preparing it again.", error)
    # drawing phantoms again is cheaper than a reader's doubt where they came from
    index = fetch.home() / "prepared" if notes["kind"] == "real" else None
    certain = {word: value for word, value in notes.items() if value is not None}
    if not (index and known.copied(index, folder, {**certain, "is_mri": modality.is_mri})):
        splits, manifest = build()
        save(folder, splits, {**notes, **manifest, "is_mri": modality.is_mri})
    if index:
        known.note(index, folder)
    return load(folder, modality)
