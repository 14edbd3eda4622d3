"""Shipped cards over archives laid out as their sources are: from a server of this machine to a trained board.

A NIfTI zip, a tree of DICOM files, two tars of the Decathlon, a TIFF zip, a MetaImage zip; series of the Imaging Data
Commons are in ``test_idc``. In every archive masks, other contrasts and tables lie beside the images: what a card's
rules let through is counted.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile

import nibabel as nib
import numpy as np
import pydicom
import pytest
from mirror_server import Mirror
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from mribench.data import prepare
from mribench.data.cards import catalogue
from mribench.data.split import SPLITS
from mribench.plugins import lookup
from mribench.sampling.offers import not_applicable, wanted
from mribench.spec import NOT_ANNOTATED
from mribench.variants.ddpm import DDPM

PEOPLE, SLICES, SIZE = range(8), 4, 40


def body(seed):
    """int16 (SLICES, SIZE, SIZE): an ellipse with a texture of its own."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    inside = x**2 / rng.uniform(0.5, 0.8) + y**2 / rng.uniform(0.5, 0.8) < 1
    waves = [np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y) for _ in range(SLICES)]
    return np.stack([inside * (500 + 300 * wave) for wave in waves]).astype(np.int16)


def mask(slices):
    """Set in a corner of these slices."""
    array = np.zeros((SLICES, SIZE, SIZE), np.int16)
    array[slices, 5:15, 5:15] = 1
    return array


def nifti(array):
    return gzip.compress(nib.Nifti1Image(np.moveaxis(array, 0, 2), np.diag([1, 1, 4, 1])).to_bytes())


def picture(array, kind):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


def dicom(pixels, series, i):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID, dataset.PatientID, dataset.InstanceNumber = series, "nobody", i
    dataset.set_pixel_data(pixels.astype(np.uint16), "MONOCHROME2", 16)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def totalseg():
    """Lungs in two of the four slices."""
    files = {"Totalsegmentator_dataset_v300/meta.csv": b"image_id;split"}
    for p in PEOPLE:
        case = f"Totalsegmentator_dataset_v300/s{p:04d}"
        files[f"{case}/mri.nii.gz"] = nifti(body(p))
        for organ in ("lung_left", "lung_right", "heart"):
            files[f"{case}/segmentations/{organ}.nii.gz"] = nifti(mask([1, 2]))
    return zipped(files)


def chaos():
    """T2 SPIR beside both phases of T1 DUAL."""
    files = {}
    for p in PEOPLE:
        for contrast in ("T2SPIR/DICOM_anon", "T1DUAL/DICOM_anon/InPhase", "T1DUAL/DICOM_anon/OutPhase"):
            series = generate_uid()
            for i, pixels in enumerate(body(100 + p)):
                files[f"Train_Sets/MR/{p + 1}/{contrast}/IMG-{i:05d}.dcm"] = dicom(pixels, series, i)
        files[f"Train_Sets/MR/{p + 1}/T2SPIR/Ground/IMG-00000.png"] = picture(
            mask([0])[0].astype(np.uint8), "PNG"
        )
        files[f"Train_Sets/CT/{p + 1}/DICOM_anon/i0000,0000b.dcm"] = dicom(body(p)[0], generate_uid(), 0)
    return zipped(files)


def prostates():
    """Two channels in the fourth axis."""
    images = {}
    for p in PEOPLE:
        t2, adc = (np.moveaxis(body(k + p), 0, 2) for k in (200, 300))
        image = nib.Nifti1Image(np.stack([t2, adc], axis=3), np.diag([1, 1, 4, 1]))
        images[f"prostate_{p:02d}"] = gzip.compress(image.to_bytes())
    return decathlon("Task05_Prostate", images)


def brains():
    """Four channels in the fourth axis: FLAIR, T1w, T1w with gadolinium, T2w."""
    images = {}
    for p in PEOPLE:
        channels = [np.moveaxis(body(k + p), 0, 2) for k in (400, 500, 600, 700)]
        image = nib.Nifti1Image(np.stack(channels, axis=3), np.diag([1, 1, 4, 1]))
        images[f"BRATS_{p:03d}"] = gzip.compress(image.to_bytes())
    return decathlon("Task01_BrainTumour", images)


def atria():
    return decathlon("Task02_Heart", {f"la_{p:03d}": nifti(body(250 + p)) for p in PEOPLE})


