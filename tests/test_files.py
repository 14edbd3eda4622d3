"""Whole or not at all: files and folders under failure, and names from content."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from mribench import files, hashing

KILLED = """
import os, signal, sys
from pathlib import Path
from mribench import files

with files.new_folder(Path(sys.argv[1])) as folder, files.new_file(Path(sys.argv[1] + ".txt")) as file:
    (folder / "half").write_text("x")
    file.write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""

KILLED_BEFORE_THE_DIGEST = """
import os, signal, sys
from pathlib import Path
from mribench import files

files.write_text = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
files.write_sealed(Path(sys.argv[1]), b"content")
"""


def put(path, text, is_valid=None):
    with files.new_folder(path, is_valid) as folder:
        (folder / "x").write_text(text)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


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


def test_a_valid_folder_of_a_faster_writer_stays(tmp_path):
    put(tmp_path / "made", "first", lambda path: True)
    put(tmp_path / "made", "second", lambda path: True)
    assert (tmp_path / "made" / "x").read_text() == "first" and names_in(tmp_path) == ["made"]


def test_an_invalid_folder_is_replaced(tmp_path):
    put(tmp_path / "made", "bad", lambda path: True)
    put(tmp_path / "made", "good", lambda path: False)
    assert (tmp_path / "made" / "x").read_text() == "good" and names_in(tmp_path) == ["made"]


def test_writers_at_once_leave_one_whole_result(tmp_path):
    content = [f"writer {i}" * 1000 for i in range(4)]
    writers = [threading.Thread(target=put, args=(tmp_path / "made", text)) for text in content]
    writers += [threading.Thread(target=files.write_text, args=(tmp_path / "file", text)) for text in content]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (tmp_path / "made" / "x").read_text() in content and (tmp_path / "file").read_text() in content
    assert names_in(tmp_path) == ["file", "made"]


def test_a_sealed_file_is_read_as_it_was_written_or_not_at_all(tmp_path):
    path = tmp_path / "x"
    assert files.read_sealed(path) is None and not files.is_damaged(path)
    files.write_sealed(path, b"content")
    assert files.read_sealed(path) == b"content" and not files.is_damaged(path)
    check = subprocess.run(["sha256sum", "--check", "x.sha256"], cwd=tmp_path, capture_output=True, text=True)
    assert check.returncode == 0 and check.stdout == "x: OK\n"
    path.write_bytes(b"contend")
    assert files.read_sealed(path) is None and files.is_damaged(path)
    files.write_sealed(path, b"content")
    (tmp_path / "x.sha256").write_bytes(b"\xff")
    assert files.read_sealed(path) is None and files.is_damaged(path)


def test_a_file_whose_writer_was_killed_before_its_digest_counts_as_not_written(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED_BEFORE_THE_DIGEST, str(tmp_path / "x")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "x").read_bytes() == b"content" and files.read_sealed(tmp_path / "x") is None


def test_a_killed_writer_leaves_the_old_folder_and_the_next_one_tidies_up(tmp_path):
    put(tmp_path / "made", "old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "made")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "made" / "x").read_text() == "old" and len(names_in(tmp_path)) == 3
    put(tmp_path / "made", "new")
    assert (tmp_path / "made" / "x").read_text() == "new" and names_in(tmp_path) == ["made"]


def test_what_a_living_process_writes_is_not_touched(tmp_path):
    with files.new_folder(tmp_path / "made") as folder, files.new_file(tmp_path / "file") as file:
        file.write_text("x")
        files.remove_stale(tmp_path)
        assert folder.is_dir() and file.is_file()


def test_what_another_host_left_goes_after_a_day(tmp_path):
    foreign = tmp_path / f"{files.TEMPORARY}elsewhere-1-abc"
    foreign.mkdir()
    files.remove_stale(tmp_path)
    assert foreign.exists()
    past = time.time() - 3 * 24 * 3600
    os.utime(foreign, (past, past))
    files.remove_stale(tmp_path)
    assert not foreign.exists()


def test_who_writes_alone_removes_all_that_is_half_written(tmp_path):
    for name in (f"{files.TEMPORARY}elsewhere-1-abc", ".tmp-77-name-of-an-earlier-version.json"):
        (tmp_path / name).write_text("half")
    (tmp_path / "whole").write_text("x")
    files.remove_stale(tmp_path, alone=True)
    assert names_in(tmp_path) == ["whole"]


def test_a_folder_of_many_files_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MANY_FILES", 3)
    with files.new_folder(tmp_path / "made") as folder:
        for i in range(5):
            (folder / str(i)).write_text(str(i))
    assert names_in(tmp_path / "made") == list("01234")


def test_a_key_is_of_the_value_alone():
    assert hashing.json_hash({"a": 1, "b": (1, 2)}) == hashing.json_hash({"b": [1, 2], "a": 1})
    assert hashing.json_hash({"a": 1}) != hashing.json_hash({"a": 2})
    assert len(hashing.json_hash(0)) == 12
    # a key that moved would orphan every folder made before
    assert hashing.json_hash({"a": 1, "b": [1, 2]}) == "e6f20bdc3757"


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert hashing.file_sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")
