"""Preparation passes any number of images through a bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from mribench.data.slices import SliceRecord
from mribench.data.store import arrow, dataset
from mribench.data.store.spool import Spool

MAKE_AND_PREPARE = """
import json, pathlib, sys, time
from dataclasses import replace
import nibabel as nib, numpy as np
from mribench.data import prepare_data
from mribench.data.store import arrow
from mribench.profiles import SMOKE
from mribench.provenance import peak_memory_gib
from mribench.spec import Modality
# the splits that come back lie on the disk too, as those of large sets do
arrow.LARGEST_IN_MEMORY = 0
folder, subjects, depth = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
y, x = np.mgrid[-1:1:256j, -1:1:256j]
for s in range(subjects):
    (folder / f"in/sub-{s:04d}").mkdir(parents=True)
    wave = [np.sin(rng.uniform(3, 9) * x + rng.uniform(3, 9) * y + i / 9) for i in range(depth)]
    body = np.stack([((x**2 + y**2) < 0.7) * (200 + 90 * w + rng.normal(0, 20, x.shape)) for w in wave], -1)
    nib.save(nib.Nifti1Image(body.clip(0).astype(np.int16), np.diag([1, 1, 3, 1])), folder / f"in/sub-{s:04d}/a.nii.gz")
start, processor = time.time(), time.process_time()
profile = replace(SMOKE, size=256, max_images=10**6)
data = prepare_data(Modality("brain", "Brain", "T1w", print), str(folder / "in"), profile, folder / "out")
peak = peak_memory_gib()["process_peak_gib"]
print(json.dumps({"images": sum(data.manifest["images"].values()), "seconds": time.time() - start,
                  "processor_seconds": time.process_time() - processor, "peak_gib": peak}))
"""


def prepared(folder, subjects: int, depth: int) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", MAKE_AND_PREPARE, str(folder), str(subjects), str(depth)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_a_spooled_image_is_the_image(tmp_path):
    spool, images = Spool(tmp_path), np.random.default_rng(0).integers(0, 255, (5, 7, 6)).astype(np.uint8)
    spooled = [spool.add(image) for image in images]
    for there, image in zip(spooled, images, strict=True):
        np.testing.assert_array_equal(there, image)
        assert there.tobytes() == image.tobytes()
    np.testing.assert_array_equal(np.stack(spooled), images)
    # nothing to find, and nothing to remove after a kill
    assert list(tmp_path.iterdir()) == []


def test_a_set_on_the_disk_is_the_same_set(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    records = {
        name: [
            SliceRecord(rng.integers(0, 255, (16, 16)).astype(np.uint8), f"{name}{i}", i, "")
            for i in range(450)
        ]
        for name in ("train", "validation", "test")
    }
    spool = Spool(tmp_path / "spool")
    spooled = {name: [r._replace(image=spool.add(r.image)) for r in rows] for name, rows in records.items()}
    manifest = {"name": "local:x", "kind": "real", "size": 16}
    dataset.save(tmp_path / "memory", records, manifest)
    dataset.save(tmp_path / "disk", spooled, manifest)
    monkeypatch.setattr(arrow, "LARGEST_IN_MEMORY", 0)
    first, second = dataset.load(tmp_path / "memory"), dataset.load(tmp_path / "disk")
    assert first.key == second.key == dataset.content_key({n: getattr(second, n) for n in records}, 16)
    assert isinstance(second.train.images, np.memmap) and second.train.images.flags.writeable
    np.testing.assert_array_equal(second.test.images, [r.image for r in records["test"]])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_set(tmp_path):
    small, large = prepared(tmp_path / "a", 6, 32), prepared(tmp_path / "b", 48, 32)
    assert (small["images"], large["images"]) == (192, 1536)
    # 1344 images more are 84 MiB of pixels; what may grow is their names
    assert large["peak_gib"] - small["peak_gib"] < 0.03, (small, large)
    # two minutes on two cores for 10,000
    assert large["peak_gib"] < 1.5 and large["processor_seconds"] / 1536 < 2 * 120 / 10_000, (small, large)
