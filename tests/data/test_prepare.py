from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from mribench import files
from mribench.data import describe, load, prepare_data, source
from mribench.data.cards import terms
from mribench.errors import DataError, InputError
from mribench.spec import PhantomSlice

PEOPLE = [f"p{i}" for i in range(12)]


def test_phantom(tmp_path, modality, profile):
    prepared = prepare_data(modality, "phantom", profile, tmp_path)
    assert (prepared.kind, prepared.name) == ("phantom", "phantom")
    assert prepared.path.parent == tmp_path / "data" and prepared.path.name.startswith("brain-")
    parts = [prepared.train, prepared.validation, prepared.test]
    assert sum(len(part) for part in parts) == 24
    assert {s for part in parts for s in part.subjects} == {f"brain-{i:04d}" for i in range(8)}
    first = parts[0]
    drawn = modality.phantom(0, int(first.subjects[0][-4:]), 0, size=16).image
    np.testing.assert_array_equal(first.images[0], np.rint(drawn * 255))


def test_the_phantom_is_drawn_once(tmp_path, modality, profile):
    seen = []

    def prepare():
        return prepare_data(modality, "phantom", profile, tmp_path, progress=lambda *at: seen.append(at))

    first = prepare()
    assert seen[0] == (3, 24) and seen[-1] == (24, 24)  # a subject at a time
    seen.clear()
    assert prepare().key == first.key
    assert seen == []


@pytest.mark.parametrize("change", [{"phantom_subjects": 9}, {"size": 24}, {"max_images": 20}, "seed"])
def test_what_changes_the_phantom_makes_a_new_folder(tmp_path, modality, profile, change):
    first = prepare_data(modality, "phantom", profile, tmp_path)
    if change == "seed":
        second = prepare_data(modality, "phantom", profile, tmp_path, seed=1)
    else:
        second = prepare_data(modality, "phantom", replace(profile, **change), tmp_path)
    assert second.path != first.path and second.key != first.key


@pytest.mark.parametrize("image", [np.full((16, 16), np.nan), np.full((16, 16), 3.0), np.zeros((8, 16))])
def test_a_phantom_that_breaks_its_contract_is_refused(tmp_path, modality, profile, image):
    broken = replace(modality, phantom=lambda *a, **k: PhantomSlice(image, image, {}))
    with pytest.raises(DataError, match=r"The phantom of brain drew shape .* fix the plugin"):
        prepare_data(broken, "phantom", profile, tmp_path)


def test_a_file_a_folder_and_a_subfolder(tmp_path, modality, profile, npz, pictures):
    path = npz(PEOPLE)
    direct = prepare_data(modality, str(path), profile, tmp_path / "out")
    folder = prepare_data(modality, str(path.parent), profile, tmp_path / "out")
    assert direct.name == folder.name == f"local-{direct.key[:8]}"
    assert direct.key == folder.key and direct.kind == "real"
    root = tmp_path / "pictures"
    for i, picture in enumerate(pictures(8)):
        (root / f"brain/p{i}").mkdir(parents=True)
        Image.fromarray(picture).save(root / f"brain/p{i}/a.png")
    pictures = prepare_data(modality, str(root), profile, tmp_path / "out")
    assert pictures.name == f"local-{pictures.key[:8]}" != direct.name


def test_the_name_of_a_folder_stays_in_one_file_of_the_run(tmp_path, modality, profile, npz):
    folder, out = tmp_path / "anna.mueller@clinic.org", tmp_path / "out"
    folder.mkdir()
    npz(PEOPLE).rename(folder / "brain.npz")
    prepared = prepare_data(modality, str(folder), profile, out)
    written = [path for path in out.rglob("*") if path.is_file()]
    assert {path.name for path in written if b"mueller" in path.read_bytes()} == {source.SOURCES}
    assert not [path for path in out.rglob("*") if "mueller" in path.name]
    assert source.noted_sources(out / "data") == {prepared.name: str(folder)}


def test_a_chosen_name_is_that_of_the_set_and_its_terms(tmp_path, modality, profile, npz):
    path, out = str(npz(PEOPLE)), tmp_path / "out"
    unnamed = prepare_data(modality, path, profile, out)
    named = prepare_data(modality, path, profile, out, name="clinic-2024")
    assert (named.name, named.key) == ("clinic-2024", unnamed.key) and named.path != unnamed.path
    assert [row["data"] for row in terms.of_prepared(named)] == ["clinic-2024"]
    assert prepare_data(modality, path, profile, out).name == unnamed.name
    assert source.noted_sources(out / "data") == {unnamed.name: path, "clinic-2024": path}


