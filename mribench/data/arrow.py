"""The Hugging Face ``datasets`` format: records to a folder that ``load_from_disk`` reads, and back."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mribench.data.prepare import SliceRecord
from mribench.data.split import SPLITS
from mribench.spec import Split


def write_splits(folder: Path, splits: Mapping[str, Sequence[SliceRecord]]) -> None:
    """Save the records as a ``DatasetDict`` with the columns image (8-bit PNG), subject, slice and source."""
    from datasets import Dataset, DatasetDict, Features, Image, Value

    features = Features(
        {"image": Image(), "subject": Value("string"), "slice": Value("int32"), "source": Value("string")}
    )
    columns = {
        name: {
            "image": [{"bytes": _png(record.image), "path": None} for record in splits[name]],
            "subject": [record.subject for record in splits[name]],
            "slice": [record.slice for record in splits[name]],
            "source": [record.source for record in splits[name]],
        }
        for name in SPLITS
    }
    tables = {name: Dataset.from_dict(column, features=features) for name, column in columns.items()}
    with _quiet():
        DatasetDict(tables).save_to_disk(str(folder))


def read_split(path: Path, name: str) -> Split:
    """One split of a folder that ``write_splits`` made; the caller has proved the files (sha256)."""
    # pyarrow alone: importing datasets takes longer than reading a thousand images
    import pyarrow as pa
    from PIL import Image

    shards = json.loads((path / name / "state.json").read_text(encoding="utf-8"))["_data_files"]
    tables = [
        pa.ipc.open_stream((path / name / shard["filename"]).read_bytes()).read_all() for shard in shards
    ]
    table = pa.concat_tables(tables)
    encoded = [row["bytes"] for row in table["image"].to_pylist()]
    images = [np.asarray(Image.open(io.BytesIO(data)), dtype=np.uint8) for data in encoded]
    return Split(np.stack(images), tuple(table["subject"].to_pylist()))


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """``datasets`` draws a bar per split; only the run's own progress is wanted."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
