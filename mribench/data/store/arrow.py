"""The Hugging Face ``datasets`` format: records to a folder that ``load_from_disk`` reads, and back.

Both ways go by batches: a set of any size passes through a few megabytes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mribench.data.slices import SliceRecord
from mribench.data.split import SPLITS
from mribench.hashing import file_sha256
from mribench.spec import Split

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 200
# bytes; a larger split is kept in a file that the system pages in and out, a smaller one in memory
LARGEST_IN_MEMORY = 256 << 20


def write_splits(folder: Path, splits: Mapping[str, Sequence[SliceRecord]]) -> None:
    """Save the records as a ``DatasetDict`` with the columns image (8-bit PNG), subject, slice and source."""
    from datasets import Dataset, DatasetDict, Features, Image, Value

    features = Features(
        {"image": Image(), "subject": Value("string"), "slice": Value("int32"), "source": Value("string")}
    )
    # ``datasets`` writes everything but the rows, which it would want all at once
    empty = Dataset.from_dict({name: [] for name in features}, features=features)
    with _quiet():
        DatasetDict(dict.fromkeys(SPLITS, empty)).save_to_disk(str(folder))
    for name in SPLITS:
        state_file = folder / name / "state.json"
        state = json.loads(state_file.read_text(encoding="utf-8"))
        shard = folder / name / "data-00000-of-00001.arrow"
        _write_rows(shard, splits[name], features.arrow_schema)
        # ``datasets`` remembers what it computes by this fingerprint: other rows need another one
        state |= {"_data_files": [{"filename": shard.name}], "_fingerprint": file_sha256(shard)[:16]}
        state_file.write_text(json.dumps(state, indent=2), encoding="utf-8")


def read_split(path: Path, name: str, size: int, update: Callable[[bytes], None] | None = None) -> Split:
    """One split of a folder that ``write_splits`` made; the caller has proved the files (sha256).

    Args:
        path: The folder.
        name: The split.
        size: Side of the images.
        update: Given what the content key holds of the split: its ``head``, then the bytes of every image in order.
    """
    from PIL import Image

    update = update or (lambda _: None)
    subjects = tuple(subject for batch in _batches(path, name, "subject") for subject in batch)
    images = _Images((len(subjects), size, size), path.parent)
    update(head(name, (len(subjects), size, size), subjects))
    for batch in _batches(path, name, "image"):
        for row in batch:
            image = np.asarray(Image.open(io.BytesIO(row["bytes"])), dtype=np.uint8)
            images.append(image)
            update(image.tobytes())
    return Split(images.finished(), subjects)


def rows(path: Path, split: str) -> list[tuple[str, int, str]]:
    """(subject, slice, source) of every image of a split, in order."""
    columns = (
        [value for batch in _batches(path, split, name) for value in batch]
        for name in ("subject", "slice", "source")
    )
    return list(zip(*columns, strict=True))


def column(path: Path, name: str) -> Iterator[Any]:
    """Every value of a column, over all splits: ``subject``, ``slice`` or ``source``."""
    return (value for split in SPLITS for batch in _batches(path, split, name) for value in batch)


def head(name: str, shape: Sequence[int], subjects: Sequence[str]) -> bytes:
    """The bytes that precede the pixels of a split in the content key."""
    return json.dumps([name, list(shape), list(subjects)]).encode()


class _Images:
    """A uint8 (N, H, W) array that is filled in order, in memory or in a nameless file."""

    def __init__(self, shape: tuple[int, ...], folder: Path) -> None:
        large = int(np.prod(shape)) > LARGEST_IN_MEMORY
        # the system's own folder for such files is memory on many machines
        where = folder if os.access(folder, os.W_OK) else None
        self._shape = shape
        self._file = tempfile.TemporaryFile(dir=where) if large else None  # noqa: SIM115
        self._array = None if large else np.empty(shape, np.uint8)
        self._n = 0

    def append(self, image: np.ndarray) -> None:
        # written and not mapped: pages that are mapped would count as memory of this process
        if self._file is not None:
            self._file.write(image.tobytes())
        else:
            self._array[self._n] = image
        self._n += 1

    def finished(self) -> np.ndarray:
        if self._file is None:
            return self._array
        self._file.flush()
        return np.memmap(self._file, np.uint8, "r+", shape=self._shape)


def _write_rows(path: Path, records: Sequence[SliceRecord], schema: pa.Schema) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for start in range(0, len(records), BATCH):
            batch = records[start : start + BATCH]
            columns = {
                "image": [{"bytes": _png(np.asarray(record.image)), "path": None} for record in batch],
                "subject": [record.subject for record in batch],
                "slice": [record.slice for record in batch],
                "source": [record.source for record in batch],
            }
            writer.write_table(pa.Table.from_pydict(columns, schema=schema))


def _batches(path: Path, name: str, column: str) -> Iterator[list[Any]]:
    # pyarrow alone: importing datasets takes longer than reading a thousand images
    import pyarrow as pa

    shards = json.loads((path / name / "state.json").read_text(encoding="utf-8"))["_data_files"]
    for shard in shards:
        with pa.OSFile(str(path / name / shard["filename"])) as source, pa.ipc.open_stream(source) as reader:
            for batch in reader:
                yield batch.column(reader.schema.get_field_index(column)).to_pylist()


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
