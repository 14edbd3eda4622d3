"""Files that cannot be read are named all at once, and left out where somebody asks for it."""

import numpy as np
import pytest
from PIL import Image

from mribench import profiles
from mribench.data.prepare import describe, prepare_target
from mribench.errors import DataError

PEOPLE = 8


@pytest.fixture
def folder(tmp_path):
    """Eight people, two images each."""
    rng = np.random.default_rng(0)
    for person in range(PEOPLE):
        (tmp_path / "own" / f"P{person}").mkdir(parents=True)
        for i in range(2):
            pixels = rng.integers(0, 255, (24, 24)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "own" / f"P{person}" / f"{i}.png")
    return tmp_path / "own"


def damage(folder, people):
    for person in people:
        file = folder / f"P{person}" / "1.png"
        file.write_bytes(file.read_bytes()[:80])


def prepared(folder, **options):
    return prepare_target(str(folder), None, profiles.SMOKE, folder.parent / "out", **options)


def test_all_broken_files_are_named_at_once(folder):
    damage(folder, [1, 4, 6])
    (folder / "P6" / "0.png").write_bytes(b"")
    with pytest.raises(DataError) as refused:
        prepared(folder)
    said = str(refused.value)
    assert said.startswith("4 of 16 files cannot be read: ") and "--skip-broken" in said
    assert all(name in said for name in ("P1/1.png", "P4/1.png", "P6/1.png", "P6/0.png"))


def test_of_many_the_first_twenty_are_named_and_the_rest_counted(folder, monkeypatch):
    from mribench.data.readers import broken

    monkeypatch.setattr(broken, "MAX_NAMED", 2)
    damage(folder, range(5))
    with pytest.raises(DataError, match=r"5 of 16 files cannot be read: .*; and 3 more"):
        prepared(folder)


def test_a_single_broken_file_keeps_its_own_sentence(folder):
    damage(folder, [1])
    with pytest.raises(DataError, match=r"P1/1\.png is damaged or cut off"):
        prepared(folder)


def test_broken_files_are_left_out_where_that_is_asked_for(folder, capsys):
    damage(folder, [1, 4])
    found = prepared(folder, skip_broken=True)
    assert sum(found.manifest["images"].values()) == 2 * PEOPLE - 2
    assert "left out: 2 of 16 files cannot be read: P1/1.png" in capsys.readouterr().err
    # one that is prepared is read without being asked again
    assert prepared(folder).key == found.key


def test_the_sheet_of_pictures_is_always_named(folder):
    found = prepared(folder)
    assert f"pictures   {found.path / 'qa.png'}" in describe(found)


def test_the_command_line_skips_them_too(mribench, refused, folder):
    # other files than above: a set that is prepared is found again
    damage(folder, [2, 5])
    words = "--profile", "smoke", "--out", folder.parent / "out"
    assert "2 of 16 files" in refused("data", "prepare", folder, *words)
    assert mribench("data", "prepare", folder, "--skip-broken", *words).code == 0
