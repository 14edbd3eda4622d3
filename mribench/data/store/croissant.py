"""Croissant 1.1 (mlcommons.org/croissant/1.1): JSON-LD about a prepared set or a card, for catalogues and loaders.

``usageInfo`` says in terms of the Data Use Ontology (DUO) what the three use flags of a card say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from mribench._version import __version__
from mribench.data.cards import terms
from mribench.data.cards.card import UNVERIFIED, CardFile, DatasetCard, digest
from mribench.data.split import SPLITS
from mribench.hashing import file_sha256
from mribench.spec import Prepared

VERSION = "http://mlcommons.org/croissant/1.1"
# the context of the specification, with the prefixes of two further vocabularies
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "duo": "http://purl.obolibrary.org/obo/DUO_",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
COLUMNS = {"image": "sc:ImageObject", "subject": "sc:Text", "slice": "sc:Integer", "source": "sc:Text"}
SPLIT_TERMS = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
# http://purl.obolibrary.org/obo/duo.owl: a permission, and modifiers that narrow it
FREE = ("0000004", "No restriction")
RESEARCH = ("0000042", "General research use")
# DUO has no term for passing data on: the two nearest ones are those of approved users and approved projects
MODIFIERS = {
    "commercial": ("0000018", "Not for profit, non commercial use only"),
    "redistributable": ("0000026", "User specific restriction"),
    "derived": ("0000027", "Project specific restriction"),
}
YEAR = re.compile(r"^\s*year\s*=\s*[{\"]?(\d{4})", re.MULTILINE | re.IGNORECASE)
AUTHORS = re.compile(r"^\s*author\s*=\s*\{(.*)\},?$", re.MULTILINE | re.IGNORECASE)
MIME = {".zip": "application/zip", ".tar": "application/x-tar", ".gz": "application/gzip"}


def of_prepared(prepared: Prepared, folder: Path) -> dict[str, Any]:
    """About ``<split>.parquet`` in ``folder``: sha256 and size of each, a record set for each, and the splits."""
    rows = terms.of_prepared(prepared)
    sources = [row["homepage"] for row in rows if _is_address(row["homepage"])]
    described = {
        **_head(prepared.name.replace("local:", "").replace("+", "-")),
        "description": f"{prepared.name}, prepared by mribench: 8-bit slices, split by subject. "
        f"Content key {prepared.key}.",
        "version": f"1.0.0+{prepared.key[:12]}",
        "datePublished": datetime.now(UTC).date().isoformat(),
        "creator": [_organization(row["citation"]) for row in rows] or [_organization("mribench")],
        "license": _licences(rows),
        "citeAs": "; ".join(row["citation"] for row in rows),
        "keywords": ["medical imaging", "diffusion models"],
        "usageInfo": usage(rows),
        "rai:hasSyntheticData": prepared.kind == "phantom",
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"mribench {__version__}, data prepare",
        },
        "distribution": [_parquet(folder / f"{name}.parquet") for name in SPLITS],
        "recordSet": [_splits(), *map(_images, SPLITS)],
    }
    if sources:
        described["url"] = sources[0]
        described["prov:wasDerivedFrom"] = [{"@id": address} for address in sources]
    return described


def of_card(card: DatasetCard) -> dict[str, Any]:
    """About the source of a card: what is known, and nothing in place of what is not.

    The files are those that mribench can check; a card whose files come by hand, or by a query, has none.
    """
    row = terms.of_card(card)
    about = [card.title, card.contrast, card.population or "", *card.caveats]
    described = {
        **_head(card.id),
        "description": " ".join(f"{text.rstrip('.')}." for text in about if text),
        "version": card.version or f"0.0.0+{digest(card)[:12]}",
        "creator": _creators(card),
        "license": _licences([row]),
        "citeAs": (card.bibtex or card.citation).strip(),
        "keywords": _keywords(card),
        "usageInfo": usage([row]),
        "isAccessibleForFree": card.access != "agreement",
        "distribution": [_file(file) for file in card.files if file.sha256 != UNVERIFIED or file.md5],
    }
    if _is_address(card.homepage):
        described["url"] = card.homepage
    if year := YEAR.search(card.bibtex or ""):
        described["datePublished"] = year[1]
    if card.caveats:
        described["rai:dataLimitations"] = list(card.caveats)
    return described


def usage(rows: Sequence[terms.Row]) -> list[dict[str, Any]]:
    """DUO terms of the strictest answer over all rows; what nobody checked counts as forbidden."""
    closed = {
        flag: [row["data"] for row in rows if row[flag] is not True]
        for flag in MODIFIERS
        if any(row[flag] is not True for row in rows)
    }
    if not closed and not any(row["access"] == "agreement" for row in rows):
        return [_term(FREE, "any use")]
    return [
        _term(RESEARCH, "research"),
        *(_term(MODIFIERS[flag], _forbidden(flag, rows)) for flag in closed),
    ]


def _forbidden(flag: str, rows: Iterable[terms.Row]) -> str:
    said = [
        f"{row['data']}: {'forbidden' if row[flag] is False else 'not checked, so taken as forbidden'}"
        for row in rows
        if row[flag] is not True
    ]
    return f"to {terms.ALLOWS[flag]}: {'; '.join(said)}"


def _term(term: tuple[str, str], description: str) -> dict[str, Any]:
    code, name = term
    return {
        "@type": "DefinedTerm",
        "name": name,
        "termCode": f"DUO_{code}",
        "url": f"duo:{code}",
        "description": description,
    }


def _head(name: str) -> dict[str, Any]:
    return {"@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": VERSION, "name": name}


def _licences(rows: Sequence[terms.Row]) -> list[Any]:
    """Addresses at spdx.org; for a licence without an SPDX id its name and where to read it."""
    found: list[Any] = []
    for row in rows:
        if terms.flags_of_licence(row["licence"]):
            found += [f"https://spdx.org/licenses/{name}" for name in terms.licence_ids(row["licence"])]
        else:
            page = {"url": row["homepage"]} if _is_address(row["homepage"]) else {}
            found.append({"@type": "CreativeWork", "name": row["licence"], **page})
    return [one for i, one in enumerate(found) if one not in found[:i]]


def _creators(card: DatasetCard) -> list[dict[str, str]]:
    authors = [name.strip() for line in AUTHORS.findall(card.bibtex or "") for name in line.split(" and ")]
    people = [{"@type": "Person", "name": name.strip("{} ")} for name in authors if name != "others"]
    return people or [_organization(f"authors of {card.citation}")]


def _organization(name: str) -> dict[str, str]:
    return {"@type": "Organization", "name": name}


def _keywords(card: DatasetCard) -> list[str]:
    fields = (card.organ, *card.other_organs, card.modality, *card.labels)
    return [word for word in fields if word]


def _file(file: CardFile) -> dict[str, Any]:
    name = PurePosixPath(urlparse(file.url).path).name or "download"
    proof = {"sha256": file.sha256} if file.sha256 != UNVERIFIED else {"md5": file.md5}
    size = {"contentSize": f"{file.bytes} B"} if file.bytes else {}
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": file.url,
        "encodingFormat": MIME.get(PurePosixPath(name).suffix, "application/octet-stream"),
        **size,
        **proof,
    }


def _parquet(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": file_sha256(path),
    }


def _splits() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/url", "name": "url", "dataType": "sc:URL"},
        ],
        "data": [{"splits/name": name, "splits/url": term} for name, term in SPLIT_TERMS.items()],
    }


def _images(split: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "dataType": SPLIT_TERMS[split],
        "field": [_column(split, name) for name in COLUMNS],
    }


def _column(split: str, column: str) -> dict[str, Any]:
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


def _is_address(text: Any) -> bool:
    return isinstance(text, str) and text.startswith(("https://", "http://"))
