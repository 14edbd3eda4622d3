"""A sha256 over everything else in a record, which shows slips and casual edits.

It is no signature: whoever wants to deceive can make it anew, and is found by ``mribench verify``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FIELD = "digest"
# takes the place of the digest of a record that was edited, wherever the record is written again: it never matches
EDITED = "edited"


def digest(record: Mapping[str, Any]) -> str:
    """64 hex digits over the canonical JSON of a record as read from JSON, the field ``digest`` left out."""
    content = {name: value for name, value in record.items() if name != FIELD}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sealed(record: Mapping[str, Any], edited: bool | None) -> dict[str, Any]:
    """The record as it is written: with its digest, where nobody edited it.

    Args:
        record: JSON-serialisable, without a digest.
        edited: ``Result.edited``. An edited record keeps that mark, and one that never had a digest gets none.

    Raises:
        ValueError: a number that JSON does not have.
    """
    if edited is None:
        return dict(record)
    if edited:
        return {**record, FIELD: EDITED}
    # tuples and keys as whoever reads the file will find them
    return {**record, FIELD: digest(json.loads(json.dumps(record, allow_nan=False)))}


def is_edited(record: Mapping[str, Any]) -> bool | None:
    """Whether a record differs from what was written; None where it has no digest, as older ones have none."""
    return record[FIELD] != digest(record) if FIELD in record else None
