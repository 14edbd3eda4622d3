"""Result records: one JSON file per cell and task in a run folder, one compressed file per organ in a kept board.

``record`` is the record itself, ``digest`` shows whether it was edited, ``folder`` has the JSON files, ``kept`` the
compressed files. Whatever is read passes ``record.from_json``. A new field of Result needs a default there; never
change the meaning of an old one.
"""

from mribench.results.folder import PATTERNS, add, copy, file_of, holds, path_of, read, read_all, write
from mribench.results.record import CONTROLS, RENAMED_TASKS, SCHEMA, Result, metric_label, sort_key

__all__ = [
    "CONTROLS",
    "PATTERNS",
    "RENAMED_TASKS",
    "SCHEMA",
    "Result",
    "add",
    "copy",
    "file_of",
    "holds",
    "metric_label",
    "path_of",
    "read",
    "read_all",
    "sort_key",
    "write",
]
