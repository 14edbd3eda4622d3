"""From a voxel grid with its affine to slices as a radiologist looks at them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

Plane = Literal["auto", "sagittal", "coronal", "axial"]
PLANES = ("sagittal", "coronal", "axial")
# voxels this much longer along one axis mean that the slices were acquired across it
THICK = 1.5


class Slices(NamedTuple):
    """pixels: float32 (n_slices, H, W); spacing: mm along those axes; plane: one of PLANES.

    tilt: degrees between the slice normal and the axis of the body that names the plane; 0 is straight.
    """

    pixels: np.ndarray
    spacing: tuple[float, float, float]
    plane: str
    tilt: float

    @property
    def named(self) -> str:
        """``axial``, or ``axial, 12 degrees oblique``."""
        return self.plane if self.tilt < 0.5 else f"{self.plane}, {self.tilt:.0f} degrees oblique"


def slices(data: np.ndarray, affine: np.ndarray, plane: Plane = "auto") -> Slices:
    """Slices of a volume in the named plane. data: float32 (i, j, k); affine: (4, 4), voxels to RAS+ in mm.

    The axes are permuted and flipped to the closest RAS+ order, never interpolated: an oblique volume keeps its own
    planes, named after the nearest plane of the body, with ``tilt`` between them. ``auto`` takes the plane of
    acquisition: across the axis whose voxels are at least 1.5 times longer than the others, axial where no axis is.
    Display is radiological: anterior or superior at the top; the patient's right on the left (axial, coronal),
    anterior on the left (sagittal). Raises ValueError, or nibabel's
    OrientationError, for an affine that is none.
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
