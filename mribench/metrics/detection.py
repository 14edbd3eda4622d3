"""How well a number tells strange images from one's own."""

from __future__ import annotations

import numpy as np

from mribench.spec import Metric


def placements(own: np.ndarray, strange: np.ndarray) -> np.ndarray:
    """float64 (N,): for each own image the share of strange ones with a larger number, equal ones counting half.

    The mean is the area under the receiver operating characteristic (Hanley & McNeil 1982).

    Args:
        own: float64 (N,).
        strange: float64 (M,).
    """
    larger = (strange > own[:, None]).mean(1)
    return larger + (strange == own[:, None]).mean(1) / 2


AUROC = Metric(
    name="auroc",
    title="Area under the ROC curve",
    unit="",
    direction="up",
    range=(0.0, 1.0),
    kind="detection",
    compute=placements,
    version=1,
    paper="Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747",
)
