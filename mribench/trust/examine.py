"""The test of one feature space on one set of real images.

The subjects are split in two halves A and B, 100 times. The kernel distance of A to B is the floor; A is then changed
and compared with B again. A change is noticed where the mean of its distances lies above the 97.5 % quantile of the
floor. The whole set gives the scale of the space. More images make the floor narrower and the test with invisible
changes harder, so at most 500 are taken, as many as a quick board rests on.

Changes that are local or of the layout are reported: a space that misses them may rank, and is said to be blind to
them.
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
from mribench.metrics.significance import FEW_SUBJECTS
from mribench.seeds import numpy_rng
from mribench.spec import FeatureSpace, Prepared
from mribench.trust import changes
from mribench.trust.changes import CHOSEN, HALVES, INVISIBLE, REPORTED, UPSIDE_DOWN, VISIBLE

HALVINGS = 100
QUANTILE = 97.5
MAX_IMAGES = 500


@dataclass(frozen=True)
class Response:
    """How a space responds to one change."""

    change: str
    visible: bool
    distance: float  # mean KD (1e-3) over the halvings
    ratio: float  # its excess over the mean floor, in units of the floor's 97.5 % quantile above that mean
    passed: bool  # the ratio is above 1 for a visible change, not above 1 for an invisible one
    required: bool = True  # of a space that may rank; False: reported


@dataclass(frozen=True)
class SpaceTrust:
    """Whether a space may rank one set of images, and why."""

    space: str
    images: int
    subjects: int
    floor: float  # mean KD (1e-3) of one half to the other
    floor_high: float  # 97.5 % quantile of the same
    responses: tuple[Response, ...]
    no_up: bool = False  # upside down is no change of these images, and not asked

    @property
    def trusted(self) -> bool:
        return all(response.passed for response in self.responses if response.required)

    @property
    def blind_to(self) -> tuple[str, ...]:
        """The reported changes that the space does not notice."""
        return tuple(r.change for r in self.responses if not r.required and not r.passed)

    @property
    def reason(self) -> str | None:
        """Why the space may not rank, in a phrase; None where it may."""
        failed = [r for r in self.responses if r.required and not r.passed]
        seen = [f"{r.change} ({r.ratio:.1f})" for r in failed if not r.visible]
        missed = [f"{r.change} ({r.ratio:.1f})" for r in failed if r.visible]
        phrases = [f"notices what no eye sees: {', '.join(seen)}"] if seen else []
        phrases += [f"misses what any eye sees: {', '.join(missed)}"] if missed else []
        return "; ".join(phrases) or None

    def record(self) -> dict[str, Any]:
        """JSON-serialisable."""
        said = {"trusted": self.trusted, "reason": self.reason, "blind_to": list(self.blind_to)}
        return asdict(self) | said


def examine(space: FeatureSpace, images: np.ndarray, subjects: Sequence[str]) -> SpaceTrust:
    """Test a space on real images.

    Args:
        space: the feature space.
        images: uint8 (N, H, W).
        subjects: subject of each image.

    Raises:
        InputError: fewer than 20 subjects; or what loading the space raises.
    """
    images, subjects = _sample(images, np.asarray(subjects))
    names = np.unique(subjects)
    # halves of fewer subjects differ by chance more than any change shows
    if len(names) < FEW_SUBJECTS:
        raise InputError(
            f"{len(names)} subjects are too few to say what a feature space sees: give {FEW_SUBJECTS}"
        )
    extract = space.load()
    rng = numpy_rng("trust")
    real = extract(images.astype(np.float32) / 255)
    halves = np.stack([np.isin(subjects, rng.permutation(names)[: len(names) // 2]) for _ in range(HALVINGS)])
    position = _first_component(images)

    def distance(features: np.ndarray, counts: np.ndarray, others: np.ndarray = ~halves) -> np.ndarray:
        """KD of each changed half to the unchanged other half, (HALVINGS,); counts: how often each image is taken."""
        # all pairs count, also those of one subject: both halves have them, and so has the floor
        return kernel_distance_on_subsets(features, real, real, space)(counts, others) * KD.scale

    distances = {"floor": distance(real, halves)}
    for name, change in {**INVISIBLE, **VISIBLE}.items():
        distances[name] = distance(extract(change(images, rng).astype(np.float32) / 255), halves)
    for name, choose in CHOSEN.items():
        distances[name] = distance(real, np.stack([choose(half, position) for half in halves]))
    upright = changes.have_an_up(images, subjects)
    for name, change in REPORTED.items():
        if upright or name != UPSIDE_DOWN:
            distances[name] = distance(extract(change(images, rng).astype(np.float32) / 255), halves)
    other = of_another_subject(subjects, rng)
    mixed = extract(changes.halves_of_two(images, images[other]).astype(np.float32) / 255)
    # both patients are of the changed half: one of the other half would bring the two nearer
    changed = halves & halves[:, other]
    # of few images a half may hold no two of such pairs, which have no distance
    some = changed.sum(1) >= 2
    distances[HALVES] = distance(mixed, changed[some], ~halves[some])
    floor = float(np.mean(distances["floor"]))
    high = float(np.percentile(distances["floor"], QUANTILE))
    responses = tuple(
        _response(
            name, name not in INVISIBLE, float(np.mean(values)), floor, high, name not in {*REPORTED, HALVES}
        )
        for name, values in distances.items()
        if name != "floor"
    )
    return SpaceTrust(space.name, len(images), len(names), floor, high, responses, not upright)


def examine_prepared(space: FeatureSpace, data: Prepared, folder: Path) -> dict[str, Any]:
    """``SpaceTrust.record`` for the images of all splits, cached in ``folder``.

    ``trusted`` is None, with the ``reason``, where there are too few subjects or the space cannot be loaded.
    """
    name = hashing.json_hash([data.key, space.identity(), code_hash(examine, space.load)])
    path = folder / f"trust_{space.name}_{name}.json"
    if (known := files.read_sealed_json(path)) is not None:
        return known
    splits = data.train, data.validation, data.test
    images = np.concatenate([split.images for split in splits])
    try:
        record = examine(space, images, sum((split.subjects for split in splits), ())).record()
    except (InputError, Unavailable) as reason:
        return {"space": space.name, "trusted": None, "reason": str(reason)}
    files.write_sealed_json(path, record)
    return record


def _sample(images: np.ndarray, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most 500 images, every subject before a second image of any."""
    rounds = np.zeros(len(subjects), int)
    for name in np.unique(subjects):
        rounds[subjects == name] = np.arange((subjects == name).sum())
    rows = np.sort(np.argsort(rounds, kind="stable")[:MAX_IMAGES])
    return images[rows], subjects[rows]


def of_another_subject(subjects: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each image the row of one of another subject, int (N,)."""
    return np.array([rng.choice(np.flatnonzero(subjects != subject)) for subject in subjects])


def _first_component(images: np.ndarray) -> np.ndarray:
    """Position of each image along the first principal component of the pixels, (N,)."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    flat -= flat.mean(0)
    values, vectors = np.linalg.eigh(flat @ flat.T)
    return vectors[:, -1] * np.sqrt(values[-1].clip(min=0))


def _response(
    change: str, visible: bool, distance: float, floor: float, high: float, required: bool
) -> Response:
    ratio = (distance - floor) / max(high - floor, 1e-9)
    return Response(change, visible, distance, ratio, (ratio > 1) == visible, required)
