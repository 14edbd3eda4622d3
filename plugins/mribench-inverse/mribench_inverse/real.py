"""MRI from real k-space: lines of what a scanner measured are left out, and the image of all of them is the truth.

Files with raw data become the fields ``kspace``, ``coil-maps`` and ``noise`` of a set (``mribench.spec.Field``). The
maps hold the slow phase of the image, so that x is real as the priors want it; what is left of its imaginary part
counts as noise.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from mribench.errors import DataError, InputError
from mribench.spec import Draws, Measurement, Prepared, Problem

if TYPE_CHECKING:
    import torch

FIELDS = ("kspace", "coil-maps", "noise")


class Scanned:
    """Measures the images of a set that has the fields: of each a mask is drawn, and nothing else.

    Raises DataError where maps and k-space are not of the same coils.
    """

    def __init__(self, data: Prepared):
        splits = data.train, data.validation, data.test
        self._fields = [split.fields for split in splits]
        self._rows = {
            _content(image): (number, row)
            for number, split in enumerate(splits)
            for row, image in enumerate(split.images)
        }
        # solvers are told one level of noise, whoever was scanned
        self._sigma = float(np.median(data.train.fields["noise"]))
        shapes = [data.train.fields[name].shape[1:] for name in FIELDS[:2]]
        if shapes[0] != shapes[1]:
            raise DataError(
                f"{data.name} has k-space of shape {shapes[0]} and coil maps of shape {shapes[1]} (coils, H, W), "
                "expected maps of every coil; delete the folder of its fields, which are then made again."
            )

    def __call__(self, x: torch.Tensor, acceleration: float, draws: Draws) -> Measurement:
        """As ``Measure``. Raises InputError for an image that is not of the set."""
        import torch

        from mribench_inverse.operators import Fourier
        from mribench_inverse.sampling_masks import random_lines

        images = np.rint(x[:, 0].cpu().numpy() * 255).astype(np.uint8)
        try:
            places = [self._rows[_content(image)] for image in images]
        except KeyError:
            raise InputError(
                "an image without k-space is to be measured, expected images of the data that the problem is posed of; "
                "name a problem with simulated k-space, such as mri"
            ) from None

        def field(name: str) -> torch.Tensor:
            found = np.stack([self._fields[number][name][row] for number, row in places])
            return torch.from_numpy(found).to(x.device)

        shape = (x.shape[-2], x.shape[-1])
        operator = Fourier(random_lines(shape[1], acceleration, draws), field("coil-maps"))
        return Measurement(operator.mask * field("kspace"), operator, self._sigma, shape)


def _content(image: np.ndarray) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image)).digest()


def of_no_data(x: torch.Tensor, acceleration: float, draws: Draws) -> Measurement:
    """Raises InputError: an image alone has no k-space, and none is made up."""
    raise InputError(
        "real k-space is measured of the images of a data set alone; name a problem with simulated k-space, such as mri"
    )


MRI_REAL = Problem(
    name="mri-real",
    title="accelerated MRI, k-space of the scanner",
    measure=of_no_data,
    levels=(4.0, 8.0),
    level_name="R",
    kind="mri",
    track="real-k",
    mri_only=True,
    fields=FIELDS,
    of_data=Scanned,
)
