"""What a run must withstand: one sentence and exit code 2 each, nothing half-written and nothing lost.

Here what fails before and around training; a killed or diverging training is in test_train and test_resume.
"""

import errno
import fcntl
import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from mribench import results
from mribench.errors import Unavailable
from mribench.runner import runspec, stages
from mribench.runner.plan import resolve
from mribench.runner.run import run_suite

SUBJECTS = tuple("abcdef")
# everything of a run but the training: seconds instead of minutes
FAST = ("--modalities", "spine", "--profile", "smoke", "--variants", "", "--controls", "noise")


def picture(seed, size=40):
    """float64 (size, size) in [0, 255]: no two alike, none constant."""
    return np.random.default_rng(seed).uniform(0, 255, (size, size))


@pytest.fixture
def folder(tmp_path):
    """A usable data set: six subjects with two 8-bit images each."""
    for number, subject in enumerate(SUBJECTS):
        (tmp_path / "data" / subject).mkdir(parents=True)
        for slice in range(2):
            path = tmp_path / "data" / subject / f"{slice}.png"
            Image.fromarray(picture(10 * number + slice).astype(np.uint8)).save(path)
    return tmp_path / "data"


def npz(path, images, subject=None, **more):
    subject = [f"s{i // 2}" for i in range(len(images))] if subject is None else subject
    np.savez(path, images=images, subject=np.array(subject), **more)
    return path


def contents(folder):
    """name -> bytes of every file below; the lock and the remembered digests of the input are no content."""
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {name: content for name, content in found.items() if name not in (".lock", "data/.digests.json")}


def clean(out):
    """Nothing scored, nothing half-written, no dataset that is not whole."""
    return not out.exists() or set(contents(out)) <= {"spec.toml"}


def truncated(folder):
    path = folder / "c" / "0.png"
    path.write_bytes(path.read_bytes()[:200])
    return folder


def no_image(folder):
    (folder / "c" / "0.png").write_text("hello")
    return folder


def nan_pixels(folder):
    images = np.stack([picture(i) for i in range(12)])
    images[5, 3, 4] = np.nan
    return npz(folder / "x.npz", images)


def infinite_pixels(folder):
    image = picture(99).astype(np.float32)
    image[0, 0] = np.inf
    Image.fromarray(image).save(folder / "c" / "0.tif")
    return folder


def constant(folder):
    for path in (folder / "c").iterdir():
        Image.fromarray(np.full((40, 40), 7, np.uint8)).save(path)
    return folder


def one_pixel(folder):
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(folder / "c" / "0.png")
    return folder


def two_subjects(folder):
    return npz(folder / "x.npz", np.stack([picture(i) for i in range(12)]), ["a"] * 6 + ["b"] * 6)


def no_files(folder):
    (folder / "empty").mkdir()
    return folder / "empty"


def no_images(folder):
    return npz(folder / "x.npz", np.zeros((0, 40, 40)))


def absent(folder):
    return folder / "nowhere"


def pickled(folder):
    np.savez(folder / "x.npz", images=np.array([{"a": 1}], dtype=object), subject=np.array(["a"]))
    return folder / "x.npz"


def no_subjects(folder):
    np.savez(folder / "x.npz", images=np.zeros((4, 40, 40)))
    return folder / "x.npz"


def other_shape(folder):
    return npz(folder / "x.npz", np.zeros((4, 40)))


def other_organ(folder):
    npz(folder / "brain.npz", np.stack([picture(i) for i in range(12)]))
    return folder


BAD_DATA = {
    truncated: ("c/0.png", "damaged or cut off"),
    no_image: ("c/0.png", "not an image"),
    nan_pixels: ("s2", "1 pixels are NaN or infinite"),
    infinite_pixels: ("c", "NaN or infinite"),
    constant: ("Subject c", "constant"),
    one_pixel: ("c", "1x1 pixels"),
    two_subjects: ("2 subject", "3"),
    no_files: ("empty", "no image"),
    no_images: ("x.npz", "N > 0"),
    absent: ("nowhere", "nor a file or folder"),
    pickled: ("x.npz", "no objects"),
    no_subjects: ("x.npz", "no subject"),
    other_shape: ("x.npz", "(4, 40)"),
    other_organ: ("brain.npz", "spine.npz"),
}


@pytest.mark.parametrize("spoil", BAD_DATA, ids=lambda spoil: spoil.__name__)
def test_bad_data_is_refused(spoil, folder, tmp_path, refused):
    out = tmp_path / "out"
    said = refused("run", *FAST, "--data", spoil(folder), "--out", out)
    assert all(part in said for part in BAD_DATA[spoil]), said
    assert str(tmp_path) not in said or spoil is absent
    assert clean(out)


def grey(folder):
    return folder


def colour(folder):
    pixels = np.stack([np.repeat(picture(i)[..., None], 3, -1) for i in range(12)])
    return npz(folder / "x.npz", pixels.astype(np.uint8))


def deep(folder):
    for path in sorted(folder.rglob("*.png")):
        image = np.asarray(Image.open(path)).astype(np.uint16) * 257
        Image.fromarray(image).save(path)
    return folder


