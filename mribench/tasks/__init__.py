"""Tasks: what is asked of a trained variant."""

import numpy as np

from mribench.audit.losses import equal_by_subject
from mribench.errors import MribenchError

__all__ = ["equal_by_subject", "to_uint8"]

TOLERANCE = 1e-3


def to_uint8(images: np.ndarray) -> np.ndarray:
    """[0, 1] -> uint8, rounded: what is stored, and what is scored, is what anyone can read back.

    Raises MribenchError for NaN or values beyond 1e-3 outside [0, 1]: clipping them would score another model.
    """
    images = np.asarray(images)
    low, high = images.min(initial=0), images.max(initial=1)
    if not (np.isfinite(images).all() and low >= -TOLERANCE and high <= 1 + TOLERANCE):
        raise MribenchError(
            f"a model gave grey values from {low:.3g} to {high:.3g}, or NaN; expected finite values in [0, 1]: "
            "mend the variant's or control's output"
        )
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
