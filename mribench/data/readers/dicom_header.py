"""DICOM headers: position and orientation of each frame, pixel spacing, how it was acquired."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

# coded elements only: SeriesDescription and ProtocolName are free text, in which people write names
CODED = ("Modality", "ScanningSequence", "SequenceVariant")
TIMES = (("EchoTime", "TE"), ("RepetitionTime", "TR"), ("InversionTime", "TI"))


class FramePlane(NamedTuple):
    """Frames of one file that have one orientation."""

    rows: list[int]
    """which frames, in the file's order"""
    orientation: tuple[float, ...] | None
    """six cosines, None where unknown"""
    position: float
    """mm of the first frame along the normal"""
    spacing: tuple[float, float, float] | None
    """mm between slices (0 where unknown), rows and columns; None where unknown"""


def planes_of(dataset: Any, n: int) -> list[FramePlane]:
    """The planes of the ``n`` frames of a pydicom dataset, classic or enhanced multi-frame."""
    groups = _groups(dataset, n)
    rows: dict[tuple[float, ...] | None, list[int]] = {}
    for row, group in enumerate(groups):
        cosines = _floats(_element(group, "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
        # a file of one orientation may differ in the last digits
        key = None if cosines is None else tuple(round(value, 2) + 0.0 for value in cosines)
        rows.setdefault(key, []).append(row)
    return [_plane([groups[row] for row in members], members) for members in rows.values()]


def contrast_of(dataset: Any) -> str:
    """Modality, sequence and times, like ``MR SE SP TE 14 TR 450``."""
    parts = []
    for name in CODED:
        value = getattr(dataset, name, None) or ""
        parts += [str(value)] if isinstance(value, str) else [str(part) for part in value]
    parts += [f"{short} {getattr(dataset, name):g}" for name, short in TIMES if getattr(dataset, name, None)]
    return " ".join(part for part in parts if part)


def units_of(dataset: Any) -> str:
    """What a rescaled pixel value means: RescaleType, HU for CT, else arbitrary."""
    unit = str(getattr(dataset, "RescaleType", None) or getattr(dataset, "Units", None) or "")
    if unit and unit != "US":
        return unit
    return "HU" if getattr(dataset, "Modality", "") == "CT" else "arbitrary"


def _plane(groups: list[Any], rows: list[int]) -> FramePlane:
    cosines = _floats(_element(groups[0], "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    places = [_floats(_element(g, "PlanePositionSequence", "ImagePositionPatient"), 3) for g in groups]
    if cosines is None or places[0] is None:
        return FramePlane(rows, cosines, 0.0, _spacing(groups[0], []))
    normal = np.cross(cosines[:3], cosines[3:])
    along = [float(normal @ place) for place in places if place is not None]
    return FramePlane(rows, cosines, round(along[0], 3), _spacing(groups[0], along))


def _spacing(group: Any, along: list[float]) -> tuple[float, float, float] | None:
    """along: mm of the frames along their normal, which is what SpacingBetweenSlices should say."""
    in_plane = _floats(_element(group, "PixelMeasuresSequence", "PixelSpacing"), 2)
    if in_plane is None or min(in_plane) <= 0:
        return None
    through = _element(group, "PixelMeasuresSequence", "SpacingBetweenSlices")
    # the thickness leaves out the gap between slices; often a file says nothing else
    through = through or _element(group, "PixelMeasuresSequence", "SliceThickness")
    if not through and len(places := sorted(set(along))) > 1:
        through = float(np.median(np.diff(places)))
    return float(through or 0.0), in_plane[0], in_plane[1]


def _groups(dataset: Any, n: int) -> list[list[Any]]:
    """Per frame, where to look for an element: its own functional groups, the shared ones, the file."""
    shared = list(getattr(dataset, "SharedFunctionalGroupsSequence", None) or [])
    own = list(getattr(dataset, "PerFrameFunctionalGroupsSequence", None) or [])
    return [[*([own[i]] if len(own) == n else []), *shared, dataset] for i in range(n)]


def _element(places: list[Any], sequence: str, name: str) -> Any:
    return next((value for value in _found(places, sequence, name) if value not in (None, "")), None)


def _found(places: list[Any], sequence: str, name: str) -> Iterator[Any]:
    for place in places:
        for item in getattr(place, sequence, None) or []:
            yield getattr(item, name, None)
    yield getattr(places[-1], name, None)


def _floats(values: Any, n: int) -> tuple[float, ...] | None:
    return tuple(float(v) for v in values) if values is not None and len(values) == n else None
