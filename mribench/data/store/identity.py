"""What a prepared folder was made from, as a hash that names it: a changed input makes a new folder."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mribench.data.slices import PREPARATION
from mribench.hashing import file_sha256
from mribench.spec import Profile

DIGESTS = ".digests.json"


def phantom_identity(phantom: Callable[..., Any], profile: Profile, seed: int) -> str:
    """12 hex digits over the code that draws (plugin and mribench.phantom), the sizes and the seed.

    The code and not its version: an edited drawing with the old version number is another data set.
    """
    drawn = [profile.size, profile.max_images, profile.phantom_subjects, profile.phantom_slices, seed]
    return _short(["phantom", PREPARATION, _code(phantom), drawn])


def local_identity(
    root: Path,
    files: Sequence[Path],
    name: str,
    profile: Profile,
    seed: int,
    cache: Path,
    pattern: str | None,
) -> str:
    """12 hex digits over path and content of every file, the name on the board, the sizes and the seed.

    files: images and what else decides how they are read (metadata.csv), under ``root`` or beside it.
    cache: folder for remembered digests; a file is read again only when its size, times or inode changed.
    """
    content = list(zip([_relative(file, root) for file in files], _digests(files, cache), strict=True))
    return _short(["local", PREPARATION, name, pattern, content, profile.size, profile.max_images, seed])


def _digests(files: Sequence[Path], cache: Path) -> list[str]:
    store = cache / DIGESTS
    try:
        known = json.loads(store.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    marks = [_mark(file) for file in files]
    fresh = {mark: file_sha256(file) for mark, file in zip(marks, files, strict=True) if mark not in known}
    if fresh:
        cache.mkdir(parents=True, exist_ok=True)
        temporary = store.with_name(f"{DIGESTS}-{uuid.uuid4().hex[:8]}")
        temporary.write_text(json.dumps({**known, **fresh}), encoding="utf-8")
        os.replace(temporary, store)
    return [known.get(mark) or fresh[mark] for mark in marks]


def _mark(file: Path) -> str:
    """Changes whenever the file is written; hashed, so that no path of this machine is kept."""
    state = file.stat()
    parts = [str(file.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    return _short(parts)


def _code(function: Callable[..., Any]) -> str:
    """sha256 over the sources of the package that defines ``function`` and of mribench.phantom."""
    module = sys.modules.get(getattr(function, "__module__", ""))
    sources = sorted((Path(__file__).parents[2] / "phantom").glob("*.py"))
    try:
        file = Path(inspect.getsourcefile(module) or "") if module else None
    except TypeError:
        file = None
    if file and file.is_file():
        sources += sorted(file.parent.rglob("*.py")) if getattr(module, "__package__", "") else [file]
    digest = hashlib.sha256(f"{getattr(function, '__module__', '')}.{function!r}".split(" at 0x")[0].encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if root.is_dir() else file.name


def _short(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
