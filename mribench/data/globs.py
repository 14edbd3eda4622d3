"""``--include`` and ``--exclude``: which files of a user's own folder are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench.errors import DataError, InputError
from mribench.progress import say


@dataclass(frozen=True)
class Globs:
    """Patterns of paths relative to the folder, as in a shell; ``**`` stands for any number of folders.

    A pattern without a slash matches names at any depth, as in ``.gitignore``. One that matches a folder takes all that
    is in it. A file is read that matches ``include`` (empty: all do) and does not match ``exclude``.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)

    def as_record(self) -> dict[str, Any]:
        """What the manifest of a set says; nothing where all files are read."""
        return {"include": [*self.include], "exclude": [*self.exclude]} if self else {}

    def chosen(self, root: Path, files: Sequence[Path]) -> list[Path]:
        """The files that are read, in the order given. An exclude pattern that matches none of them is said.

        Args:
            root: the folder.
            files: files below it.

        Raises:
            InputError: a pattern is none, or ``root`` is a file.
            DataError: no file is left.
        """
        if not self:
            return list(files)
        if not root.is_dir():
            raise InputError(
                f"--include and --exclude choose files of a folder, and {root.name} is a file; leave them out"
            )
        if self.include:
            wanted = set().union(*(_matching(root, pattern) for pattern in self.include))
            files = self._found([f for f in files if _below(f, root, wanted)], "--include", root, files)
        unwanted = {pattern: _matching(root, pattern) for pattern in self.exclude}
        idle = [p for p, matched in unwanted.items() if not any(_below(f, root, matched) for f in files)]
        excluded = set().union(*unwanted.values())
        kept = [file for file in files if not _below(file, root, excluded)]
        kept = self._found(kept, "--exclude", root, files)
        for pattern in idle:
            say(f"--exclude {pattern!r} matches none of {len(files)} files of {root.name}")
        return kept

    def _found(self, kept: list[Path], option: str, root: Path, files: Sequence[Path]) -> list[Path]:
        if kept or not files:
            return kept
        named = [f for f in files if f.suffix not in SIDECARS] or files
        example = min(file.relative_to(root).as_posix() for file in named)
        patterns = " ".join(f"{option} {pattern!r}" for pattern in getattr(self, option.removeprefix("--")))
        raise DataError(
            f"{patterns} leaves none of {len(files)} files of {root.name}, expected patterns of paths such as "
            f"{example}; check them"
        )


ALL_FILES = Globs()
SIDECARS = (".json", ".tsv", ".csv", ".txt", ".md")  # no examples of an image


def _matching(root: Path, pattern: str) -> set[Path]:
    """Files and folders."""
    try:
        if not pattern:
            raise ValueError("it is empty")
        return set(root.glob(pattern if "/" in pattern else f"**/{pattern}"))
    except (ValueError, NotImplementedError) as error:
        raise InputError(
            f"{pattern!r} is no pattern of paths relative to the folder ({error}); write one such as '*_T1w.nii.gz' or "
            "'sub-*/anat/**'"
        ) from error


def _below(file: Path, root: Path, matched: set[Path]) -> bool:
    """Whether the file, or a folder between it and the root, was matched."""
    return file in matched or any(parent in matched for parent in file.parents if parent != root)
