"""The subject of each file: from metadata.csv, else the first-level folder, else the file's name."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from mribench.errors import DataError

METADATA = "metadata.csv"
HOW = (
    "give subjects by one subfolder per subject, by a metadata.csv with the columns file_name,subject, "
    "or by names like <subject>_<slice>.png"
)
NUMBERED = re.compile(r"(?P<subject>.+)_(?P<slice>\d+)")
BIDS = re.compile(r"(?P<subject>sub-[0-9A-Za-z]+)(_.*)?")
# folders that sort files by something else than the person
NOT_SUBJECTS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}
NOT_SUBJECTS |= {
    "images",
    "image",
    "imgs",
    "img",
    "masks",
    "labels",
    "data",
    "imagestr",
    "imagests",
    "labelstr",
}


def subjects_of(
    root: Path, files: Sequence[str], pattern: str | None = None
) -> dict[str, tuple[str, int | None]]:
    """file (relative, posix) -> (subject, slice or None).

    Args:
        root: The folder of the data set.
        files: Relative to it.
        pattern: A card's regular expression, searched in the relative path; its first group, or the whole match, is
            the subject. None takes metadata.csv, folders or names, in this order.

    Raises:
        DataError: Where a file is left without a subject, metadata.csv and the files do not match one to one, or the
            folders are no subjects (train/, test/).
    """
    if pattern is not None:
        return _by_pattern(files, pattern)
    if (root / METADATA).is_file():
        return _by_metadata(root / METADATA, files)
    if all("/" in name for name in files):
        return _by_folder(files)
    if any("/" in name for name in files):
        flat = next(name for name in files if "/" not in name)
        raise DataError(f"{flat} lies beside subject folders, so it has no subject; {HOW}.")
    return _by_name(files)


def _by_pattern(files: Sequence[str], pattern: str) -> dict[str, tuple[str, int | None]]:
    found = {name: re.search(pattern, name) for name in files}
    for name, match in found.items():
        if not match:
            raise DataError(
                f"{name} does not match the card's subject_pattern {pattern!r}; remove or rename it."
            )
    return {name: (m.group(1) if m.re.groups else m.group(), None) for name, m in found.items() if m}


def _by_folder(files: Sequence[str]) -> dict[str, tuple[str, int | None]]:
    folders = {name.split("/")[0] for name in files}
    wrong = sorted(folder for folder in folders if folder.lower() in NOT_SUBJECTS)
    if wrong:
        raise DataError(f"The folder {wrong[0]}/ sorts files by something else than the subject; {HOW}.")
    return {name: (name.split("/")[0], None) for name in files}


def _by_name(files: Sequence[str]) -> dict[str, tuple[str, int | None]]:
    stems = {name: name.split(".nii")[0] if ".nii" in name else Path(name).stem for name in files}
    for rule in (NUMBERED, BIDS):
        found = {name: rule.fullmatch(stem) for name, stem in stems.items()}
        if all(found.values()):
            groups = {name: match.groupdict() for name, match in found.items() if match}
            return {
                name: (g["subject"], int(g["slice"]) if "slice" in g else None) for name, g in groups.items()
            }
    odd = next(name for name, stem in stems.items() if not NUMBERED.fullmatch(stem))
    raise DataError(f"The subject of {odd} is unknown; {HOW}.")


def _by_metadata(path: Path, files: Sequence[str]) -> dict[str, tuple[str, int | None]]:
    rows: dict[str, tuple[str, int | None]] = {}
    for line, row in enumerate(_csv(path), start=2):
        name, subject = row["file_name"].replace("\\", "/").removeprefix("./"), row["subject"]
        if not name or not subject:
            raise DataError(f"{METADATA} line {line}: file_name or subject is empty; fill in both.")
        if name in rows:
            raise DataError(f"{METADATA} line {line}: {name} is listed twice; keep one row per file.")
        number = row.get("slice") or ""
        if number and not re.fullmatch(r"-?\d+", number):
            raise DataError(
                f"{METADATA} line {line}: slice is {number!r}; give a whole number or leave it empty."
            )
        rows[name] = (subject, int(number) if number else None)
    without_row = sorted(set(files) - set(rows))
    if without_row:
        raise DataError(
            f"{METADATA} has no row for {without_row[0]} ({len(without_row)} such files); add a row per file."
        )
    without_file = sorted(set(rows) - set(files))
    if without_file:
        raise DataError(
            f"{METADATA} names {without_file[0]} ({len(without_file)} such rows), which is not there or not "
            "a supported image; add the file or remove the row."
        )
    return rows


def _csv(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = reader.fieldnames or []
            rows = [{k: (v or "").strip() for k, v in row.items() if isinstance(k, str)} for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{METADATA} is not a UTF-8 CSV table ({error}); save it as CSV (UTF-8).") from error
    missing = [name for name in ("file_name", "subject") if name not in columns]
    if missing:
        raise DataError(
            f"{METADATA} has the columns {columns}, but no {missing[0]}; expected file_name,subject[,slice]."
        )
    return rows
