"""Smooth blobs, three images to a subject, and label maps of their bright parts."""

from pathlib import Path

import numpy as np
import pytest

from mribench.spec import Field, Prepared, Split

SIDE = 32


@pytest.fixture
def fresh() -> Prepared:
    """Blobs that a test may change."""
    return blobs()


@pytest.fixture(scope="session")
def data() -> Prepared:
    """Blobs that no test changes."""
    return blobs()


def blobs() -> Prepared:
    """24, 6 and 12 images for training, validation and test."""

    def split(name: str, n: int, seed: int) -> Split:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:SIDE, :SIDE] / SIDE
        centre, width = rng.uniform(0.3, 0.7, (n, 2, 1, 1)), rng.uniform(0.05, 0.2, (n, 1, 1))
        shapes = np.exp(-((x - centre[:, 0]) ** 2 + (y - centre[:, 1]) ** 2) / width)
        images = (shapes * 220 + rng.uniform(0, 20, (n, SIDE, SIDE))).astype(np.uint8)
        fields = {"labels": (images > 120).astype(np.uint8)}
        return Split(images, tuple(f"{name}{i // 3}" for i in range(n)), fields=fields)

    parts = {
        name: split(name, n, i)
        for i, (name, n) in enumerate((("train", 24), ("validation", 6), ("test", 12)))
    }
    meaning = {"labels": Field("labels", "labels", ("background", "bright"))}
    return Prepared(
        Path(), "0" * 64, "made up", "phantom", **parts, fields=meaning, field_keys={"labels": "0" * 64}
    )
