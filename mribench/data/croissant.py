"""Croissant 1.0 (mlcommons.org/croissant): a JSON-LD description of the Parquet files of an export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mribench import hashing
from mribench.data.cards import terms
from mribench.data.split import SPLITS
from mribench.spec import Prepared

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
COLUMNS = {"image": "sc:ImageObject", "subject": "sc:Text", "slice": "sc:Integer", "source": "sc:Text"}


def description(prepared: Prepared, folder: Path) -> dict[str, Any]:
    """JSON-LD for ``<split>.parquet`` in ``folder``, with sha256 and size of each, and a record set per split."""
    rows = terms.of_prepared(prepared)
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": prepared.name.replace("local:", "").replace("+", "-"),
        "description": f"{prepared.name}, prepared by mribench: 8-bit slices, split by subject. "
        f"Content key {prepared.key}.",
        "version": f"1.0.0+{prepared.key[:12]}",
        "license": [row["licence"] for row in rows],
        "citeAs": "; ".join(row["citation"] for row in rows),
        "url": [row["homepage"] for row in rows],
        "distribution": [_file(folder / f"{name}.parquet") for name in SPLITS],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": name, "name": name, "field": [_field(name, c) for c in COLUMNS]}
            for name in SPLITS
        ],
    }


def _file(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": hashing.file_sha256(path),
    }


def _field(split: str, column: str) -> dict[str, Any]:
    source: dict[str, Any] = {"fileObject": {"@id": f"{split}.parquet"}, "extract": {"column": column}}
    if column == "image":
        source["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{column}",
        "name": column,
        "dataType": COLUMNS[column],
        "source": source,
    }