def decathlon(task, images):
    """A tar with labels apart, and what macOS leaves in it."""
    files = {f"{task}/dataset.json": b"{}"}
    for name, content in images.items():
        files[f"{task}/imagesTr/{name}.nii.gz"] = content
        files[f"{task}/imagesTr/._{name}.nii.gz"] = b"resource fork"
        files[f"{task}/labelsTr/{name}.nii.gz"] = nifti(mask([1]))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def fields_of_view():
    """Four fields of each of eight wells."""
    files = {}
    for p in PEOPLE:
        for i, pixels in enumerate(body(400 + p)):
            name = f"images/IXMtest_{chr(65 + p)}02_s{i + 1}_w1{p:08X}-7042.tif"
            files[name] = picture(pixels.astype(np.uint16), "TIFF")
    return zipped(files)


def spines():
    """MetaImage: three contrasts of a person side by side."""
    files = {}
    for p in PEOPLE:
        for k, contrast in enumerate(("t1", "t2", "t2_SPACE")):
            header = (
                f"ObjectType = Image\nNDims = 3\nDimSize = {SIZE} {SIZE} {SLICES}\nElementSpacing = 1 1 4\n"
                "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
            )
            files[f"images/{p + 1}_{contrast}.mha"] = header.encode() + body(500 + 10 * k + p).tobytes()
    return zipped(files)


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# card: (archive, the organ asked for, images that its rules let through)
LAYOUTS = {
    "totalseg_mr": (totalseg, "lung", 16),
    "chaos_mr": (chaos, "kidney", 32),
    "msd_heart": (atria, "heart", 32),
    "msd_prostate": (prostates, "prostate", 32),
    "bbbc039": (fields_of_view, "chromatin", 32),
    "spider": (spines, "spine", 32),
}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """world(card, archive) -> the id of a card with the same rules whose file is on a server of this machine."""
    mirror = Mirror()
    (tmp_path / "cards").mkdir()

    def publish(name, content):
        file = mirror.file(f"/{name}", content)
        text = (catalogue.registry() / f"{name}.toml").read_text()
        rules = re.sub(r"\[\[(files|overlaps|evidence)\]\]\n(?:\w+ = .*\n)+\n?", "", text + "\n")
        rules = rules.replace(f'id = "{name}"', f'id = "own_{name}"', 1)
        address = f'[[files]]\nurl = "{file.url}"\nsha256 = "{file.sha256}"\nbytes = {file.bytes}\n'
        (tmp_path / f"cards/own_{name}.toml").write_text(f"{rules}\n{address}")
        return f"own_{name}"

    monkeypatch.setenv("MRIBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MRIBENCH_CARDS", str(tmp_path / "cards"))
    yield publish
    mirror.close()


@pytest.mark.parametrize("name", LAYOUTS)
def test_only_the_images_of_the_asked_organ_come_through(name, world, profile, tmp_path):
    make, organ, images = LAYOUTS[name]
    made = prepare.prepare_target(world(name, make()), organ, profile, tmp_path / "out")
    assert (made.manifest["available"], sum(made.manifest["subjects"].values())) == (images, len(PEOPLE))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, (_, organ, _) in LAYOUTS.items() if organ != "prostate"])
def test_one_command_goes_from_a_shipped_layout_to_a_smoke_board(name, world, tmp_path):
    make, organ, _ = LAYOUTS[name]
    id, out = world(name, make()), tmp_path / "out"
    args = [
        "--data",
        id,
        "--modalities",
        organ,
        "--variants",
        "ddpm",
        "--profile",
        "smoke",
        "--out",
        str(out),
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "mribench", "run", *args],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    assert id in (out / "leaderboard.md").read_text()


def test_frames_and_labels_beside_the_images_become_fields_of_their_own(world, profile, tmp_path):
    name, out = world("msd_prostate", prostates()), tmp_path / "out"
    plain = prepare.prepare_target(name, "prostate", profile, out)
    made = prepare.prepare_target(name, "prostate", profile, out, fields=("labels", "adc", "lesion"))
    assert made.path == plain.path and made.key == plain.key and not plain.fields
    assert set(made.fields) == {"labels", "adc"}
    assert made.fields["labels"].names == ("background", "peripheral zone", "transition zone")
    for split in (made.train, made.validation, made.test):
        labels, adc = split.fields["labels"], split.fields["adc"]
        assert set(np.unique(labels)) == {0, 1} and adc.shape == split.images.shape
        # the layout marks the second slice of four
        assert (labels.any((1, 2)) == (slices_of(made, split) == 1)).all()
        alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(adc, split.images, strict=True)]
        assert max(alike) < 0.99, "another channel"


