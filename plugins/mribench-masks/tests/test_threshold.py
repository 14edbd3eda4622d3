"""Label maps by a threshold: of a nucleus with a dense spot that spot, and a set that `mribench data prepare` takes."""

import subprocess
import sys

import numpy as np
from mribench_masks.threshold import label_map


def nucleus(side=32):
    """A disc of grey 100 with a square of 200 in it, and the label map that it has."""
    y, x = np.mgrid[:side, :side] - side / 2
    truth = (np.hypot(y, x) < side / 3).astype(np.uint8)
    truth[12:20, 12:20] = 2
    return np.array([0, 100, 200], np.uint8)[truth], truth


def threshold(*args):
    command = [sys.executable, "-m", "mribench_masks.threshold", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_dense_spot_is_found_and_nothing_outside():
    image, truth = nucleus()
    found = label_map(image)
    assert ((found > 0) == (truth > 0)).all() and (found != truth).mean() < 0.02
    assert (label_map(np.full((8, 8), 7, np.uint8)) == 1).all() and not label_map(
        np.zeros((8, 8), np.uint8)
    ).any()


def test_the_set_is_prepared_with_its_label_maps(tmp_path):
    image, _ = nucleus()
    images = np.stack([np.roll(image, i, axis=1) for i in range(12)])
    subjects = np.repeat([f"patient {i}" for i in range(6)], 2)
    np.savez(tmp_path / "nuclei.npz", images=images, subject=subjects)
    assert threshold(tmp_path / "nuclei.npz", "--out", tmp_path / "nuclei").returncode == 0
    prepare = [
        "data",
        "prepare",
        tmp_path / "nuclei",
        "--modality",
        "chromatin",
        "--masks",
        "{stem}_mask.png",
    ]
    command = [sys.executable, "-m", "mribench", *prepare, "--out", tmp_path / "runs"]
    made = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert list((tmp_path / "runs" / "data").glob("chromatin-*.fields/labels-*"))
    assert "patient" not in "".join(str(path) for path in (tmp_path / "nuclei").rglob("*"))


def test_what_is_no_such_file_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "float.npz", images=np.zeros((2, 4, 4)), subject=["a", "b"])
    for name in ("text.npz", "float.npz", "missing.npz"):
        refused = threshold(tmp_path / name, "--out", tmp_path / "out")
        assert refused.returncode == 2 and name in refused.stderr and refused.stderr.count("\n") == 1
    assert threshold(tmp_path / "float.npz", "--out", tmp_path).returncode == 2
