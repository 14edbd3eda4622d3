"""From a card to a trained run with one command: archives on a server of this machine, caches of their own."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

sys.path.insert(0, str(Path(__file__).parent / "data"))
from mirror_server import Mirror

SHARED = Path(__file__).parents[2] / "shared" / "data"
PEOPLE = range(8)
CARD = """
id = "{id}"
title = "A test"
organ = "brain"
other_organs = ["heart", "spine"]
contrast = "T1w"
dimensions = "3D"
format = "{reader}"
reader = "{reader}"
subjects = "unverified"
images = "unverified"
licence = "CC-BY-4.0"
redistributable = true
commercial = true
derived = true
access = "open"
how_to_apply = "nothing to sign"
homepage = "unverified"
citation = "nobody"
subject = "{subject}"
{extra}
repeat_scans = "none"
slices = "{slices}"
spacing_unit = "mm"

[[files]]
url = "{url}"
sha256 = "{sha256}"
bytes = {bytes}
"""


def body(seed: int, n: int = 3, size: int = 40) -> np.ndarray:
    """float64 (n, size, size): an ellipse with a texture of its own."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    inside = x**2 / rng.uniform(0.5, 0.8) + y**2 / rng.uniform(0.5, 0.8) < 1
    return np.stack(
        [inside * (500 + 300 * np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y)) for _ in range(n)]
    )


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def nifti() -> bytes:
    import gzip
    import tarfile

    import nibabel as nib

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for person in PEOPLE:
            image = nib.Nifti1Image(body(person).transpose(1, 2, 0).astype(np.int16), np.diag([1, 1, 4, 1]))
            content = gzip.compress(image.to_bytes())
            entry = tarfile.TarInfo(f"set/IXI{person:03d}-Guys-T1.nii.gz")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def dicom() -> bytes:
    """One flat folder: the subject is named in the files."""
    files = {}
    for person in PEOPLE:
        series = generate_uid()
        for i, pixels in enumerate(body(100 + person)):
            dataset = Dataset()
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
            dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            dataset.SeriesInstanceUID, dataset.PatientID, dataset.InstanceNumber = series, f"Jane {person}", i
            dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "MONOCHROME2", 1
            dataset.Rows, dataset.Columns = pixels.shape
            dataset.BitsAllocated = dataset.BitsStored = 16
            dataset.HighBit, dataset.PixelRepresentation = 15, 0
            dataset.PixelData = pixels.astype("<u2").tobytes()
            buffer = io.BytesIO()
            pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
            files[f"DICOM/IM{3 * person + i:04d}"] = buffer.getvalue()
    return zipped(files)


def png() -> bytes:
    files = {}
    for person in PEOPLE:
        for i, pixels in enumerate(body(200 + person)):
            buffer = io.BytesIO()
            Image.fromarray((pixels / 800 * 255).clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
            files[f"case{person}/images/{i}.png"] = buffer.getvalue()
            files[f"case{person}/masks/{i}.png"] = buffer.getvalue()
    return zipped(files)


MADE = {
    "test_nifti": (
        nifti,
        "a.tar.gz",
        {"reader": "nifti", "subject": "pattern", "subject_pattern": r"IXI(\d+)-"},
    ),
    "test_dicom": (dicom, "download", {"reader": "dicom", "subject": "patient_id"}),
    "test_png": (png, "c.zip", {"reader": "image", "subject": "folder", "include": "**/images/*.png"}),
}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """``world(id, content, name, fields)`` publishes a card; ``world.run(*args)`` is ``mribench`` beside it."""
    mirror = Mirror()
    cards = tmp_path / "cards"
    cards.mkdir()

    def publish(id: str, content: bytes, name: str, fields: dict[str, str], *plan) -> None:
        file = mirror.file(f"/{id}/{name}", content, *plan)
        extra = "\n".join(
            f"{key} = '{fields[key]}'" for key in ("subject_pattern", "include") if key in fields
        )
        known = {"id": id, "slices": "all", "url": file.url, "sha256": file.sha256, "bytes": file.bytes}
        (cards / f"{id}.toml").write_text(CARD.format(**known, extra=extra, **{k: fields[k] for k in fields}))

    def run(*args: str) -> subprocess.CompletedProcess:
        environment = os.environ | {"MRIBENCH_HOME": str(tmp_path / "home"), "MRIBENCH_CARDS": str(cards)}
        command = [sys.executable, "-m", "mribench", *args]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)

    publish.run, publish.mirror, publish.out = run, mirror, tmp_path / "out"
    yield publish
    mirror.close()


