"""From a voxel grid with its affine to slices as a radiologist looks at them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from mribench.spec import Volume

Plane = Literal["auto", "sagittal", "coronal", "axial"]
PLANES = ("sagittal", "coronal", "axial")
# voxels this much longer along one axis mean that the slices were acquired across it
THICK = 1.5
# the units are known to the card and not to the file: MR has none, CT is in HU
STORED = "as stored (scl_slope applied)"


class Slices(NamedTuple):
    """A voxel grid cut into slices."""

    pixels: np.ndarray
    """float32 (n_slices, H, W)"""
    spacing: tuple[float, float, float]
    """mm along those axes"""
    plane: str
    """one of ``PLANES``"""
    tilt: float
    """degrees between the slice normal and the axis of the body that names the plane; 0 is straight"""

    @property
    def title(self) -> str:
        """``axial``, or ``axial, 12 degrees oblique``."""
        return self.plane if self.tilt < 0.5 else f"{self.plane}, {self.tilt:.0f} degrees oblique"

    def volume(self, subject: str, name: str, contrast: str = "", units: str = STORED) -> Volume:
        """The same as a reader yields it. name: the file, relative to the data set's folder."""
        return Volume(subject, self.pixels, self.spacing, f"{name}:{self.plane}", contrast, units, self.title)


def slices(data: np.ndarray, affine: np.ndarray, plane: Plane = "auto") -> Slices:
    """Slices of a volume in a plane of the body.

    The axes are permuted and flipped to the closest RAS+ order, never interpolated: an oblique volume keeps its own
    planes, named after the nearest plane of the body, with ``tilt`` between them. Display is radiological: anterior or
    superior at the top; the patient's right on the left (axial, coronal), anterior on the left (sagittal).

    Args:
        data: float32 (i, j, k).
        affine: (4, 4), voxels to RAS+ in mm.
        plane: ``auto`` takes the plane of acquisition: across the axis whose voxels are at least 1.5 times longer than
            the others, axial where no axis is.

    Raises:
        ValueError: For an affine that is none; also nibabel's OrientationError.
    """
    import nibabel as nib

    order = nib.io_orientation(affine)
    if np.isnan(order).any():
        raise ValueError("its affine has no three axes")
    canonical = nib.apply_orientation(data, order)
    turned = affine @ nib.orientations.inv_ornt_aff(order, data.shape)
    zooms = tuple(float(z) for z in nib.affines.voxel_sizes(turned))
    axis = _thick_axis(zooms) if plane == "auto" else PLANES.index(plane)
    # RAS+ -> rows run down from superior (or anterior), columns from the patient's right (or anterior)
    columns, rows = [i for i in range(3) if i != axis]
    pixels = np.flip(canonical.transpose(axis, rows, columns), axis=(1, 2))
    return Slices(
        np.ascontiguousarray(pixels),
        (zooms[axis], zooms[rows], zooms[columns]),
        PLANES[axis],
        _tilt(turned[:3, :3], axis),
    )


def _thick_axis(zooms: tuple[float, ...]) -> int:
    axis = int(np.argmax(zooms))
    others = [zoom for i, zoom in enumerate(zooms) if i != axis]
    return axis if zooms[axis] >= THICK * max(others) else 2


def _tilt(axes: np.ndarray, axis: int) -> float:
    rest = [i for i in range(3) if i != axis]
    normal = np.cross(axes[:, rest[0]], axes[:, rest[1]])
    cosine = abs(normal[axis]) / np.linalg.norm(normal)
    return float(np.degrees(np.arccos(np.clip(cosine, 0, 1))))
