from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from mribench.data.atomic import PREFIX, remove_stale, write_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from mribench.data.atomic import write_folder

def write(folder):
    (folder / "half").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)

write_folder(Path(sys.argv[1]), write, is_valid=lambda path: False)
"""


def content(text):
    return lambda folder: (folder / "a").write_text(text)


def always(path):
    return True


def never(path):
    return False


def left(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_folder_appears_complete(tmp_path):
    write_folder(tmp_path / "x" / "data", content("1"), always)
    assert (tmp_path / "x/data/a").read_text() == "1"
    assert left(tmp_path / "x") == ["data"]


def test_a_valid_folder_of_another_process_stays(tmp_path):
    write_folder(tmp_path / "data", content("first"), always)
    write_folder(tmp_path / "data", content("second"), always)
    assert (tmp_path / "data/a").read_text() == "first"
    assert left(tmp_path) == ["data"]


def test_an_invalid_folder_is_replaced(tmp_path):
    write_folder(tmp_path / "data", content("bad"), always)
    write_folder(tmp_path / "data", content("good"), never)
    assert (tmp_path / "data/a").read_text() == "good"
    assert left(tmp_path) == ["data"]


def test_an_error_leaves_nothing(tmp_path):
    def write(folder):
        (folder / "half").write_text("x")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_folder(tmp_path / "data", write, always)
    assert left(tmp_path) == []


def test_a_killed_writer_leaves_the_old_state_and_is_cleaned_up(tmp_path):
    write_folder(tmp_path / "data", content("old"), always)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "data")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "data/a").read_text() == "old"
    assert [name for name in left(tmp_path) if name.startswith(PREFIX)]
    remove_stale(tmp_path)
    assert left(tmp_path) == ["data"]


def test_what_a_living_process_writes_is_not_touched(tmp_path):
    def write(folder):
        remove_stale(tmp_path)
        assert folder.is_dir()

    write_folder(tmp_path / "data", write, always)


def test_what_another_host_left_goes_after_a_day(tmp_path):
    foreign = tmp_path / f"{PREFIX}folder-elsewhere-1-abc"
    foreign.mkdir()
    remove_stale(tmp_path)
    assert foreign.exists()
    past = time.time() - 3 * 24 * 3600
    os.utime(foreign, (past, past))
    remove_stale(tmp_path)
    assert not foreign.exists()
