"""Feature spaces for distribution metrics, and the extractor that remembers what it has already seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.spec import FeatureSpace


class Extractor:
    """Features by space and images, each set of images taken through a space once."""

    def __init__(self, spaces: Mapping[str, FeatureSpace]):
        self.spaces = dict(spaces)
        self._loaded: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
        self._seen: dict[tuple[str, str], np.ndarray] = {}
        self._made: dict[str, Any] = {}

    def __call__(self, space: str, images: np.ndarray) -> np.ndarray:
        """float64 (N, dim) of uint8 images (N, H, W). Raises Unavailable where the space cannot be loaded."""
        if space not in self._loaded:
            self._loaded[space] = self.spaces[space].load()
        content = hashlib.sha256(np.ascontiguousarray(images)).hexdigest()
        if (space, content) not in self._seen:
            self._seen[space, content] = self._loaded[space](images.astype(np.float32) / 255)
        return self._seen[space, content]

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What ``make`` gives, made once for each key: for what depends on the data alone, in a run of many cells."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]
