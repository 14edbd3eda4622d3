"""MetaImage (.mha, and .mhd with its raw file): a text header, then voxels with x fastest."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mribench.data.readers.orientation import Plane, Slices, slices
from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume

TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    # of 4 bytes on every machine, as ITK writes it
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
MOST_HEADER_LINES = 500
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_metaimage(path: Path, name: str, plane: Plane = "auto") -> Slices:
    """The slices of a file with their spacing (mm) and plane (see ``orientation.slices``).

    Of a 4-D image the first frame is read; a 2-D image is one axial slice as it is stored. Raises DataError, naming
    ``name``, for a header that does not fit its voxels, a raw file that is missing or elsewhere, and for colour.
    """
    try:
        header, start = _header(path)
        data = _voxels(path, header, start, name)
        if data.ndim == 2:
            column, row = _numbers(header, "ElementSpacing", [1.0, 1.0])
            return Slices(np.ascontiguousarray(data.T)[None], (1.0, row, column), "axial", 0.0)
        first = data.reshape(*data.shape[:3], -1)[..., 0]
        return slices(np.ascontiguousarray(first), _affine(header), plane)
    except (OSError, ValueError, LookupError, MemoryError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(
            f"{name} is a damaged MetaImage file ({reason}); fetch or export it again."
        ) from error


def data_file(path: Path) -> Path | None:
    """The file beside a header that holds its voxels; None where the header holds them, or is none."""
    try:
        stored = _header(path)[0]["elementdatafile"]
    except (OSError, ValueError, LookupError):
        return None
    return None if stored.upper() == "LOCAL" else path.parent / stored


def _header(path: Path) -> tuple[dict[str, str], int]:
    """(fields by lower-case name, where the voxels start in the file)."""
    fields: dict[str, str] = {}
    with path.open("rb") as stream:
        for _ in range(MOST_HEADER_LINES):
            key, equals, value = stream.readline(4096).decode("ascii", "replace").partition("=")
            if not equals:
                break
            fields[key.strip().lower()] = value.strip()
            if key.strip().lower() == "elementdatafile":
                return fields, stream.tell()
    raise ValueError("no ElementDataFile in its header")


def _voxels(path: Path, header: dict[str, str], start: int, name: str) -> np.ndarray:
    """float32 (x, y[, z[, ...]])."""
    shape = [int(n) for n in header["dimsize"].split()]
    if len(shape) != int(header["ndims"]) or not 2 <= len(shape) <= 5 or min(shape) < 1:
        raise ValueError(f"DimSize is {header['dimsize']!r}, NDims {header['ndims']}")
    if int(header.get("elementnumberofchannels", 1)) != 1:
        raise DataError(f"{name} holds several channels; save one scalar channel.")
    if header["elementtype"] not in TYPES:
        raise ValueError(f"ElementType is {header['elementtype']!r}")
    big = header.get("elementbyteordermsb", header.get("binarydatabyteordermsb", "False"))
    dtype = np.dtype(TYPES[header["elementtype"]]).newbyteorder(">" if big.lower() == "true" else "<")
    stored = header["elementdatafile"]
    if stored.upper() != "LOCAL":
        # LIST and a name with % are one file a slice; a path could reach any file of this machine
        if Path(stored).name != stored or stored.upper().startswith("LIST") or "%" in stored:
            raise DataError(
                f"{name} has its voxels in {stored!r}; expected one file beside it: save it as .mha."
            )
        path, start = path.with_name(stored), 0
        if not path.is_file():
            raise DataError(f"{name} is a header without its voxels; put {stored} beside it.")
    # in Python's integers: the sizes of a forged header overflow int64 to a small number
    expected = int(np.prod(shape, dtype=object)) * dtype.itemsize
    raw = _bytes(path, start, expected, header)
    # x runs fastest
    return np.frombuffer(raw, dtype).reshape(shape[::-1]).T.astype(np.float32)


def _bytes(path: Path, start: int, expected: int, header: dict[str, str]) -> bytes:
    size = path.stat().st_size - start
    with path.open("rb") as stream:
        if header.get("compresseddata", "False").lower() == "true":
            stream.seek(start)
            # zlib never gives back more than about a thousand times what it is given
            raw = (
                zlib.decompressobj().decompress(stream.read(), expected + 1)
                if expected <= 1100 * size
                else b""
            )
        else:
            # -1: whatever comes first, the voxels are the last bytes of the file
            skip = int(header.get("headersize", 0))
            stream.seek(path.stat().st_size - expected if skip == -1 else start + skip)
            raw = stream.read(expected) if expected <= size else b""
    if len(raw) != expected:
        raise ValueError(f"{expected} bytes of voxels promised, others found")
    return raw


def _affine(header: dict[str, str]) -> np.ndarray:
    """(4, 4) to RAS+ in mm. MetaImage counts in LPS, and lists the direction of x first, then of y and z."""
    n = int(header["ndims"])
    matrix = next((header[k] for k in ("transformmatrix", "rotation", "orientation") if k in header), None)
    axes = np.eye(n) if matrix is None else np.array(matrix.split(), float).reshape(n, n).T
    spacing = _numbers(header, "ElementSpacing", _numbers(header, "ElementSize", [1.0] * n))
    affine = np.eye(4)
    affine[:3, :3] = LPS_TO_RAS @ axes[:3, :3] @ np.diag(spacing[:3])
    return affine


def _numbers(header: dict[str, str], key: str, default: list[float]) -> list[float]:
    return [float(n) for n in header[key.lower()].split()] if key.lower() in header else default


def _read(files: Sequence[ImageFile], subject: str) -> Iterator[Volume]:
    for file in files:
        yield read_metaimage(file.path, file.name).volume(subject, file.name)


def _voxels_of_header(path: Path) -> list[Path]:
    stored = data_file(path) if path.suffix == ".mhd" else None
    return [stored] if stored else []


def _example(folder: Path) -> None:
    header = "NDims = 3\nDimSize = 12 10 3\nElementSpacing = 1 1 4\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    voxels = np.arange(12 * 10 * 3, dtype="<i2")
    (folder / "example.mha").write_bytes(header.encode() + voxels.tobytes())


METAIMAGE = Reader(
    name="metaimage",
    title="MetaImage",
    suffixes=(".mha", ".mhd"),
    read=_read,
    companions=_voxels_of_header,
    example=_example,
)
