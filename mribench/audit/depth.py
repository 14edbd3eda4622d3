"""How near is the nearest of all? One exact copy among many generated images lies far below every held-out image.

Copies that are counted must be many: a patient who is given back once in a hundred images stays unseen. How near that
image comes tells it. Of points of intrinsic dimension d the ratio of the distances to the nearest and to the second
nearest neighbour is below x with probability x^d (Facco et al. 2017, doi:10.1038/s41598-017-11873-y), so that
-log(ratio), the depth, has an exponential tail. Its scale is measured on held-out subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

TAIL = 0.2  # share of the held-out subjects, the deepest, on which the tail is measured
SMALLEST = 0.01  # a smaller ratio is rounding


def depth(
    ratios: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    subjects: Sequence[str],
    independent: float,
) -> dict[str, Any]:
    """How often an honest generator's images would come as near to one subject as the nearest of these.

    Args:
        ratios: neighbour ratios by kind, float64 (n,), of generated images.
        held_out: the same kinds, float64 (m,), of real held-out images.
        subjects: subject of each held-out image.
        independent: how many independent values the held-out ones are worth, at most their subjects.

    Returns:
        ``p``, over all kinds. Of the kind that decides: ``kind``, ``ratio``, the smallest of the generated images, and
        ``ratio_held_out``, that of the held-out ones.
    """
    _, which = np.unique(np.asarray(subjects), return_inverse=True)
    chances = {kind: _chance(values, held_out[kind], which, independent) for kind, values in ratios.items()}
    kind = min(chances, key=chances.__getitem__)
    return {
        "p": min(1.0, len(chances) * chances[kind]),
        "kind": kind,
        "ratio": float(ratios[kind].min()),
        "ratio_held_out": float(held_out[kind].min()),
    }


def _chance(ratios: np.ndarray, held_out: np.ndarray, which: np.ndarray, independent: float) -> float:
    """The chance that one of n new ratios lies as low as the lowest of these, at most 1.

    Beyond the depth of the k-th deepest subject depths are exponential. With a scale estimated from k of them a new one
    lies y or more beyond with probability (1 + y / sum)^-k, a Lomax law. A subject's depth is that of its deepest
    image: a new image, being single, lies less deep.
    """
    deepest = np.zeros(which.max() + 1)
    np.maximum.at(deepest, which, _depth(held_out))
    deepest = np.sort(deepest)[::-1]
    tail, worth = max(1, round(TAIL * len(deepest))), independent / len(deepest)
    if tail == len(deepest):
        return 1.0
    beyond = _depth(ratios).max() - deepest[tail]
    excess = worth * (deepest[:tail] - deepest[tail]).sum()
    if beyond <= 0 or excess <= 0:
        return 1.0
    in_tail = (worth * tail + 1) / (independent + 1)
    return min(1.0, float(len(ratios) * in_tail * (1 + beyond / excess) ** (-worth * tail)))


def _depth(ratios: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(ratios, SMALLEST))
