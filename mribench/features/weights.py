"""Fetch one weights file, once, verified before it gets its final name."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from mribench import hashing

OFFLINE_VARIABLES = ("MRIBENCH_OFFLINE", "HF_HUB_OFFLINE")
TIMEOUT_S = 5.0


@cache
def download(url: str, target: Path, sha256: str) -> str | None:
    """Download ``url`` to ``target``; None when it is there with that sha256, else the reason as a phrase.

    Tried once per process, so that a machine without a network loses the five seconds once, not once per
    score. Nothing is tried where ``MRIBENCH_OFFLINE`` or ``HF_HUB_OFFLINE`` is set.
    """
    for variable in OFFLINE_VARIABLES:
        if os.environ.get(variable, "").strip().lower() in ("1", "true", "yes", "on"):
            return f"{variable} forbids the download"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            partial = Path(folder) / target.name
            with urlopen(url, timeout=TIMEOUT_S) as response, partial.open("wb") as file:
                shutil.copyfileobj(response, file)
            found = hashing.file_sha256(partial)
            if found != sha256:
                return f"the download has sha256 {found} in place of {sha256}"
            partial.replace(target)
    except (OSError, HTTPException) as error:
        return f"the download failed: {error}"
    return None
