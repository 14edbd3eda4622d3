"""Files that are cut, damaged, lie about their size or are something else: each is refused in one sentence."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from mribench.data import prepare_data
from mribench.errors import DataError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 255, (8, 8, 8)).astype(np.uint8)


def picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS.reshape(16, 32)).save(stream, kind)
    return stream.getvalue()


def nifti(**fields) -> bytes:
    image = nib.Nifti1Image(PIXELS.astype(np.int16), np.eye(4))
    content = bytearray(image.to_bytes())
    for offset, packed in fields.values():
        content[offset : offset + len(packed)] = packed
    return bytes(content)


def packed(level: int = 6) -> bytes:
    return gzip.compress(nifti(), compresslevel=level)


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def claimed() -> bytes:
    """An NPZ of a few hundred bytes that promises 4 TiB."""
    head = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (1 << 20, 1 << 10, 1 << 9)}
    np.lib.format.write_array_header_1_0(head, shape)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("images.npy", head.getvalue())
        archive.writestr("subject.npy", head.getvalue())
    return stream.getvalue()


def dicom(**elements) -> bytes:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = MRImageStorage
    one.file_meta.MediaStorageSOPInstanceUID = one.SeriesInstanceUID = "1.2.3"
    one.PhotometricInterpretation, one.SamplesPerPixel = "MONOCHROME2", 1
    one.Rows, one.Columns, one.BitsAllocated, one.BitsStored = 8, 8, 16, 16
    one.HighBit, one.PixelRepresentation = 15, 0
    one.PixelData = PIXELS[0].astype("<u2").tobytes()
    for name, value in elements.items():
        if value is None:
            delattr(one, name)
        else:
            setattr(one, name, value)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, one, enforce_file_format=True)
    return stream.getvalue()


def bomb() -> bytes:
    """A PNG whose header promises 60,000 x 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 60)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def flipped(content: bytes, place: float = 0.5) -> bytes:
    changed = bytearray(content)
    changed[int(len(content) * place)] ^= 0x10
    return bytes(changed)


def cut(content: bytes, share: float = 0.6) -> bytes:
    return content[: int(len(content) * share)]


def hdf5(**datasets) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, value in datasets.items():
            file[name] = value
    return stream.getvalue()


TEXT = b"Dear colleague, the images follow by mail. " * 20
MHA = (
    b"ObjectType = Image\nNDims = 3\nDimSize = 8 8 8\nElementType = MET_SHORT\nElementSpacing = 1 1 1\n"
    b"ElementDataFile = LOCAL\n"
)
FILES: dict[str, Callable[[], bytes]] = {
    "empty.png": lambda: b"",
    "text.png": lambda: TEXT,
    "cut.png": lambda: cut(picture("PNG")),
    "flipped.png": lambda: flipped(picture("PNG")),
    "bomb.png": bomb,
    "cut.jpg": lambda: cut(picture("JPEG"), 0.3),
    "cut.tif": lambda: cut(picture("TIFF")),
    "directory-beyond-the-end.tif": lambda: b"II*\0" + struct.pack("<I", 1 << 30) + b"\0" * 100,
    "empty.nii": lambda: b"",
    "text.nii": lambda: TEXT,
    "header-cut.nii": lambda: nifti()[:200],
    "cut.nii": lambda: cut(nifti()),
    "cut.nii.gz": lambda: cut(packed()),
    "flipped.nii.gz": lambda: flipped(packed(0)),
    "text.nii.gz": lambda: TEXT,
    "negative.nii": lambda: nifti(dim=(42, struct.pack("<h", -8))),
    "huge.nii": lambda: nifti(dim=(42, struct.pack("<3h", 32767, 32767, 32767))),
    "unknown-type.nii": lambda: nifti(datatype=(70, struct.pack("<h", 9999))),
    "cut.npz": lambda: cut(npz(images=PIXELS, subject=list("abcdefgh"))),
    "flipped.npz": lambda: flipped(npz(images=PIXELS, subject=list("abcdefgh")), 0.3),
    "four-tebibytes.npz": claimed,
    "unequal.npz": lambda: npz(images=PIXELS, subject=["a", "b"]),
    "nan.npz": lambda: npz(images=np.full((8, 8, 8), np.nan), subject=list("abcdefgh")),
    "text.dcm": lambda: TEXT,
    "cut.dcm": lambda: cut(dicom(), 0.8),
    "no-pixels.dcm": lambda: dicom(PixelData=None),
    "no-rows.dcm": lambda: dicom(Rows=None),
    "rows-of-nothing.dcm": lambda: dicom(Rows=0),
    "cut.h5": lambda: cut(hdf5(reconstruction_rss=PIXELS.astype(np.float32)), 0.4),
    "other.h5": lambda: hdf5(patients=[1, 2, 3]),
    "cut.mha": lambda: MHA + b"\0" * 100,
    "huge.mha": lambda: MHA.replace(b"8 8 8", b"99999 99999 99999") + b"\0" * 1024,
}


@pytest.mark.parametrize("name", FILES)
def test_a_malformed_file_is_one_sentence(name, tmp_path, modality, profile, recwarn):
    folder: Path = tmp_path / "images" / "p0"
    folder.mkdir(parents=True)
    path = (folder.parent if name.endswith(".npz") else folder) / name
    path.write_bytes(FILES[name]())
    with pytest.raises(DataError) as caught:
        prepare_data(
            modality, str(path if name.endswith(".npz") else folder.parent), profile, tmp_path / "out"
        )
    said = str(caught.value)
    assert path.name.removesuffix(".gz") in said and "\n" not in said and str(tmp_path) not in said
    assert not list((tmp_path / "out").rglob("manifest.json")), "nothing half-prepared stays"


@pytest.mark.parametrize(
    "content",
    [b"", TEXT, b"\xff\xfe\0\0" * 50, b"file_name\np0/a.png\n", b"file_name,subject\np0/b.png,x\n"],
    ids=["empty", "text", "binary", "without a subject", "of another file"],
)
def test_a_malformed_table_is_one_sentence(content, tmp_path, modality, profile):
    folder = tmp_path / "images" / "p0"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(picture("PNG"))
    (folder.parent / "metadata.csv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        prepare_data(modality, str(folder.parent), profile, tmp_path / "out")
    assert "metadata.csv" in str(caught.value) and "\n" not in str(caught.value)
