"""Series of the Imaging Data Commons: which of them a card means, by its index, without the network.

The index is a table of all its DICOM series, in the package idc-index-data. Nothing in it is trusted as a path or an
address: identifiers are checked for their form before they become part of one.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from typing import Any, NamedTuple

from mribench.data.cards.card import Condition, DatasetCard, Query
from mribench.data.cards.terms import licence_ids
from mribench.errors import DataError

PACKAGE = "idc-index-data"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# the public buckets of the archive
BUCKET = re.compile(r"idc-open-data(-cr|-two)?")
# what of a series is used beside the columns of a card's conditions
COLUMNS = (
    "PatientID",
    "crdc_series_uuid",
    "aws_bucket",
    "instanceCount",
    "series_size_MB",
    "license_short_name",
)


class Series(NamedTuple):
    """One DICOM series in one state: a series that is revised gets another uuid."""

    uuid: str
    bucket: str
    patient: str
    """as its PatientID says"""
    instances: int
    """how many files"""
    bytes: int
    """of all its files"""


class Choice(NamedTuple):
    """What a query chooses."""

    series: tuple[Series, ...]
    """sorted by uuid"""
    left_out: dict[str, int]
    """licence -> how many series it covers that the card's licence does not"""


def installed() -> str | None:
    """The version of the index, None where it is not installed."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return None


def choose(card: DatasetCard) -> Choice:
    """The series that a card's query means.

    Raises:
        DataError: Where the index is not installed, lacks a column of the query, or chooses other series than the card
            was written for.
    """
    query, version = card.query, installed()
    if query is None:
        raise ValueError(f"{card.id} has no query")
    if version is None:
        raise DataError(
            f"{card.id} is chosen from the index of the Imaging Data Commons, which is not installed; "
            "run pip install 'mribench[idc]'."
        )
    found = _choose(query, card.licence, version)
    if fingerprint(found.series) != query.sha256:
        raise DataError(
            f"{card.id} means {query.series} series of {PACKAGE} {query.index}, and version {version} gives "
            f"{len(found.series)}, not all of them the same; run pip install {PACKAGE}=={query.index}."
        )
    return found


def fingerprint(series: Iterable[Series]) -> str:
    """sha256 hex over the uuids, sorted, one a line."""
    lines = "".join(f"{uuid}\n" for uuid in sorted(one.uuid for one in series))
    return hashlib.sha256(lines.encode()).hexdigest()


@lru_cache(maxsize=16)
def _choose(query: Query, licence: str, version: str) -> Choice:
    """version: what the answer depends on beside the query."""
    rows = [row for row in _rows(query) if all(_holds(condition, row) for condition in query.where)]
    covered = licence_ids(licence)
    licences = [_spdx(row["license_short_name"]) for row in rows]
    series = [_series(row) for row, name in zip(rows, licences, strict=True) if name in covered]
    left_out = Counter(name for name in licences if name not in covered)
    return Choice(tuple(sorted(series)), dict(left_out))


def _rows(query: Query) -> Sequence[Mapping[str, Any]]:
    import idc_index_data
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    index = ds.dataset(str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH))
    columns = sorted({*COLUMNS, *(condition.column for condition in query.where)})
    missing = sorted({*columns, "collection_id"} - set(index.schema.names))
    if missing:
        raise DataError(
            f"The index has no column {missing[0]}; it has {', '.join(index.schema.names)}: correct the card's query, "
            f"or run pip install {PACKAGE}=={query.index}."
        )
    return index.to_table(columns, filter=pc.field("collection_id").isin(query.collections)).to_pylist()


def _holds(condition: Condition, row: Mapping[str, Any]) -> bool:
    """A value that is missing counts as empty text, and is at least nothing."""
    value = row[condition.column]
    if condition.at_least is not None:
        return isinstance(value, int | float) and value >= condition.at_least
    text = "" if value is None else str(value)
    if condition.matches is not None:
        return re.search(condition.matches, text) is not None
    return re.search(condition.lacks or "", text) is None


def _spdx(name: str | None) -> str:
    """'CC BY-NC 4.0' -> 'CC-BY-NC-4.0'."""
    return (name or "no licence stated").replace("CC ", "CC-").replace(" ", "-")


def _series(row: Mapping[str, Any]) -> Series:
    uuid, bucket = row["crdc_series_uuid"], row["aws_bucket"]
    if not UUID.fullmatch(str(uuid)) or not BUCKET.fullmatch(str(bucket)):
        raise DataError(
            f"The index names a series {uuid!r} in a bucket {bucket!r}; expected the uuid of a series and a public "
            "bucket of the Imaging Data Commons: report it."
        )
    size = round(row["series_size_MB"] * 1e6)
    return Series(uuid, bucket, row["PatientID"], int(row["instanceCount"]), size)
