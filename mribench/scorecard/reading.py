"""A blinded reader study: people say of each image whether it is real or generated.

Half of the images are generated, half are of the test subjects, one of each person, in an order drawn by a seed. The
sheet does not hold the solution; that is the key beside it. Of a reader who cannot tell, half of the answers are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files, hashing
from mribench.audit.copies import binomial_interval
from mribench.errors import InputError
from mribench.metrics.uncertainty import mean_interval
from mribench.seeds import numpy_rng
from mribench.spec import Split

ANSWERS = ("real", "generated")


@dataclass(frozen=True)
class Sheet:
    """Images in the order in which a reader sees them."""

    images: np.ndarray  # uint8 (2 n, H, W)
    generated: tuple[bool, ...]  # of each image

    @property
    def id(self) -> str:
        """Tells answers to these images from answers to others."""
        return hashing.arrays_sha256({"images": self.images})[:16]

    @property
    def key(self) -> dict[str, Any]:
        """The solution."""
        return {"sheet": self.id, "generated": list(self.generated)}


@dataclass(frozen=True)
class Reader:
    """How many answers of one reader are right, of each kind of image."""

    name: str
    right: int
    n: int
    generated_found: int  # generated images that were called generated
    n_generated: int


def sheet(generated: np.ndarray, real: Split, n: int, seed: int = 0) -> Sheet:
    """n generated images and n real ones, each of another subject, in random order.

    Args:
        generated: uint8 (N, H, W).
        real: the test split.
        n: of each kind.
        seed: of the choice and the order.

    Raises:
        InputError: there are fewer generated images or test subjects than asked for.
    """
    rng = numpy_rng("reader study", seed)
    subjects = np.asarray(real.subjects)
    names = np.unique(subjects)
    if n > min(len(generated), len(names)):
        raise InputError(
            f"{len(generated)} generated images and {len(names)} test subjects are there, expected {n} or more of "
            "each; ask for fewer with --readers"
        )
    chosen = rng.permutation(len(names))[:n]
    slices = [rng.choice(np.flatnonzero(subjects == names[i])) for i in chosen]
    images = np.concatenate([generated[rng.permutation(len(generated))[:n]], real.images[slices]])
    order = rng.permutation(2 * n)
    return Sheet(images[order], tuple(bool(i < n) for i in order))


def read(path: Path, key: Mapping[str, Any]) -> Reader:
    """The answers of one reader, judged by the key.

    Raises:
        InputError: the file holds no answers, answers to another sheet, or not one answer for each image.
    """
    given = answers(path)
    if given["sheet"] != key["sheet"]:
        raise InputError(
            f"{path} holds answers to sheet {given['sheet']}, expected {key['sheet']}; name the scorecard's own"
        )
    truth, said = key["generated"], given["answers"]
    if len(said) != len(truth):
        raise InputError(f"{path} holds {len(said)} answers, expected {len(truth)}, one for each image")
    right = [answer == ANSWERS[is_generated] for answer, is_generated in zip(said, truth, strict=True)]
    found = sum(ok for ok, is_generated in zip(right, truth, strict=True) if is_generated)
    return Reader(given["reader"], sum(right), len(right), found, sum(truth))


def answers(path: Path) -> dict[str, Any]:
    """What a sheet saved: ``sheet``, ``reader`` and ``answers``. Raises InputError where it is something else."""
    try:
        given = files.read_json(path)
        said = [str(answer) for answer in given["answers"]]
        known = {"sheet": str(given["sheet"]), "reader": str(given["reader"]), "answers": said}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(
            f"{path} holds no answers of a reader ({type(error).__name__}: {error}); save them from the sheet"
        ) from error
    if unknown := sorted(set(said) - set(ANSWERS)):
        raise InputError(f"{path} has the answer {unknown[0]!r}, expected {' or '.join(ANSWERS)}")
    return known


def sentences(readers: Sequence[Reader]) -> list[str]:
    """Each reader with an exact binomial interval; of several also their mean, readers being the unit."""
    said = []
    for reader in readers:
        low, high = binomial_interval(reader.right, reader.n)
        said.append(
            f"Reader {reader.name} was right about {reader.right} of {reader.n} images, "
            f"{reader.right / reader.n:.0%} [{low:.0%}, {high:.0%}], where chance is 50%, and found "
            f"{reader.generated_found} of {reader.n_generated} generated ones."
        )
    if len(readers) > 1:
        shares = np.array([reader.right / reader.n for reader in readers])
        ends = mean_interval(shares, (0.0, 1.0))
        interval = ", ".join(f"{end:.0%}" for end in ends if end is not None)
        said.append(f"Mean of {len(readers)} readers: {shares.mean():.0%} [{interval}] right.")
    return said