def test_the_channels_of_a_brain_tumour_set_reach_translation_which_has_no_ceiling_there(
    world, profile, tmp_path
):
    contrasts = pytest.importorskip("mribench_paired.contrasts")
    task, ceiling = lookup.load("tasks", "translation"), lookup.load("solvers", "signal-equation")
    name = world("msd_brain", brains())
    made = prepare.prepare_target(name, "brain", profile, tmp_path, fields=wanted(task, ceiling))
    assert contrasts.shown_contrasts(made.test) == ("t2w", "t1w"), "of the image, which is FLAIR"
    shown = contrasts.channels(made.test)
    assert shown.shape == (len(made.test), 3, *made.test.images.shape[1:])
    assert (shown[:, 0] == made.test.images).all() and (shown[:, 1] == made.test.fields["t2w"]).all()
    assert not_applicable(task, DDPM, made) is None
    assert not_applicable(task, ceiling, made) == "the data have no field clean"


def slices_of(made, split):
    from mribench.data.store.fields import attach

    named = attach(made, ["slice"])
    return next(getattr(named, n) for n in SPLITS if getattr(named, n).subjects == split.subjects).fields[
        "slice"
    ]


@pytest.mark.parametrize("rule", ["all", "middle 0.5"])
def test_a_field_keeps_the_slices_that_the_card_keeps(rule, world, profile, tmp_path):
    """Of lungs the slices that show them, of these perhaps the middle half; the heart is a field."""
    name = world("totalseg_mr", totalseg())
    file = tmp_path / f"cards/{name}.toml"
    row = '[[fields]]\nname = "lesion"\nkind = "mask"\nfiles = ["segmentations/heart.nii.gz"]\n'
    file.write_text(file.read_text().replace('slices = "all"', f'slices = "{rule}"') + f"\n{row}")
    made = prepare.prepare_target(name, "lung", profile, tmp_path / "out", fields=("lesion",))
    masks = np.concatenate([getattr(made, split).fields["lesion"] for split in SPLITS])
    assert len(masks) == (16 if rule == "all" else 8) and masks.any((1, 2)).all()


def test_masks_beside_a_dicom_series_lie_on_its_slices(world, profile, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(chaos())) as found, zipfile.ZipFile(buffer, "w") as kept:
        for name in found.namelist():
            if not name.endswith(".png"):
                kept.writestr(name, found.read(name))
        for p in PEOPLE[1:]:
            for i in range(SLICES):
                liver = 63 * (np.arange(SIZE) < 10 + 5 * i)[:, None] * np.ones((1, SIZE))
                path = f"Train_Sets/MR/{p + 1}/T2SPIR/Ground/IMG-{i:05d}.png"
                kept.writestr(path, picture(liver.astype(np.uint8), "PNG"))
    name = world("chaos_mr", buffer.getvalue())
    made = prepare.prepare_target(name, "kidney", profile, tmp_path / "out", fields=("labels",))
    for split in (made.train, made.validation, made.test):
        where = zip(split.subjects, slices_of(made, split), split.fields["labels"], strict=True)
        for subject, i, labels in where:
            if subject == "1":
                assert (labels == NOT_ANNOTATED).all()
            else:
                rows = round((10 + 5 * int(i)) * len(labels) / SIZE)
                assert (labels[: rows - 1] == 1).all() and not labels[rows + 1 :].any()


def test_images_without_a_mask_are_not_annotated(world, profile, tmp_path):
    archive = prostates()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as found, tarfile.open(fileobj=buffer, mode="w") as kept:
        for entry in found:
            if entry.name != "Task05_Prostate/labelsTr/prostate_03.nii.gz":
                kept.addfile(entry, found.extractfile(entry))
    name = world("msd_prostate", buffer.getvalue())
    made = prepare.prepare_target(name, "prostate", profile, tmp_path / "out", fields=("labels",))
    for split in (made.train, made.validation, made.test):
        for subject, labels in zip(split.subjects, split.fields["labels"], strict=True):
            assert (labels == NOT_ANNOTATED).all() == (subject == "prostate_03")
