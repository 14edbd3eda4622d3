"""Hashes that name things: JSON values and files. What code is hashed by stands in ``code_hash``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def json_hash(value: Any) -> str:
    """12 hex digits that name a JSON-serialisable value: the name of the folder made from it."""
    canonical = json.dumps(value, sort_keys=True, allow_nan=False, default=list)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def file_sha256(path: Path) -> str:
    """64 hex digits over the bytes of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_md5(path: Path) -> str:
    """32 hex digits over the bytes of a file: finds accidents, proves nothing against an attacker."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
