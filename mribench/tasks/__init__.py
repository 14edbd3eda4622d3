"""Tasks: what is asked of a trained variant."""

import numpy as np


def to_uint8(images: np.ndarray) -> np.ndarray:
    """[0, 1] -> uint8, rounded: what is stored, and what is scored, is what anyone can read back."""
    return np.clip(np.rint(np.asarray(images) * 255), 0, 255).astype(np.uint8)
