"""A prepared set in the forms that other tools read: image folder, Parquet, and Croissant beside the Parquet.

Croissant (mlcommons.org/croissant) is a JSON-LD description of the Parquet files; see ``croissant``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mribench.data.cards import pseudonyms, terms
from mribench.data.split import SPLITS
from mribench.data.store import croissant
from mribench.errors import InputError
from mribench.files import new_folder
from mribench.spec import Prepared

# what datasets' image folder and Parquet builders call the column of pictures
IMAGE = "image"


def export(prepared: Prepared, to: str, out: Path) -> Path:
    """Write ``out``: images with subject, slice and split, README.md, terms.json and split.json.

    Where subject ids may not be published they are salted hashes, and file names, which hold them, are left out.

    Args:
        prepared: The set.
        to: ``imagefolder`` (``<split>/*.png`` and metadata.csv), ``parquet`` (``<split>.parquet``) or ``croissant``
            (Parquet and croissant.json); ``datasets.load_dataset`` reads the first two.
        out: A new folder, or an empty one.

    Raises:
        InputError: For another format, and where ``out`` holds something.
    """
    check(to, out)
    if out.exists():
        out.rmdir()
    with new_folder(out, is_valid=lambda found: True) as folder:
        WRITERS[to](prepared, folder)
        rows = terms.of_prepared(prepared)
        _json(folder / "terms.json", rows)
        _json(folder / "split.json", pseudonyms.split_table(prepared))
        (folder / "README.md").write_text(readme(prepared, rows, to), encoding="utf-8")
    return out


def check(to: str, out: Path) -> None:
    """Raise InputError for a format that is not written, and where ``out`` holds something."""
    if to not in WRITERS:
        raise InputError(f"unknown format {to!r}; expected one of {', '.join(WRITERS)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is there already; choose another --out")


def tables(prepared: Prepared) -> Mapping[str, Any]:
    """split -> pyarrow table: image (struct of PNG bytes and path), subject as it may be shown, slice, source."""
    import pyarrow as pa
    from datasets import load_from_disk

    shown = pseudonyms.aliases(prepared)
    found = {}
    for name in SPLITS:
        table = load_from_disk(str(prepared.path))[name].data.table
        subjects = pa.array([shown[s] for s in table["subject"].to_pylist()], pa.string())
        table = table.set_column(table.column_names.index("subject"), "subject", subjects)
        if not pseudonyms.may_show_ids(prepared):
            hidden = pa.array([""] * len(table), pa.string())
            table = table.set_column(table.column_names.index("source"), "source", hidden)
        found[name] = table
    return found


def readme(prepared: Prepared, rows: list[terms.Row], to: str) -> str:
    """A Hugging Face dataset card: licence first, what may be done, what it was made from."""
    names = {name for row in rows for name in terms.licence_ids(row["licence"])}
    licence = names.pop() if len(names) == 1 and terms.flags_of_licence(rows[0]["licence"]) else None
    head = ["---", f"license: {licence.lower() if licence else 'other'}"]
    if to != "imagefolder":
        head += ["configs:", "- config_name: default", "  data_files:"]
        head += [f"  - split: {name}\n    path: {name}.parquet" for name in SPLITS]
    lines = [*head, "---", "", f"# {prepared.name}, prepared by mribench", "", "## Terms", ""]
    for row in rows:
        lines += [f"- {row['data']}: {row['licence']}; cite: {row['citation']}; {row['homepage']}"]
    if any(row["derived"] is not True for row in rows):
        lines += [
            "",
            "**Do not pass this folder on**: the terms above forbid it, or are unverified.",
        ]
    manifest = prepared.manifest
    counts = ", ".join(
        f"{name} {len(getattr(prepared, name))} ({getattr(prepared, name).n_subjects} subjects)"
        for name in SPLITS
    )
    size = manifest["size"]
    lines += ["", "## Content", "", f"{size} x {size}, 8 bit; {counts}. Key {prepared.key}.", ""]
    if not manifest.get("subjects_known", True):
        lines += ["Subjects unknown: images of one person may be in several splits.", ""]
    lines += [
        "The split is by subject (split.json). Windowed per volume and resized once; not for clinical use."
    ]
    return "\n".join(lines) + "\n"


def _imagefolder(prepared: Prepared, folder: Path) -> None:
    for name, table in tables(prepared).items():
        (folder / name).mkdir()
        rows = table.to_pylist()
        with (folder / name / "metadata.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["file_name", "subject", "slice", "source"])
            for i, row in enumerate(rows):
                file = f"{i:06d}.png"
                (folder / name / file).write_bytes(row[IMAGE]["bytes"])
                writer.writerow([file, row["subject"], row["slice"], row["source"]])


def _parquet(prepared: Prepared, folder: Path) -> None:
    import pyarrow.parquet as pq

    for name, table in tables(prepared).items():
        # small groups, so that a reader need not hold a whole split
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=100)


def _croissant(prepared: Prepared, folder: Path) -> None:
    _parquet(prepared, folder)
    _json(folder / "croissant.json", croissant.of_prepared(prepared, folder))


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


WRITERS: dict[str, Callable[[Prepared, Path], None]] = {
    "imagefolder": _imagefolder,
    "parquet": _parquet,
    "croissant": _croissant,
}
