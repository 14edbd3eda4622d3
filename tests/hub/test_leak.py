"""Patients, hosts and tokens in names of folders, tables and DICOM headers: no uploaded byte holds one of them."""

import csv
import io
import json
import re
import socket
import struct
import zipfile
import zlib

import numpy as np
import pyarrow
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from safetensors.numpy import save

from mribench import results
from mribench.data import prepare_data
from mribench.data.cards import terms
from mribench.plugins import lookup
from mribench.profiles import SMOKE

FOLDERS = {
    "mail address": "anna.mueller@clinic.org",
    "patient": "GRUBER_HANS",
    "file": "bauer-lotte-scan",
}
TABLE = {
    "subject": "MRN-88123",
    "name": "Ludwig Oberhuber",
    "born": "1971-03-04",
    "phone": "+49 30 5550199",
    "contact": "ludwig@oberhuber-praxis.de",
    "path": "/mnt/pacs-17/inbox/oberhuber",
    "share": "\\\\radserver9\\export$",
    "token": "hf_" + "Q" * 34,
    "host": "radiology-ws-44",
}
HEADER = {
    "PatientName": "ZIMMERER^WALPURGA",
    "PatientID": "PID-5507-ZW",
    "OtherPatientIDs": "ALT-90210-ZW",
    "PatientBirthDate": "19680229",
    "PatientAddress": "Lindenstrasse 77",
    "PatientComments": "allergic to contrast agent",
    "AccessionNumber": "ACC-2024-7781",
    "StudyID": "STUDY-6612",
    "InstitutionName": "Klinikum Sonnblick",
    "ReferringPhysicianName": "HOLZER^DR",
    "StationName": "MRC41234-STATION",
    "DeviceSerialNumber": "SN-778812",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.771",
    "StudyDescription": "Follow-up Zimmerer",
    "ProtocolName": "t1_zimmerer_special",
}
MACHINE = {"USER": "wzimmermann"}
PLANTS = [*FOLDERS.values(), *TABLE.values(), *HEADER.values(), *MACHINE.values()]


def contents(name, content):
    """(name, bytes) of a file and of everything inside it: members, chunks of a picture, headers, unpacked lines."""
    yield name, content
    if content[:4] == b"PK\3\4":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                yield from contents(f"{name}/{inner}", inner.encode() + archive.read(inner))
    elif content[:4] == b"\x28\xb5\x2f\xfd":
        yield f"{name}/unpacked", pyarrow.CompressedInputStream(pyarrow.py_buffer(content), "zstd").read()
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        yield from _chunks(name, content)
    elif name.endswith(".json"):
        yield (
            f"{name}/decoded",
            json.dumps(json.loads(content), ensure_ascii=False).encode().replace(b"\\\\", b"\\"),
        )


def _chunks(name, content):
    offset = 8
    while offset < len(content):
        length, kind = struct.unpack(">I4s", content[offset : offset + 8])
        body = content[offset + 8 : offset + 8 + length]
        yield f"{name}/{kind.decode()}", body
        if kind == b"zTXt":
            yield f"{name}/{kind.decode()}", zlib.decompress(body[body.index(b"\0") + 2 :])
        offset += 12 + length


def leaked(files):
    """(file, plant) of every plant in the names or the bytes of files; a number counts where it is a whole number."""
    found = set()
    for file, content in files.items():
        for name, inner in contents(file, content):
            # numpy and DICOM store text with zeros between or after its bytes
            both = inner + b"\0\0" + inner.replace(b"\0", b"")
            text = f"{name}\0{both.decode('latin-1')}".lower()
            for plant in PLANTS:
                place = text.find(plant.lower())
                inside_number = plant.isdecimal() and re.search(rf"[\d.]{plant}|{plant}\d", text)
                if place >= 0 and not inside_number:
                    found.add((name, plant))
    return found


def published(hub):
    """Everything that the Hub was sent: files of all commits, large files, and the requests themselves."""
    sent = {f"blob {name}": content for name, content in hub.blobs.items()}
    for (kind, repo), held in hub.repos.items():
        sent |= {f"{kind} {repo} {name}": content for name, content in held.files.items()}
    return sent | {"requests": "\n".join(hub.asked).encode(), "commits": repr(hub.repos).encode()}


