"""Feature spaces for distribution metrics, one module each, and the extractor that caches features.

A new space is a module here, or a plugin's, with an entry point in ``mribench.features``. A recipe never changes under
its name: ``hc85-v1`` stays, an improved one is ``hc85-v2``.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files, hashing
from mribench.code_hash import code_hash
from mribench.errors import Unavailable
from mribench.spec import FeatureSpace


class Extractor:
    """Features by space and images; each set of images passes through a space once.

    Args:
        spaces: by name.
        folder: cache for the next run, None for memory alone. A file is named by the content of the images, the
            identity of the space and the code behind it.
    """

    def __init__(self, spaces: Mapping[str, FeatureSpace], folder: Path | None = None):
        self.spaces = dict(spaces)
        self.folder = folder
        self._loaded: dict[str, Callable[[np.ndarray], np.ndarray] | Unavailable] = {}
        self._seen: dict[tuple[str, str], np.ndarray] = {}
        self._made: dict[str, Any] = {}

    def __call__(self, space: str, images: np.ndarray) -> np.ndarray:
        """float64 (N, dim) of uint8 images (N, H, W). Raises Unavailable where the space cannot be loaded."""
        content = _content(images)
        if (space, content) not in self._seen:
            self._seen[space, content] = self._cached(space, content, images)
        return self._seen[space, content]

    def forget(self, images: np.ndarray) -> None:
        """Drop what is remembered of images that will not come again."""
        content = _content(images)
        self._seen = {key: features for key, features in self._seen.items() if key[1] != content}

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """The result of ``make``, called once for each key: for values that depend on the data alone."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _cached(self, space: str, content: str, images: np.ndarray) -> np.ndarray:
        if self.folder is None:
            return self._extracted(space, images)
        path = self.folder / f"{space}_{self._key(space, content)}.npy"
        features = _read(path, len(images))
        if features is None:
            features = self._extracted(space, images)
            buffer = io.BytesIO()
            np.save(buffer, features, allow_pickle=False)
            files.write_sealed(path, buffer.getvalue())
        return features

    def _key(self, space: str, content: str) -> str:
        source = self.spaces[space]
        return hashing.json_hash([source.identity(), code_hash(source.load), content])

    def _extracted(self, space: str, images: np.ndarray) -> np.ndarray:
        if space not in self._loaded:
            try:
                self._loaded[space] = self.spaces[space].load()
            except Unavailable as reason:
                # missing weights are looked for once, not once per score
                self._loaded[space] = reason
        extract = self._loaded[space]
        if isinstance(extract, Unavailable):
            raise extract
        return extract(images.astype(np.float32) / 255)


def _content(images: np.ndarray) -> str:
    return hashlib.sha256(f"{images.shape}".encode() + np.ascontiguousarray(images).tobytes()).hexdigest()


def _read(path: Path, n: int) -> np.ndarray | None:
    """Cached features of n images; None where there are none, or none as they were written."""
    content = files.read_sealed(path)
    if content is None:
        return None
    try:
        features = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return features if features.ndim == 2 and len(features) == n and np.isfinite(features).all() else None
