"""Suspicious images of a prepared set: clipped ones and near duplicates are reported and drawn, never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench.data.slices import SliceRecord

# share of the body that is at 255; the window alone puts half a percent there
CLIPPED = 0.05
# correlation of two images of different subjects from which they count as one image (protocol 2.1)
NEAR = 0.99
# of 16x16 thumbnails: the pairs worth a look at full size
CANDIDATE = 0.98
THUMB = 16
# matrix of correlations at a time
BLOCK_ELEMENTS = 16_000_000
MOST_ROWS = 1000
SHEET = "qa.png"


class Seen(NamedTuple):
    """One image that the report speaks of."""

    record: SliceRecord
    split: str

    @property
    def row(self) -> dict[str, Any]:
        r = self.record
        return {"split": self.split, "subject": r.subject, "source": r.source, "slice": r.slice}


class Report(NamedTuple):
    """What was found, for the manifest and for the contact sheet."""

    manifest: dict[str, Any]
    """JSON-serialisable"""
    digests: dict[str, list[str]]
    """split -> sha256 hex of every image's pixels, in order"""
    clipped: list[Seen]
    pairs: list[tuple[Seen, Seen]]
    """near duplicates, the closest first"""


def inspect(splits: Mapping[str, Sequence[SliceRecord]]) -> Report:
    """Look at every image of every split once. Blank, constant and repeated slices are gone by then (``dropped``).

    An image is clipped where more than 5 % of its pixels above black are 255. Near duplicates are an image and its
    nearest neighbour among other subjects, or in other splits, that correlate by 0.99 or more; where one is in train
    and one in test, the test is not held out.
    """
    seen = [Seen(record, split) for split, records in splits.items() for record in records]
    thumbs = np.zeros((len(seen), THUMB * THUMB), np.float32)
    digests: dict[str, list[str]] = {split: [] for split in splits}
    shares = []
    for i, one in enumerate(seen):
        image = np.asarray(one.record.image)
        thumbs[i] = _unit(_thumb(image))
        digests[one.split].append(hashlib.sha256(image.tobytes()).hexdigest())
        shares.append(np.count_nonzero(image == 255) / max(1, np.count_nonzero(image)))
    clipped = [i for i, share in enumerate(shares) if share > CLIPPED]
    near = near_duplicates(thumbs, seen)
    pairs = [(seen[a], seen[b]) for a, b, _ in near]
    manifest = {
        "checked": len(seen),
        "clipped_count": len(clipped),
        "clipped": [{**seen[i].row, "share": round(shares[i], 3)} for i in clipped[:MOST_ROWS]],
        "near_duplicates_count": len(near),
        "near_duplicates_across_splits": sum(a.split != b.split for a, b in pairs),
        "near_duplicates": [
            {"a": seen[a].row, "b": seen[b].row, "correlation": round(r, 4)} for a, b, r in near[:MOST_ROWS]
        ],
    }
    return Report(manifest, digests, [seen[i] for i in clipped], pairs)


def near_duplicates(thumbs: np.ndarray, seen: Sequence[Seen]) -> list[tuple[int, int, float]]:
    """(a, b, correlation) of images that nearly equal one of another subject, the closest first.

    Each image is compared in full with its nearest neighbour by thumbnail among other subjects, and with the nearest
    in other splits, which a nearer one in its own split must not hide. Memory does not grow with N squared.

    Args:
        thumbs: float32 (N, d), rows of mean 0 and length 1.
        seen: The N images.
    """
    subjects, sides = (
        np.unique(names, return_inverse=True)[1]
        for names in ([one.record.subject for one in seen], [one.split for one in seen])
    )
    found: dict[tuple[int, int], float] = {}
    block = max(1, BLOCK_ELEMENTS // max(1, len(thumbs)))
    for start in range(0, len(thumbs), block):
        alike = thumbs[start : start + block] @ thumbs.T
        for group in (subjects, sides):
            alike[group[start : start + block, None] == group[None]] = -1
            for row in np.flatnonzero(alike.max(axis=1) >= CANDIDATE):
                pair = tuple(sorted((start + int(row), int(alike[row].argmax()))))
                if pair not in found:
                    first, second = (_unit(np.asarray(seen[i].record.image, np.float32)) for i in pair)
                    found[pair] = float(first @ second)
    kept = [(a, b, r) for (a, b), r in found.items() if r >= NEAR]
    return sorted(kept, key=lambda one: (-one[2], one[:2]))


def draw(path: Path, splits: Mapping[str, Sequence[SliceRecord]], report: Report) -> None:
    """A contact sheet (PNG): images from all through each split, what is clipped, then pairs of near duplicates."""
    from PIL import Image, ImageDraw

    columns, tile, gap = 12, 96, 14
    rows: list[tuple[str, list[SliceRecord]]] = []
    for split, records in splits.items():
        at = np.linspace(0, len(records) - 1, min(len(records), 2 * columns)).astype(int)
        rows.append((f"{split}: {len(records)} images", [records[i] for i in at]))
    n, across = report.manifest["near_duplicates_count"], report.manifest["near_duplicates_across_splits"]
    rows.append((f"clipped: {len(report.clipped)}", [one.record for one in report.clipped[:columns]]))
    both = [one.record for pair in report.pairs[:columns] for one in pair]
    rows.append((f"near duplicates of other subjects, by pairs: {n}, {across} of them across splits", both))
    lines = [
        (title, images[i : i + columns])
        for title, images in rows
        for i in range(0, max(1, len(images)), columns)
    ]
    sheet = Image.new("L", (columns * tile, sum(gap + (tile if images else 0) for _, images in lines)))
    pen, top, last_title = ImageDraw.Draw(sheet), 0, ""
    for title, images in lines:
        pen.text((2, top + 1), title if title != last_title else "", fill=255)
        last_title, top = title, top + gap
        for i, record in enumerate(images):
            picture = Image.fromarray(np.asarray(record.image)).resize((tile - 2, tile - 2))
            sheet.paste(picture, (i * tile, top))
        top += tile if images else 0
    sheet.save(path)


def _thumb(image: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((THUMB, THUMB), Image.Resampling.BOX), np.float32)


def _unit(image: np.ndarray) -> np.ndarray:
    flat = image.ravel() - image.mean()
    return flat / max(float(np.linalg.norm(flat)), 1e-6)
