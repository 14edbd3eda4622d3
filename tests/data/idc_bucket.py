"""A bucket of this machine and a small index, laid out as those of the Imaging Data Commons."""

from __future__ import annotations

import hashlib
import io
import sys
from types import SimpleNamespace
from urllib.parse import quote
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pydicom
from mirror_server import Mirror
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from mribench.data.download import bucket, idc

BUCKET = "idc-open-data"
# a series that the shipped kidney card takes
CORONAL = {
    "collection_id": "tcga_kirc",
    "license_short_name": "CC BY 3.0",
    "sop_class_name": "MR Image Storage",
    "SeriesDescription": "COR T2 HASTE BH",
    "aws_bucket": BUCKET,
}


def slices(seed: int, n: int, size: int = 40) -> list[np.ndarray]:
    """n images uint16 (size, size): ellipses with a texture of their own."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    inside = x**2 / rng.uniform(0.5, 0.8) + y**2 / rng.uniform(0.5, 0.8) < 1
    waves = [np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y) for _ in range(n)]
    return [(inside * (500 + 300 * wave)).astype(np.uint16) for wave in waves]


def dicom(pixels: np.ndarray, patient: str, series: str, number: int) -> bytes:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = MRImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    image.PatientID, image.SeriesInstanceUID, image.InstanceNumber = patient, series, number
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 5.0 * number, 0], [1, 0, 0, 0, 0, -1]
    image.PixelSpacing, image.SliceThickness = [1.0, 1.0], 5.0
    image.set_pixel_data(pixels, "MONOCHROME2", 16)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, image, enforce_file_format=True)
    return buffer.getvalue()


class Archive:
    """``add`` publishes a series; ``index`` writes the table that idc-index-data would bring."""

    def __init__(self, folder, monkeypatch):
        self.mirror, self.rows, self.folder = Mirror(), [], folder
        monkeypatch.setattr(bucket, "ENDPOINT", self.mirror.url("/{bucket}"))
        monkeypatch.setattr(idc, "installed", lambda: f"0 of {self.folder} with {len(self.rows)}")
        table = SimpleNamespace(IDC_INDEX_PARQUET_FILEPATH=folder / "index.parquet")
        monkeypatch.setitem(sys.modules, "idc_index_data", table)

    def add(self, patient: str, files: list[bytes], **columns) -> str:
        """Publish a series, add its row to the index, and give its uuid."""
        uuid = str(UUID(int=len(self.rows) + 1))
        objects = {f"{uuid}/{UUID(int=1000 + i)}.dcm": content for i, content in enumerate(files)}
        for key, content in objects.items():
            self.mirror.contents[f"/{BUCKET}/{key}"] = content
        self.list(uuid, objects)
        row = CORONAL | {"PatientID": patient, "crdc_series_uuid": uuid, "instanceCount": len(files)}
        self.rows.append(row | {"series_size_MB": sum(map(len, files)) / 1e6} | columns)
        pq.write_table(pa.Table.from_pylist(self.rows), self.folder / "index.parquet")
        return uuid

    def person(self, patient: str, seed: int, n: int = 12, **columns) -> str:
        """A series of n slices of one person."""
        uid = generate_uid()
        files = [dicom(pixels, patient, uid, i) for i, pixels in enumerate(slices(seed, n))]
        return self.add(patient, files, **columns)

    def list(self, uuid: str, objects: dict[str, bytes], token: str = "", more: str = "") -> None:
        """What the bucket answers about a prefix. token: of this page; more: of the next one."""
        entries = "".join(
            f"<Contents><Key>{key}</Key><ETag>&quot;{hashlib.md5(content).hexdigest()}&quot;</ETag>"
            f"<Size>{len(content)}</Size></Contents>"
            for key, content in objects.items()
        )
        more = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
        self.pages(uuid, more + entries, token)

    def pages(self, uuid: str, content: str, token: str = "") -> None:
        """Answer a question about a prefix with this XML."""
        page = (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"{content}</ListBucketResult>"
        )
        asked = f"/{BUCKET}/?list-type=2&prefix={quote(uuid + '/', safe='')}"
        asked += f"&continuation-token={token}" if token else ""
        self.mirror.contents[asked] = page.encode()

    def listed(self, uuid: str) -> dict[str, bytes]:
        """key -> content of a series."""
        start = f"/{BUCKET}/"
        found = {key.removeprefix(start): body for key, body in self.mirror.contents.items()}
        return {key: body for key, body in found.items() if key.startswith(f"{uuid}/")}

    def asked(self) -> list[str]:
        """Keys of the files that were asked for, in order."""
        return [path.removeprefix(f"/{BUCKET}/") for path, *_ in self.mirror.asked if path.endswith(".dcm")]
