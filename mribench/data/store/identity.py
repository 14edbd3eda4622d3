"""What a prepared folder was made from, as a hash that names it: a changed input makes a new folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mribench import files as disk
from mribench import phantom as drawing_kit
from mribench.code_hash import code_hash
from mribench.data.globs import ALL_FILES, Globs
from mribench.data.slices import PREPARATION
from mribench.hashing import file_sha256, json_hash
from mribench.spec import Profile

DIGESTS = ".digests.json"


def phantom_identity(phantom: Callable[..., Any], profile: Profile, seed: int) -> str:
    """12 hex digits over the code that draws (of the plugin and of mribench.phantom), the sizes and the seed.

    The code counts and not its version: an edited drawing with the old version number is another data set.
    """
    drawn = [profile.size, profile.max_images, profile.phantom_subjects, profile.phantom_slices, seed]
    code = code_hash(phantom, follow=(drawing_kit.__name__,))
    return json_hash(["phantom", PREPARATION, code, drawn])


def local_identity(
    root: Path,
    files: Sequence[Path],
    name: str,
    profile: Profile,
    seed: int,
    cache: Path,
    card_rules: str | None,
    foreign_readers: Sequence[str] = (),
    globs: Globs = ALL_FILES,
) -> str:
    """12 hex digits over all that decides the pixels and the split of a set that is read from files.

    Args:
        root: The file or folder that is read.
        files: Images and what else decides how they are read (metadata.csv), under ``root`` or beside it.
        name: What the board calls the data.
        profile: Its sizes count.
        seed: Of the split.
        cache: Folder for remembered digests; a file is read again only when its size, times or inode changed.
        card_rules: What a card decides, see ``rules.as_text``.
        foreign_readers: Readers of plugins with their versions; mribench's own count by ``PREPARATION``.
        globs: What chose the files.
    """
    content = list(zip([_relative(file, root) for file in files], digests(files, cache), strict=True))
    sizes = [profile.size, profile.max_images]
    parts = ["local", PREPARATION, name, card_rules, content, *sizes, seed]
    # absent where they say nothing, so that older folders keep their names
    parts += [list(foreign_readers)] if foreign_readers else []
    parts += [globs.as_record()] if globs else []
    return json_hash(parts)


def digests(files: Sequence[Path], cache: Path) -> list[str]:
    """sha256 of each file. cache: Folder where they are remembered."""
    store = cache / DIGESTS
    try:
        known = disk.read_json(store)
    except (OSError, ValueError):
        known = {}
    marks = [_mark(file) for file in files]
    fresh = {mark: file_sha256(file) for mark, file in zip(marks, files, strict=True) if mark not in known}
    if fresh:
        disk.write_json(store, {**known, **fresh})
    return [known.get(mark) or fresh[mark] for mark in marks]


def _mark(file: Path) -> str:
    """Changes whenever the file is written; hashed, so that no path of this machine is kept."""
    state = file.stat()
    parts = [str(file.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    return json_hash(parts)


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if root.is_dir() else file.name