def test_a_set_of_an_earlier_version_is_found_and_keeps_its_name(tmp_path, modality, profile, npz):
    path = npz(PEOPLE)
    today = prepare_data(modality, str(path), profile, tmp_path / "out")
    manifest = today.path / "manifest.json"
    old = json.loads(manifest.read_text()) | {"name": "local:brain.npz"}
    old["terms"] = [terms.of_local("local:brain.npz")]
    files.write_sealed_json(manifest, old)
    again = prepare_data(modality, str(path), profile, tmp_path / "out")
    assert (again.path, again.name) == (today.path, "local:brain.npz")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("anna@clinic.org", "letters, digits, dots"),
        ("Anna Mueller", "letters, digits, dots"),
        ("../up", "letters, digits, dots"),
        (".hidden", "letters, digits, dots"),
        ("x" * 65, "letters, digits, dots"),
        ("", "letters, digits, dots"),
        ("phantom", "is the name of other data"),
        ("acdc", "is the name of other data"),
        ("local-01234567", "is the name of other data"),
    ],
)
def test_a_name_that_cannot_be_published_is_refused(tmp_path, modality, profile, npz, name, said):
    with pytest.raises(InputError, match=said):
        prepare_data(modality, str(npz(PEOPLE)), profile, tmp_path / "out", name=name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", ["phantom", "acdc", "acdc+scd"])
def test_a_phantom_and_a_card_have_their_names(tmp_path, modality, profile, data):
    with pytest.raises(InputError, match=f"{re.escape(data)} has its name"):
        prepare_data(modality, data, profile, tmp_path / "out", name="clinic")


def test_no_path_of_this_machine_is_kept(tmp_path, modality, profile, npz):
    prepared = prepare_data(modality, str(npz(PEOPLE)), profile, tmp_path / "out")
    for file in prepared.path.rglob("*"):
        if file.is_file():
            assert str(tmp_path).encode() not in file.read_bytes(), file


@pytest.mark.parametrize("other", ["heart.npz", "kidney"])
def test_another_organ_is_never_taken(tmp_path, modality, profile, npz, other):
    if other.endswith(".npz"):
        npz(PEOPLE, name=other)
    else:
        (tmp_path / other / "p1").mkdir(parents=True)
    with pytest.raises(DataError, match=f"holds {other} but neither brain.npz nor brain/"):
        prepare_data(modality, str(tmp_path), profile, tmp_path / "out")


def test_an_unknown_name_is_refused(tmp_path, modality, profile):
    with pytest.raises(
        DataError, match=r"'nowhere' is neither 'phantom', nor a dataset card .*check the name"
    ):
        prepare_data(modality, "nowhere", profile, tmp_path)


def test_splits_share_no_subject_and_no_image(tmp_path, modality, profile, npz, pictures):
    images = pictures(36)
    # another subject with another window
    images[30] = images[5]
    prepared = prepare_data(modality, str(npz(PEOPLE * 3, images=images)), profile, tmp_path / "out")
    for a, b in combinations((prepared.train, prepared.validation, prepared.test), 2):
        assert not set(a.subjects) & set(b.subjects)
        assert not {image.tobytes() for image in a.images} & {image.tobytes() for image in b.images}
    (reason,) = prepared.manifest["dropped_counts"]
    assert reason.startswith("same pixels as an image of another subject: perhaps one person")
    assert reason in describe(prepared)


def test_a_new_subject_moves_no_other(tmp_path, modality, profile, npz, pictures):
    people = [f"q{i}" for i in range(59)]
    roomy = replace(profile, max_images=1000)

    def splits(subjects):
        path = npz(subjects, images=pictures(60)[: len(subjects)])
        found = prepare_data(modality, str(path), roomy, tmp_path / "out")
        assert not found.manifest["adjusted"]
        return {s: name for name in ("train", "validation", "test") for s in getattr(found, name).subjects}

    before, after = splits(people), splits([*people, "new"])
    assert after.pop("new") and after == before


def test_the_same_input_gives_the_same_key_anywhere(tmp_path, modality, profile, npz):
    path = npz(PEOPLE)
    keys = {prepare_data(modality, str(path), profile, tmp_path / out).key for out in ("a", "b")}
    assert len(keys) == 1


def test_an_edited_input_is_noticed(tmp_path, modality, profile, pictures):
    root = tmp_path / "pictures"
    root.mkdir()
    for i, picture in enumerate(pictures(8)):
        Image.fromarray(picture).save(root / f"p{i}_0.png")
    first = prepare_data(modality, str(root), profile, tmp_path)
    # same bytes, other times: found again
    (root / "p0_0.png").touch()
    assert prepare_data(modality, str(root), profile, tmp_path).path == first.path
    rows = "".join(f"p{i}_0.png,{'ann' if i < 2 else i}\n" for i in range(8))
    (root / "metadata.csv").write_text("file_name,subject\n" + rows)
    second = prepare_data(modality, str(root), profile, tmp_path)
    assert second.path != first.path
    assert "ann" in {s for part in (second.train, second.validation, second.test) for s in part.subjects}
    Image.fromarray(pictures(1, seed=9)[0]).save(root / "p3_0.png")
    assert prepare_data(modality, str(root), profile, tmp_path).key != second.key


def test_a_set_says_itself_whether_it_is_mri(tmp_path, modality, profile):
    microscopy = replace(modality, is_mri=False)
    for organ in (modality, microscopy):
        made = prepare_data(organ, "phantom", profile, tmp_path / str(organ.is_mri))
        assert made.is_mri == organ.is_mri == load(made.path).is_mri
    # manifests of earlier versions do not say it
    manifest = made.path / "manifest.json"
    files.write_sealed_json(manifest, {k: v for k, v in files.read_json(manifest).items() if k != "is_mri"})
    assert not load(made.path, microscopy).is_mri
    assert not prepare_data(microscopy, "phantom", profile, tmp_path / "False").is_mri


def test_a_damaged_folder_is_made_again(tmp_path, modality, profile, npz, caplog):
    path = npz(PEOPLE)
    first = prepare_data(modality, str(path), profile, tmp_path / "out")
    file = next(first.path.rglob("*.arrow"))
    file.write_bytes(file.read_bytes()[:-100])
    second = prepare_data(modality, str(path), profile, tmp_path / "out")
    assert (second.key, second.path) == (first.key, first.path)
    assert "was changed" in caplog.text
    assert [p.name for p in (tmp_path / "out/data").iterdir() if p.is_dir()] == [first.path.name]


def test_two_processes_at_once(tmp_path, modality, profile):
    with ProcessPoolExecutor(2) as pool:
        runs = [pool.submit(prepare_data, modality, "phantom", profile, tmp_path) for _ in range(4)]
        assert len({run.result().key for run in runs}) == 1
    assert len(list((tmp_path / "data").iterdir())) == 1


def test_too_few_subjects(tmp_path, modality, profile, npz):
    with pytest.raises(DataError, match=r"Found 2 subject\(s\) \(a, b\)"):
        prepare_data(modality, str(npz(["a", "b", "b"])), profile, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("manifest.json"))


def test_a_subject_without_a_usable_image_is_named(tmp_path, modality, profile, npz, pictures):
    images = pictures(4)
    images[2] = 9
    with pytest.raises(DataError, match=r"Subject c has no usable image \(1 constant\)"):
        prepare_data(modality, str(npz(list("abcd"), images=images)), profile, tmp_path / "out")


def test_the_limit_keeps_every_subject(tmp_path, modality, profile, npz):
    small = replace(profile, max_images=15)
    prepared = prepare_data(modality, str(npz(PEOPLE * 4)), small, tmp_path / "out")
    parts = [prepared.train, prepared.validation, prepared.test]
    assert sum(len(p) for p in parts) == 15 and sum(p.n_subjects for p in parts) == 12
    assert prepared.manifest["available"] == 48


def test_the_manifest_tells_how_it_was_made(tmp_path, modality, profile, npz, pictures):
    images = pictures(13)
    images[12] = 0
    prepared = prepare_data(modality, str(npz([*PEOPLE, "p0"], images=images)), profile, tmp_path / "out")
    manifest = prepared.manifest
    assert manifest["size"] == 16 and manifest["seed"] == 0 and manifest["key"] == prepared.key
    assert {w["subject"] for w in manifest["windows"]} == set(PEOPLE)
    assert all(w["low"] < w["high"] for w in manifest["windows"])
    assert manifest["dropped"] == [
        {"subject": "p0", "source": "brain.npz", "slice": 1, "reason": "constant"},
    ]
    text = describe(prepared)
    assert f"local-{prepared.key[:8]} (real), 16x16" in text and "1 images  (constant)" in text
    assert f"train      {len(prepared.train):>6} images" in text


def test_importing_the_data_layer_is_light():
    code = "import sys, mribench.data; print(*{'torch', 'datasets', 'nibabel', 'pydicom'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