def trained(world, id: str, organ: str = "brain") -> dict:
    """Run it, check what came, and give the manifest."""
    args = ["--data", id, "--modalities", organ, "--variants", "ddpm", "--profile", "smoke"]
    ended = world.run("run", *args, "--out", str(world.out / id))
    assert ended.returncode == 0, ended.stderr
    (manifest,) = (world.out / id / "data").glob("*/manifest.json")
    found = json.loads(manifest.read_text())
    assert (found["name"], found["kind"]) == (id, "real") and id in found["cards"]
    records = [json.loads(p.read_text()) for p in (world.out / id).rglob("results/**/*.json")]
    assert records and all(r["comparability"]["data"] == id for r in records)
    assert any(score["value"] is not None for r in records for score in r["scores"])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("id", sorted(MADE))
def test_a_card_goes_from_fetch_to_a_trained_run_by_one_command(world, id):
    make, name, fields = MADE[id]
    # the connection breaks once on the way
    world(id, make(), name, fields, {"stop": 2000}, {})
    manifest = trained(world, id)
    assert sum(manifest["images"].values()) == 24 and sum(manifest["subjects"].values()) == 8
    assert "Jane" not in json.dumps(manifest)
    asked = len(world.mirror.asked)
    assert asked >= 2
    trained(world, id)
    assert len(world.mirror.asked) == asked


def originals(folder: str, pattern: str, rename=lambda path, i: path.name) -> bytes:
    paths = sorted((SHARED / "formats" / folder).glob(pattern))
    return zipped({rename(path, i): path.read_bytes() for i, path in enumerate(paths)})


REAL = {
    # each original stands for a person here: they are too few to tell real people apart
    "real_nifti": ("nifti", "*.nii.gz", "nifti", lambda p, i: f"p{i}/{p.name}"),
    "real_dicom": ("dicom_series_example_structural", "*.dcm", "dicom", lambda p, i: f"p{i // 2}/{p.name}"),
    "real_png": ("png_folder_spider", "*.png", "image", lambda p, i: p.name.split("_")[0] + "/" + p.name),
}


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "formats").is_dir(), reason="needs shared/data/formats beside the checkout")
@pytest.mark.parametrize("id", sorted(REAL))
def test_original_files_go_the_same_way(world, id):
    folder, pattern, reader, rename = REAL[id]
    world(id, originals(folder, pattern, rename), "a.zip", {"reader": reader, "subject": "folder"})
    assert sum(trained(world, id, "spine")["images"].values()) >= 8


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from mribench.data import prepare_data
from mribench.profiles import SMOKE
from mribench.spec import Modality
print("go", flush=True)
profile = replace(SMOKE, size=32)
data = prepare_data(Modality("brain", "Brain", "T1w", print), "test_nifti", profile, Path(sys.argv[1]))
print(data.key, flush=True)
"""


@pytest.mark.slow
def test_killed_twenty_times_the_next_call_repairs(world, tmp_path, monkeypatch):
    """Kills fall anywhere between the first byte of the download and the rename of the prepared set."""
    make, name, fields = MADE["test_nifti"]
    world("test_nifti", make(), name, fields, {"pause": 0.05})
    homes = {"MRIBENCH_HOME": str(tmp_path / "home"), "MRIBENCH_CARDS": str(tmp_path / "cards")}
    rng, keys, cut = np.random.default_rng(0), [], 0
    for i in range(20):
        if i % 5 == 0:
            # from the start again, so that every step is hit
            shutil.rmtree(tmp_path / "home", ignore_errors=True)
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
        command = [sys.executable, "-c", KILLED, str(tmp_path / "out")]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | homes)
        child.stdout.readline()
        time.sleep(rng.uniform(0, 1.5))
        child.kill()
        said = child.communicate()[0].strip()
        keys += [said] if said else []
        cut += not said
        if i % 5 == 4:
            done = subprocess.run(command, capture_output=True, text=True, env=os.environ | homes)
            assert done.returncode == 0, done.stderr
            keys.append(done.stdout.split()[-1])
            # nothing half-made is left
            left = [p.name for folder in ("home/datasets", "out/data") for p in (tmp_path / folder).iterdir()]
            assert not [n for n in left if n.startswith(".tmp-")] and len(left) == 3, left
    assert len(set(keys)) == 1 and cut >= 5, (keys, cut)