@pytest.mark.parametrize("make", [grey, colour, deep], ids=lambda make: make.__name__)
def test_colour_and_16_bit_are_taken(make, folder, tmp_path, mribench):
    words = (*FAST, "--tasks", "denoising", "--data", make(folder), "--out", tmp_path / "out")
    assert mribench("run", *words).code == 0
    assert (tmp_path / "out" / "leaderboard.md").exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_where_the_folder_should_be(place, tmp_path, refused):
    (tmp_path / "file").write_text("mine")
    said = refused("run", *FAST, "--out", tmp_path / place)
    assert "this is a file, and a folder is needed; choose another folder" in said
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_must_not_be_written(tmp_path, refused):
    tmp_path.chmod(0o500)
    try:
        assert "Permission denied" in refused("run", *FAST, "--out", tmp_path / "out")
    finally:
        tmp_path.chmod(0o700)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a finished run."""
    out = tmp_path_factory.mktemp("made") / "out"
    asked = {"modalities": "spine", "profile": "smoke", "variants": "", "controls": "noise"}
    run_suite(runspec.make(**asked, out=str(out)))
    return out


@pytest.fixture
def finished(made, tmp_path):
    """A copy of it, as if it had been made there."""
    out = shutil.copytree(made, tmp_path / "out")
    spec = (out / "spec.toml").read_text()
    (out / "spec.toml").write_text(spec.replace(str(made), str(out)))
    return out


def test_the_resolved_spec_stands_beside_the_results(finished):
    kept = runspec.from_toml(finished / "spec.toml")
    assert kept == resolve(kept).spec
    assert (kept.modalities, kept.profile, kept.variants) == (("spine",), "smoke", ())
    assert kept.samplers and kept.out == str(finished)


def test_a_full_disk_loses_nothing(finished, refused, mribench, monkeypatch):
    before = contents(finished)

    def refuse(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        said = refused("run", *FAST, "--seeds", "0,1", "--out", finished)
    assert "No space left on device; free space or choose another folder" in said
    assert contents(finished) == before
    # with space again the same command goes on
    assert mribench("run", *FAST, "--seeds", "0,1", "--out", finished).code == 0
    after = contents(finished)
    assert {name for name in after if "noise_s1" in name}
    kept = [name for name in before if name.startswith(("data/", "outputs/", "results/"))]
    assert all(after[name] == before[name] for name in kept)


def test_a_disk_that_takes_no_more_bytes(tmp_path, sentence):
    """The kernel itself refuses: files of this process may not grow beyond 4 KiB."""
    run = subprocess.run(
        [sys.executable, "-m", "mribench", "run", *FAST, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert run.returncode == 2 and "File too large" in sentence(run.stderr)
    assert clean(tmp_path / "out")


def test_a_finished_run_is_not_touched_by_running_it_again(finished, mribench):
    before = contents(finished)
    assert mribench("run", *FAST, "--out", finished).code == 0
    assert contents(finished) == before


def test_bad_input_leaves_earlier_results_alone(finished, folder, refused):
    before = contents(finished)
    refused("run", *FAST, "--data", two_subjects(folder), "--out", finished)
    after = contents(finished)
    del before["spec.toml"], after["spec.toml"]
    assert after == before


def test_a_damaged_result_is_made_again_or_named_and_what_a_killed_writer_left_is_not(finished, mribench):
    record = next((finished / "results").rglob("*.json"))
    half = record.read_text()[:300]
    (record.parent / f".tmp-1-{record.name}").write_text(half)
    assert mribench("run", *FAST, "--out", finished).code == 0
    whole = results.read(record)
    record.write_text(half)
    assert mribench("run", *FAST, "--out", finished).code == 0
    assert results.read(record).scores == whole.scores
    # no cell of this run
    other = record.with_name("other.json")
    other.write_text(half)
    ended = mribench("run", *FAST, "--out", finished)
    assert ended.code == 0 and f"{other.name} is not a mribench result" in ended.err


def test_two_runs_never_write_to_one_folder(finished, refused):
    with open(finished / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # the weakest lock that a writer must respect
        said = refused("run", *FAST, "--out", finished)
    assert "another mribench run is writing to" in said and "wait for it or choose another" in said


def test_a_tampered_dataset_is_made_again(finished, mribench):
    (table,) = (finished / "data").rglob("test/*.arrow")
    content = table.read_bytes()
    table.write_bytes(content[:-100] + bytes(100))
    assert mribench("run", *FAST, "--out", finished).code == 0
    assert table.read_bytes() == content


def test_a_task_that_a_model_cannot_answer_is_named(folder, tmp_path, mribench, monkeypatch):
    """A task that did not declare what it needs, so that it was asked."""

    def cannot(*_):
        raise Unavailable("no level in its process")

    monkeypatch.setattr(stages.reading, "produce", cannot)
    ended = mribench("run", *FAST, "--tasks", "denoising", "--data", folder, "--out", tmp_path / "out")
    assert ended.code == 1
    assert "spine_noise_s0 denoising: no level in its process" in ended.err