@pytest.fixture
def hospital(tmp_path):
    """A folder of DICOM series and a table, planted everywhere."""
    root = tmp_path / FOLDERS["mail address"]
    rng, rows = np.random.default_rng(0), []
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    for i in range(24):
        folder = root / "brain" / f"{FOLDERS['patient']}_{i:02d}"
        folder.mkdir(parents=True)
        for k in range(2):
            name = f"{FOLDERS['file']}_{k}.dcm"
            pixels = (x**2 + y**2 < 0.7) * rng.integers(100, 1000, (32, 32))
            _save_dicom(folder / name, pixels, f"1.2.826.0.1.3680043.8.498.{i + 1}")
            row = {"file_name": f"{folder.name}/{name}", **TABLE, "subject": f"{TABLE['subject']}-{i:02d}"}
            rows.append(row)
    with open(root / "brain" / "metadata.csv", "w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return root


def _save_dicom(path, pixels, series):
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = MRImageStorage
    one.file_meta.MediaStorageSOPInstanceUID = f"{series}.{path.stem[-1]}"
    one.SeriesInstanceUID, one.InstanceNumber = series, int(path.stem[-1])
    one.PhotometricInterpretation, one.SamplesPerPixel = "MONOCHROME2", 1
    one.Rows, one.Columns = pixels.shape
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation = 15, 0
    one.PixelData = pixels.astype("<u2").tobytes()
    for name, value in HEADER.items():
        setattr(one, name, value)
    one.save_as(path, enforce_file_format=True)


def test_the_plants_are_28_and_the_search_finds_each(hospital):
    assert len(PLANTS) == 28
    files = {str(p): p.read_bytes() for p in hospital.rglob("*") if p.is_file()}
    assert {plant for _, plant in leaked(files)} == {*PLANTS} - {*MACHINE.values()}
    assert pydicom.dcmread(next(hospital.rglob("*.dcm"))).PatientName == HEADER["PatientName"]


def test_the_search_looks_into_archives_pictures_and_weights():
    info, plant = PngImagePlugin.PngInfo(), PLANTS[0]
    info.add_text("subject", plant, zip=True)
    picture, archive = io.BytesIO(), io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG", pnginfo=info)
    np.savez_compressed(archive, subject=np.array([plant]))
    files = {
        "a.png": picture.getvalue(),
        "b.npz": archive.getvalue(),
        "c.safetensors": save({"x": np.zeros(2)}, {"from": plant}),
        "d.jsonl.zst": pyarrow.compress(plant.encode(), "zstd", asbytes=True),
        "e.json": json.dumps({"share": TABLE["share"]}).encode(),
        "f": f"x {HEADER['PatientBirthDate']} y".encode(),
    }
    assert {name.partition("/")[0] for name, _ in leaked(files)} == set(files)
    assert not leaked({"digits": f"0.{HEADER['PatientBirthDate']}".encode()})


def test_nothing_planted_is_published(hospital, trained, hub, shared, tmp_path):
    prepared = prepare_data(lookup.load("modalities", "brain"), str(hospital), SMOKE, tmp_path / "run")
    run = trained(rows=terms.of_prepared(prepared), data=prepared)
    (run / "spec.toml").write_text(f'data = "{hospital}"\n')
    _push_and_search(run, hub, shared)


@pytest.mark.slow
def test_nothing_planted_is_published_by_a_run_of_all_stages(hospital, hub, shared, tmp_path):
    words = ["--modalities", "brain", "--profile", "smoke", "--data", hospital, "--out", "run", "--jobs", "1"]
    ended = shared("run", *words, MRIBENCH_OFFLINE="1", **MACHINE)
    assert ended.code == 0, ended.err
    assert all(one.comparability["data"].startswith("local-") for one in results.read_all([tmp_path / "run"]))
    _push_and_search(tmp_path / "run", hub, shared)


def _push_and_search(run, hub, shared):
    words = ["push", run, "--repo", "alice/brain", "--results-to", "alice/board", "--i-know"]
    ended = shared(*words, TABLE_TOKEN=TABLE["token"], HOSTNAME=TABLE["host"], **MACHINE)
    assert ended.code == 0, ended.err
    assert len(hub.repos) == 2 and any(name.endswith(".safetensors") for name in published(hub))
    assert leaked(published(hub)) == set()
    assert socket.gethostname() not in repr(sorted(published(hub)))
