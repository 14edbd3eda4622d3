"""Split by subject: a hash of the subject decides, so that a new subject moves no other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mribench.errors import DataError

# share of [0, 1) per split
BOUNDS = {"train": (0.0, 0.70), "validation": (0.70, 0.85), "test": (0.85, 1.0)}
SPLITS = tuple(BOUNDS)
FEW = 20  # subjects of a user's own below which ``cut`` splits them
MIN_SUBJECTS = len(SPLITS)


def position(subject: str, seed: int = 0) -> float:
    """A number in [0, 1) from the first 52 bits of sha256(seed, subject)."""
    digest = hashlib.sha256(f"{seed}\0{subject}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13


def assign(subject: str, seed: int = 0) -> str:
    """``train``, ``validation`` or ``test``, 70/15/15 in expectation; a function of (seed, subject) alone."""
    at = position(subject, seed)
    return next(split for split, (low, high) in BOUNDS.items() if low <= at < high)


def assign_all(
    subjects: Iterable[str], seed: int = 0, strata: Mapping[str, str] | None = None
) -> tuple[dict[str, str], bool]:
    """Split of every subject, and whether the plain hash had to be adjusted.

    With few subjects the hash can leave a split empty or nearly so. Every split gets at least a tenth of
    the subjects, but no less than one and no more than three: for test, validation, train in this order,
    the subject whose position is nearest to the short split's interval is moved there, out of a split that has
    some to spare. strata: subject -> site or label; each with three or more subjects gets the same care by
    itself, so that none is missing from a split. The result is still a function of (seed, set of subjects),
    but a new subject may undo a move: the manifest says ``adjusted``. Raises DataError below three subjects.
    """
    unique = sorted(set(subjects))
    if len(unique) < MIN_SUBJECTS:
        raise DataError(
            f"Found {len(unique)} subject(s) ({', '.join(unique) or 'none'}), but train, validation and test "
            "need 3 or more; add subjects, or name them by subfolders or metadata.csv (file_name,subject)."
        )
    splits = {subject: assign(subject, seed) for subject in unique}
    plain = dict(splits)
    for members in [*_members(unique, strata or {}), unique]:
        _fill(splits, members, seed)
    return splits, splits != plain


def cut(subjects: Iterable[str], seed: int = 0) -> dict[str, str]:
    """Split of few subjects: in the order of their hashes, 15 % for test, 15 % for validation, the rest for train.

    A hash of six subjects may give train two of them; this gives it four. A new subject may move others.
    """
    order = sorted(set(subjects), key=lambda subject: (position(subject, seed), subject))
    held_out = max(1, round(len(order) * (BOUNDS["test"][1] - BOUNDS["test"][0])))
    n_train = len(order) - 2 * held_out
    names = ["train"] * n_train + ["validation"] * held_out + ["test"] * held_out
    return dict(zip(order, names, strict=True))


def _members(unique: Sequence[str], strata: Mapping[str, str]) -> list[list[str]]:
    """Subjects of every stratum that is large enough to be in all splits; the small ones share one."""
    groups: dict[str, list[str]] = {}
    for subject in unique if strata else ():
        groups.setdefault(strata.get(subject, ""), []).append(subject)
    large = {name: members for name, members in groups.items() if len(members) >= 3}
    rest = [subject for name, members in groups.items() if name not in large for subject in members]
    return [large[name] for name in sorted(large)] + ([sorted(rest)] if len(rest) >= 3 else [])


def _fill(splits: dict[str, str], members: Sequence[str], seed: int) -> None:
    """Move subjects of ``members`` until each split has its least share of them."""
    least = min(3, max(1, len(members) // 10))
    for short in reversed(SPLITS):
        while (counts := Counter(splits[subject] for subject in members))[short] < least:
            movable = [subject for subject in members if counts[splits[subject]] > least]
            nearest = min(movable, key=lambda s, to=short: (_distance(position(s, seed), to), s))
            splits[nearest] = short


def check_disjoint(splits: Mapping[str, Iterable[str]]) -> None:
    """Raise DataError where a subject is in two splits. splits: split name -> subjects of its images."""
    seen: dict[str, str] = {}
    for split, subjects in splits.items():
        for subject in sorted(set(subjects)):
            if subject in seen:
                raise DataError(
                    f"Subject {subject} is in {seen[subject]} and in {split}: images would leak between "
                    "them; prepare the data again with one split per subject."
                )
            seen[subject] = split


def _distance(at: float, split: str) -> float:
    low, high = BOUNDS[split]
    return max(low - at, at - high, 0.0)
