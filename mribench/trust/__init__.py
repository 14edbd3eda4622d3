"""Whether a feature space may rank: it must ignore what no eye can see and notice what any eye can.

The subjects of a real set are split in two halves A and B, 100 times. The kernel distance of A to B is the floor; A is
then changed and compared with B again. A change is noticed where the mean of its distances lies above the 97.5 %
quantile of the floor. The whole set gives the scale of the space. More images make the floor narrower and the test of
what is invisible harder, so at most 500 are taken, which is what a quick board rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files, hashing
from mribench.code_hash import code_hash
from mribench.errors import InputError, Unavailable
from mribench.metrics.distribution import KD, kernel_distance_on_subsets
from mribench.seeds import numpy_rng
from mribench.spec import FeatureSpace, Prepared
from mribench.trust.changes import CHOSEN, INVISIBLE, VISIBLE

SPLITS = 100
QUANTILE = 97.5
FEWEST = 20  # subjects: below, the halves of the real set differ by chance more than anything shows
MOST = 500  # images


@dataclass(frozen=True)
class Response:
    """What one change does. distance: mean KD (1e-3) over the splits; ratio: its excess over the mean floor, in units
    of the floor's own 97.5 % quantile above that mean. passed: above 1 for a visible change, else not above 1.
    """

    change: str
    visible: bool
    distance: float
    ratio: float
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """What a space is worth on one set of images. floor, floor_high: mean and 97.5 % quantile of KD (1e-3), half
    against half.
    """

    space: str
    images: int
    subjects: int
    floor: float
    floor_high: float
    responses: tuple[Response, ...]

    @property
    def trusted(self) -> bool:
        return all(response.passed for response in self.responses)

    @property
    def reason(self) -> str | None:
        """What speaks against the space, in a phrase; None where nothing does."""
        failed = [r for r in self.responses if not r.passed]
        seen = [f"{r.change} ({r.ratio:.1f})" for r in failed if not r.visible]
        missed = [f"{r.change} ({r.ratio:.1f})" for r in failed if r.visible]
        words = [f"notices what no eye sees: {', '.join(seen)}"] if seen else []
        words += [f"misses what any eye sees: {', '.join(missed)}"] if missed else []
        return "; ".join(words) or None

    def record(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self) | {"trusted": self.trusted, "reason": self.reason}


def examine(space: FeatureSpace, images: np.ndarray, subjects: Sequence[str]) -> Verdict:
    """The verdict on a space for real images, uint8 (N, H, W), and their subjects.

    Raises InputError below 20 subjects, and what loading the space raises.
    """
    images, subjects = _some(images, np.asarray(subjects))
    names = np.unique(subjects)
    if len(names) < FEWEST:
        raise InputError(f"{len(names)} subjects are too few to say what a feature space sees: give {FEWEST}")
    extract = space.load()
    rng = numpy_rng("trust")
    real = extract(images.astype(np.float32) / 255)
    halves = np.stack([np.isin(subjects, rng.permutation(names)[: len(names) // 2]) for _ in range(SPLITS)])
    along = _first_component(images)

    def distance(features: np.ndarray, ours: np.ndarray) -> np.ndarray:
        """KD of each half, as ``ours`` has it, to the unchanged other half: (SPLITS,)."""
        return kernel_distance_on_subsets(features, real, real, space)(ours, ~halves) * KD.scale

    distances = {"floor": distance(real, halves)}
    for name, change in {**INVISIBLE, **VISIBLE}.items():
        distances[name] = distance(extract(change(images, rng).astype(np.float32) / 255), halves)
    for name, choose in CHOSEN.items():
        distances[name] = distance(real, np.stack([choose(half, along) for half in halves]))
    floor = float(np.mean(distances["floor"]))
    high = float(np.percentile(distances["floor"], QUANTILE))
    responses = tuple(
        _response(name, name not in INVISIBLE, float(np.mean(values)), floor, high)
        for name, values in distances.items()
        if name != "floor"
    )
    return Verdict(space.name, len(images), len(names), floor, high, responses)


def of_prepared(space: FeatureSpace, data: Prepared, folder: Path) -> dict[str, Any]:
    """``Verdict.record`` for the images of all splits, kept in ``folder``; trusted None with the reason without one."""
    name = hashing.json_hash([data.key, space.identity(), code_hash(examine, space.load)])
    path = folder / f"trust_{space.name}_{name}.json"
    if path.is_file():
        return files.read_json(path)
    splits = data.train, data.validation, data.test
    images = np.concatenate([split.images for split in splits])
    try:
        record = examine(space, images, sum((split.subjects for split in splits), ())).record()
    except (InputError, Unavailable) as reason:
        return {"space": space.name, "trusted": None, "reason": str(reason)}
    files.write_json(path, record)
    return record


def _some(images: np.ndarray, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most 500 images, every subject before a second image of any."""
    turn = np.zeros(len(subjects), int)
    for name in np.unique(subjects):
        turn[subjects == name] = np.arange((subjects == name).sum())
    kept = np.sort(np.argsort(turn, kind="stable")[:MOST])
    return images[kept], subjects[kept]


def _first_component(images: np.ndarray) -> np.ndarray:
    """Place of each image along the first principal component of the pixels, (N,)."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    flat -= flat.mean(0)
    values, vectors = np.linalg.eigh(flat @ flat.T)
    return vectors[:, -1] * np.sqrt(values[-1].clip(min=0))


def _response(change: str, visible: bool, distance: float, floor: float, high: float) -> Response:
    ratio = (distance - floor) / max(high - floor, 1e-9)
    return Response(change, visible, distance, ratio, (ratio > 1) == visible)
