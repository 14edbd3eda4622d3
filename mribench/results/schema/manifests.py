"""The files beside prepared sets, published models and packs that say what lies there."""

from __future__ import annotations

from msgspec import Struct

from mribench.results.schema.values import Count, Side, Term, Text, Word


class Manifest(Struct, gc=False):
    """``manifest.json`` of a prepared set."""

    key: Word
    name: Word
    kind: Word
    size: Side
    files: dict[str, Word]
    terms: list[Term] | None = None
    subjects_known: bool = True
    adjusted: bool = False
    is_mri: bool = True
    near_duplicates_across_splits: Count | None = None


class Shared(Struct, gc=False):
    """``mribench.json`` of a published model."""

    schema: int
    checkpoint: Word
    keep: Word
    files: dict[str, Word]
    prefix: Text | None = None
    drawn: Word | None = None


class Contents(Struct, gc=False):
    """``pack.json`` of a packed file."""

    schema: int
    files: dict[str, Word]
