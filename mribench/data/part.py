"""A download that is not whole yet: its bytes, and beside them what they are bytes of."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def state_file(part: Path) -> Path:
    """Where the ETag and the size of the whole file stand."""
    return part.with_name(part.name + ".json")


def read_state(part: Path) -> dict[str, Any] | None:
    """``{"etag", "total"}`` as the server told them, None each where it did not; None without a readable state."""
    try:
        state = json.loads(state_file(part).read_text(encoding="utf-8"))
        return {"etag": state["etag"], "total": state["total"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_state(part: Path, etag: str | None, total: int | None) -> None:
    """Before the first byte is written, so that no bytes are ever without it."""
    new = state_file(part).with_suffix(".new")
    new.write_text(json.dumps({"etag": etag, "total": total}), encoding="utf-8")
    os.replace(new, state_file(part))


def discard(part: Path) -> None:
    """Forget what has come so far."""
    part.unlink(missing_ok=True)
    state_file(part).unlink(missing_ok=True)


def size_of(part: Path) -> int:
    """Bytes that are here, 0 where there is no file."""
    return part.stat().st_size if part.is_file() else 0
