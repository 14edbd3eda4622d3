"""The two ways to fill a prepared dataset, from drawn phantoms and from read volumes; both end in split records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from mribench import device
from mribench._version import __version__
from mribench.data import left_out, phantom_workers
from mribench.data.cards.rules import UNKNOWN, without_subjects
from mribench.data.select import cap, drop_duplicates, drop_near_duplicates
from mribench.data.slices import SliceRecord, prepare_volume
from mribench.data.split import FEW, MIN_SUBJECTS, SPLITS, assign_all, cut
from mribench.data.store.spool import Spool
from mribench.errors import DataError
from mribench.spec import Modality, PhantomSlice, Profile, Volume

Progress = Callable[[int, int], None]
Built = tuple[dict[str, list[SliceRecord]], dict[str, Any]]


def build_phantom(modality: Modality, profile: Profile, seed: int, progress: Progress | None = None) -> Built:
    """Draw ``phantom_subjects`` x ``phantom_slices`` slices. Subjects are called like ``brain-0007``.

    A phantom is in [0, 1] by contract, so it is quantised and never windowed. Raises DataError where a
    drawing breaks the contract.
    """
    records: list[SliceRecord] = []
    n, slices = profile.phantom_subjects, profile.phantom_slices
    drawn = partial(_subject, modality.phantom, modality.name, seed, slices, profile.size)
    for subject in phantom_workers.draw_subjects(drawn, n, slices, device.hardware().threads):
        records += subject
        if progress:
            progress(len(records), n * slices)
    return _finish(records, profile, seed, {"windows": [], "dropped": []})


def build_real(
    volumes: Iterable[Volume],
    profile: Profile,
    seed: int,
    progress: Progress | None = None,
    total: int = 0,
    strata: Mapping[str, str] | None = None,
    spool: Spool | None = None,
    near: str = "report",
    own: bool = False,
) -> Built:
    """Prepare every volume, drop repeated images, cap, split.

    Args:
        volumes: Read one after the other.
        profile: Size and largest number of images.
        seed: Of the split and of the choice of slices.
        progress: Called with (volumes done, volumes in all).
        total: A guess of the number of volumes.
        strata: See ``assign_all``; looked at once all volumes are read, which may fill it.
        spool: Where the images wait until they are written, so that memory does not grow with the set; None keeps
            them in memory.
        near: A card's ``near_duplicates``.
        own: Whether these are a user's own files. Of them volumes of two values are left out, as masks lie beside
            images, and few subjects are split by their order (``split.cut``).

    Raises:
        DataError: Where a subject has no usable slice.
    """
    records: list[SliceRecord] = []
    windows: list[dict[str, Any]] = []
    dropped: list[dict[str, Any]] = []
    subjects: set[str] = set()
    for done, volume in enumerate(volumes, start=1):
        subjects.add(volume.subject)
        if own and left_out.is_mask(volume.pixels):
            dropped += _slices(volume, left_out.TWO_VALUES)
        else:
            kept, note, lost = prepare_volume(volume, profile.size)
            records += [record._replace(image=spool.add(record.image)) for record in kept] if spool else kept
            windows.append(note)
            dropped += lost
        if progress:
            progress(done, max(done, total))
    _check_none_lost(subjects, records, dropped)
    records, twins, leaks = drop_duplicates(records)
    dropped += _rows(twins, "same pixels as another image")
    dropped += _rows(leaks, "same pixels as an image of another subject: perhaps one person under two names")
    notes: dict[str, Any] = {"windows": windows, "dropped": dropped, "near_duplicates": near}
    if subjects == {UNKNOWN}:
        records, notes["subjects_known"] = without_subjects(records), False
    return _finish(records, profile, seed, notes, strata, own)


def _finish(
    records: list[SliceRecord],
    profile: Profile,
    seed: int,
    notes: dict[str, Any],
    strata: Mapping[str, str] | None = None,
    own: bool = False,
) -> Built:
    chosen = cap(records, profile.max_images, seed)
    subjects = {record.subject for record in chosen}
    by_order = own and MIN_SUBJECTS <= len(subjects) < FEW
    splits, adjusted = (cut(subjects, seed), True) if by_order else assign_all(subjects, seed, strata)
    built = {name: [r for r in chosen if splits[r.subject] == name] for name in SPLITS}
    # after the split, which says whose copy goes
    if notes.get("near_duplicates") == "drop":
        built, lost = drop_near_duplicates(built)
        notes["dropped"] += _rows(lost, "nearly the same as an image in another split")
    return built, {
        "size": profile.size,
        "seed": seed,
        "adjusted": adjusted,
        "available": len(records),
        "dropped_counts": dict(Counter(row["reason"] for row in notes["dropped"])),
        "mribench": __version__,
        **notes,
    }


def _slices(volume: Volume, reason: str) -> list[dict[str, Any]]:
    about = {"subject": volume.subject, "source": volume.source, "reason": reason}
    return [{**about, "slice": index} for index in range(len(volume.pixels))]


def _rows(records: Iterable[SliceRecord], reason: str) -> list[dict[str, Any]]:
    return [{"subject": r.subject, "source": r.source, "slice": r.slice, "reason": reason} for r in records]


def _subject(
    phantom: Callable[..., PhantomSlice], name: str, seed: int, slices: int, size: int, subject: int
) -> list[SliceRecord]:
    images = (phantom(seed, subject, index, size=size).image for index in range(slices))
    return [_drawn(image, name, subject, index, size) for index, image in enumerate(images)]


def _drawn(image: np.ndarray, name: str, subject: int, index: int, size: int) -> SliceRecord:
    image = np.asarray(image)
    if (
        image.shape != (size, size)
        or not np.isfinite(image).all()
        # a drawing may leave [0, 1] by rounding
        or image.min() < -1e-3
        or image.max() > 1.001
    ):
        raise DataError(
            f"The phantom of {name} drew shape {image.shape} with values {image.min()}..{image.max()}; "
            f"expected ({size}, {size}) in [0, 1]: fix the plugin's phantom."
        )
    pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return SliceRecord(pixels, f"{name}-{subject:04d}", index, "phantom")


def _check_none_lost(subjects: set[str], records: list[SliceRecord], dropped: list[dict[str, Any]]) -> None:
    lost = sorted(subjects - {record.subject for record in records})
    if lost:
        why = Counter(row["reason"] for row in dropped if row["subject"] == lost[0])
        reasons = ", ".join(f"{n} {reason}" for reason, n in why.items())
        raise DataError(f"Subject {lost[0]} has no usable image ({reasons}); remove or replace its files.")
