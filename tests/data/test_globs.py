"""Which files of a user's own folder are read: patterns, sessions of one person, and sets that are found again."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import mribench as package
from mribench import profiles, results
from mribench.data.globs import Globs
from mribench.data.prepare import describe, prepare_target
from mribench.data.readers.subjects import subjects_of
from mribench.errors import DataError, InputError

PEOPLE = [f"sub-{i:02d}" for i in range(8)]


def save(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(1, 255, (24, 24), dtype=np.uint8)).save(path)


@pytest.fixture
def scans(tmp_path):
    """Two contrasts of eight people."""
    for i, person in enumerate(PEOPLE):
        for j, name in enumerate(("T1w/a.png", "T1w/b.png", "T2w/c.png")):
            save(tmp_path / "scans" / person / name, 10 * i + j)
    return tmp_path / "scans"


def prepared(folder, out, **options):
    return prepare_target(str(folder), None, profiles.SMOKE, out, **options)


def n_images(found):
    return sum(found.manifest["images"].values())


@pytest.mark.parametrize(
    ("globs", "n"),
    [
        (Globs(include=("T1w",)), 16),  # a folder with all that is in it, at any depth
        (Globs(include=("*.png",)), 24),
        (Globs(include=("sub-*/T2w/*.png",)), 8),
        (Globs(include=("sub-0[0-3]/**",), exclude=("b.png",)), 8),
        (Globs(exclude=("sub-07", "**/T2w/*")), 14),
    ],
)
def test_patterns_choose_files_by_their_relative_path(globs, n, scans, tmp_path):
    found = prepared(scans, tmp_path / "out", globs=globs)
    assert n_images(found) == n
    assert {word: found.manifest[word] for word in ("include", "exclude")} == globs.as_record()


def test_patterns_enter_the_name_of_the_set_and_the_key_of_its_data(scans, tmp_path):
    whole = prepared(scans, tmp_path / "out")
    part = prepared(scans, tmp_path / "out", globs=Globs(exclude=("T2w",)))
    assert whole.key != part.key and whole.path != part.path
    assert "include" not in whole.manifest


def test_a_pattern_that_leaves_nothing_is_refused(scans, tmp_path, refused):
    said = refused("data", "prepare", scans, "--include", "*FLAIR*", "--out", tmp_path / "out")
    assert "--include '*FLAIR*' leaves none of 24 files" in said and "such as sub-00/T1w/a.png" in said
    with pytest.raises(DataError, match="--exclude 'sub-\\*' leaves none"):
        prepared(scans, tmp_path / "out", globs=Globs(exclude=("sub-*",)))


def test_a_pattern_that_excludes_nothing_is_said(scans, tmp_path, capsys):
    prepared(scans, tmp_path / "out", globs=Globs(exclude=("T9w",)))
    assert "--exclude 'T9w' matches none of 24 files" in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["/etc/*", "", "a**b/c"])
def test_what_is_no_pattern_is_refused(pattern, scans, tmp_path):
    with pytest.raises(InputError, match="no pattern of paths"):
        prepared(scans, tmp_path / "out", globs=Globs(include=(pattern,)))


@pytest.mark.parametrize("data", ["phantom", "spider", "file.npz"])
def test_patterns_are_for_folders_of_ones_own(data, tmp_path, refused, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("file.npz", images=np.zeros((6, 24, 24)), subject=np.arange(6).astype(str))
    words = ("run", "--modalities", "spine" if data == "spider" else "brain", "--data", data)
    assert "choose files of a folder" in refused(*words, "--include", "*.png", "--out", "out")


def test_metadata_may_name_files_that_a_pattern_leaves_out(scans, tmp_path):
    files = sorted(file.relative_to(scans).as_posix() for file in scans.rglob("*.png"))
    rows = [f"{name},{name.split('/')[0]}" for name in files]
    (scans / "metadata.csv").write_text("\n".join(["file_name,subject", *rows]))
    assert n_images(prepared(scans, tmp_path / "out", globs=Globs(exclude=("T2w",)))) == 16
    (scans / "sub-00/T2w/c.png").write_bytes(b"no image")
    assert n_images(prepared(scans, tmp_path / "out", skip_broken=True)) == 23
    # a row without any file is still a mistake
    (scans / "sub-00/T2w/c.png").unlink()
    with pytest.raises(DataError, match=r"names sub-00/T2w/c\.png"):
        prepared(scans, tmp_path / "out", globs=Globs(exclude=("b.png",)))


def test_no_record_of_a_run_holds_a_pattern_which_may_name_a_patient(scans, tmp_path):
    done = package.run(
        modalities="brain",
        data=scans,
        include="T1w",
        exclude=["sub-07"],
        profile="smoke",
        train_steps=1,
        samplers="ddim-1",
        tasks="generation",
        controls="",
        out=tmp_path / "run",
    )
    assert sum(done[0].data["images"].values()) == 14
    assert not {"include", "exclude"} & done[0].provenance["spec"].keys()
    assert 'exclude = ["sub-07"]' in (tmp_path / "run" / "spec.toml").read_text()
    assert "sub-07" not in json.dumps(results.record.to_json(done[0]))


@pytest.mark.parametrize(
    "names",
    [
        ["sub-01_ses-1/T1w.png", "sub-01_ses-2/T1w.png", "sub-02_ses-1/T1w.png"],
        ["sub-01/ses-1/x.png", "sub-01/ses-2/x.png", "sub-02/ses-1/x.png"],
        ["sub-01_ses-1_0001.png", "sub-01_ses-2_0001.png", "sub-02_ses-1_0001.png"],
        ["sub-01_ses-1_T1w.nii.gz", "sub-01_ses-2_run-1_T1w.nii.gz", "sub-02_ses-1_T1w.nii.gz"],
    ],
)
def test_sessions_of_a_person_are_one_subject(names, tmp_path):
    found = subjects_of(tmp_path, names)
    assert [found[name][0] for name in names] == ["sub-01", "sub-01", "sub-02"]


def test_no_session_of_a_person_is_in_another_split(tmp_path):
    for i, person in enumerate(PEOPLE):
        for session in (1, 2):
            save(tmp_path / "bids" / f"{person}_ses-{session}" / "a.png", 2 * i + session)
            save(tmp_path / "bids" / "sourcedata" / f"{person}_ses-{session}" / "a.png", 90 + 2 * i + session)
    found = prepared(tmp_path / "bids", tmp_path / "out")
    splits = [set(getattr(found, name).subjects) for name in ("train", "validation", "test")]
    assert set().union(*splits) == set(PEOPLE) and sum(map(len, splits)) == len(PEOPLE)
    assert n_images(found) == 16


def test_a_set_is_found_from_any_out(scans, tmp_path, monkeypatch):
    monkeypatch.setenv("MRIBENCH_HOME", str(tmp_path / "home"))
    first = prepared(scans, tmp_path / "a")
    with monkeypatch.context() as patched:
        patched.setattr("mribench.data.prepare.build_real", _must_not_run)
        second = prepared(scans, tmp_path / "b")
        assert second.key == first.key and second.path.parent == tmp_path / "b" / "data"
        # one that was changed is passed over for the next
        (second.path / "manifest.json").write_text("{}")
        assert prepared(scans, tmp_path / "c").key == first.key
    shutil.rmtree(tmp_path / "a")
    shutil.rmtree(tmp_path / "b")
    shutil.rmtree(tmp_path / "c")
    assert prepared(scans, tmp_path / "d").key == first.key


def _must_not_run(*args, **kwargs):
    raise AssertionError("prepared again")


def test_frames_and_colours_that_are_not_read_are_said(scans, tmp_path):
    import nibabel as nib

    frames = np.random.default_rng(0).integers(1, 200, (24, 24, 2, 3)).astype(np.int16)
    nib.save(nib.Nifti1Image(frames, np.diag([1, 1, 4, 1])), scans / "sub-01" / "bold.nii.gz")
    rgb = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(scans / "sub-02" / "photo.png")
    Image.fromarray(np.repeat(rgb[..., :1], 3, axis=2)).save(scans / "sub-03" / "grey_as_rgb.png")
    said = describe(prepared(scans, tmp_path / "out"))
    assert "1 volume (read: the first of 3 frames (4-D))" in said
    assert "1 volume (read: luminance of 1 of 1 files, which are in colour)" in said


def test_an_organ_that_nobody_knows_is_refused_as_by_a_run(scans, refused, tmp_path):
    assert "did you mean 'brain'?" in refused("data", "prepare", scans, "--modality", "brian")
    words = ("--against", scans, "--modality", "brian", "--out", tmp_path / "out")
    np.savez(tmp_path / "some.npz", images=np.zeros((16, 32, 32)))
    assert "did you mean 'brain'?" in refused("score", tmp_path / "some.npz", *words)
