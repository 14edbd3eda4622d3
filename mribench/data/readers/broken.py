"""Which files of a folder cannot be read: all of them at once, so that a user can mend them in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mribench.data.readers.table import table
from mribench.errors import DataError
from mribench.spec import ImageFile

MAX_NAMED = 20


def broken(root: Path, files: Sequence[Path]) -> dict[Path, str]:
    """File -> why it cannot be read; every file is read by itself.

    Args:
        root: the folder, or the single file.
        files: those below it, as ``find_files`` gives them.
    """
    readers, found = table(None), {}
    for file in files:
        name = file.relative_to(root).as_posix() if root.is_dir() else file.name
        try:
            for _ in readers.reader_of_any(file, name).read([ImageFile(file, name)], ""):
                pass
        except DataError as error:
            found[file] = str(error)
    return found


def listed(found: Mapping[Path, str], files: int) -> str:
    """One sentence that names the first twenty."""
    reasons = [reason.rstrip(".") for reason in found.values()]
    more = len(reasons) - MAX_NAMED
    rest = f"; and {more} more" if more > 0 else ""
    return (
        f"{len(found)} of {files} files cannot be read: {'; '.join(reasons[:MAX_NAMED])}{rest}. Replace them, or leave "
        "them out with --skip-broken"
    )
