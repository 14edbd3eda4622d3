"""Whole or not at all: files and folders under failure, and names from content."""

import errno
import os

import pytest

from mribench import files, hashing


@pytest.fixture
def full_disk(monkeypatch):
    """Every byte is accepted and none can be kept, as on a disk that is full when it is flushed."""

    def refuse(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


def test_a_file_is_written_whole(tmp_path):
    path = tmp_path / "a" / "b.json"
    files.write_json(path, {"b": 1, "a": [1.5, None, "ü"]})
    assert files.read_json(path) == {"b": 1, "a": [1.5, None, "ü"]}
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]
    assert path.read_text().index('"a"') < path.read_text().index('"b"')


def test_a_full_disk_names_the_file_and_keeps_the_old_one(tmp_path, full_disk):
    path = tmp_path / "x.json"
    path.write_text("old")
    with pytest.raises(OSError, match="No space left on device") as raised:
        files.write_text(path, "new")
    assert raised.value.filename == str(path) and raised.value.errno == errno.ENOSPC
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_nan_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        files.write_json(tmp_path / "x.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_a_folder_takes_its_name_at_the_end(tmp_path):
    path = tmp_path / "made"
    for content in ("first", "second"):
        with files.new_folder(path) as folder:
            (folder / "sub").mkdir()
            (folder / "sub" / "x").write_text(content)
            assert not path.exists() or (path / "sub" / "x").read_text() == "first"
        assert (path / "sub" / "x").read_text() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path, monkeypatch, request):
    path = tmp_path / "made"
    with files.new_folder(path) as folder:
        (folder / "x").write_text("old")
    with pytest.raises(ZeroDivisionError), files.new_folder(path) as folder:
        (folder / "x").write_text("new")
        raise ZeroDivisionError
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match="No space left"), files.new_folder(path) as folder:
        (folder / "x").write_text("new")
    assert (path / "x").read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_key_is_of_the_value_alone():
    assert hashing.json_hash({"a": 1, "b": (1, 2)}) == hashing.json_hash({"b": [1, 2], "a": 1})
    assert hashing.json_hash({"a": 1}) != hashing.json_hash({"a": 2})
    assert len(hashing.json_hash(0)) == 12
    # a key that moved would orphan every folder made before
    assert hashing.json_hash({"a": 1, "b": [1, 2]}) == "e6f20bdc3757"


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert hashing.file_sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")
