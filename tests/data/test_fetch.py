from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from mirror_server import Mirror
from test_archive import tarred, tree, zipped

from mribench import progress
from mribench.data.cards.card import DatasetCard
from mribench.data.download.fetch import fetch, home
from mribench.errors import DataError

CARD = DatasetCard(
    id="x",
    title="X",
    organ="brain",
    contrast="T1w",
    subjects=None,
    images=None,
    licence="CC0-1.0",
    access="open",
    how_to_apply="ask nicely",
    homepage="https://example.org",
    citation="unverified",
)
LARGE = [f"p{i}/a.png" for i in range(100)]


def large() -> bytes:
    """A zip of LARGE that takes ten chunks to come."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i, name in enumerate(LARGE):
            archive.writestr(name, np.random.default_rng(i).bytes(6000))
    return buffer.getvalue()


@pytest.fixture
def mirror():
    mirror = Mirror()
    yield mirror
    mirror.close()


@pytest.fixture
def served(mirror):
    """served(name, content, *plan) -> a card whose one file is on a server of this machine."""
    return lambda name, content, *plan: replace(CARD, files=(mirror.file(f"/{name}", content, *plan),))


@pytest.mark.parametrize(
    "name, content, expected",
    [
        ("a.zip", zipped(["p1/a.png", "p2/b.png"]), ["p1/a.png", "p2/b.png"]),
        ("a.tar.gz", tarred(["p1/a.png"]), ["p1/a.png"]),
        ("download", tarred(["p1/a.png"]), ["p1/a.png"]),
        ("a.npz", zipped(["images.npy"]), ["a.npz"]),
        ("a%20b.nii.gz", b"x", ["a b.nii.gz"]),
    ],
    ids=["zip", "tar", "no suffix", "npz", "one file"],
)
def test_files_are_fetched_and_unpacked(tmp_path, served, name, content, expected):
    card = served(name, content)
    assert fetch(card, tmp_path / "cache") == tmp_path / "cache/datasets/x"
    assert tree(tmp_path / "cache/datasets/x") == expected
    # what was downloaded is gone, and nothing else lies about
    assert {path.split("/")[0] for path in tree(tmp_path / "cache")} <= {"datasets", "locks"}


def test_several_files_make_one_folder(tmp_path, mirror):
    files = [
        mirror.file("/a.zip", zipped(["p1/a"])),
        mirror.file("/1/b.nii", b"1"),
        mirror.file("/2/b.nii", b"2"),
    ]
    folder = fetch(replace(CARD, files=tuple(files)), tmp_path)
    first, second, third = tree(folder)
    assert {third, second} >= {"p1/a"} or first == "p1/a" or "p1/a" in tree(folder)
    assert sorted((folder / f).read_bytes() for f in tree(folder)) == [b"1", b"2", b"x"]


def test_a_second_fetch_needs_no_network(tmp_path, served, mirror):
    card = served("a.zip", zipped(["p1/a.png"]))
    folder = fetch(card, tmp_path)
    mirror.contents.clear()
    assert fetch(card, tmp_path) == folder and len(mirror.asked) == 1


def test_a_mirror_of_the_card_is_used(tmp_path, mirror):
    file = mirror.file("/a.zip", zipped(["p1/a"]), {"status": 404})
    mirror.file("/b.zip", zipped(["p1/a"]))
    card = replace(CARD, files=(replace(file, mirrors=(mirror.url("/b.zip"),)),))
    assert tree(fetch(card, tmp_path)) == ["p1/a"]


def test_a_wrong_checksum_leaves_nothing(tmp_path, served):
    card = served("a.zip", zipped(["p1/a.png"]))
    wrong = replace(card, files=(replace(card.files[0], sha256="0" * 64),))
    with pytest.raises(DataError, match=r"a\.zip has sha256 .*the card says 0{64}"):
        fetch(wrong, tmp_path / "cache")
    assert not (tmp_path / "cache/datasets").exists()


@pytest.mark.parametrize(
    "content",
    [zipped(["p1/a", "../../evil"]), tarred([str(i) for i in range(99)])[:-60]],
    ids=["reaches out", "cut"],
)
def test_a_bad_archive_leaves_nothing(tmp_path, served, content):
    with pytest.raises(DataError, match=r"reaches outside its folder|cannot be unpacked"):
        fetch(served("a", content), tmp_path / "cache")
    assert list((tmp_path / "cache/datasets").iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


def test_progress_is_in_bytes(tmp_path, served):
    content, seen = large(), []
    fetch(served("a.zip", content), tmp_path, lambda *at: seen.append(at))
    assert seen[-1] == (len(content), len(content)) and len(seen) > 3


def test_without_progress_rate_and_time_are_shown(tmp_path, served, capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    fetch(served("a.zip", large()), tmp_path)
    said = capsys.readouterr().err
    assert "fetch x [MB]: " in said and said.rstrip().endswith("MB/s")


def test_space_is_asked_for_first(tmp_path, served, mirror, monkeypatch):
    card = served("a.zip", large())
    free = type("Usage", (), {"free": (100 << 20) + len(large())})
    monkeypatch.setattr("mribench.data.download.download.shutil.disk_usage", lambda path: free)
    with pytest.raises(DataError, match=r"x needs .* are free; make room, or set MRIBENCH_HOME"):
        fetch(card, tmp_path)
    # what the card says is enough: the server is not asked
    assert mirror.asked == [] and mirror.sized == []


def test_without_sizes_on_the_card_the_servers_are_asked_before_the_first_byte(tmp_path, mirror, monkeypatch):
    files = [mirror.file(f"/{name}.zip", large(), size=False) for name in "ab"]
    card = replace(CARD, files=tuple(files))
    # room for both archives, but not for what they unpack to
    free = type("Usage", (), {"free": (100 << 20) + 3 * len(large())})
    monkeypatch.setattr("mribench.data.download.download.shutil.disk_usage", lambda path: free)
    with pytest.raises(DataError, match=r"x needs .* are free; make room, or set MRIBENCH_HOME"):
        fetch(card, tmp_path)
    assert mirror.asked == [] and mirror.sized == ["/a.zip", "/b.zip"]


def test_a_server_that_tells_no_size_is_fetched_from_and_this_is_said(tmp_path, mirror, capsys):
    untold = mirror.file("/a.zip", zipped(["p1/a"]), {"head": False}, size=False)
    assert tree(fetch(replace(CARD, files=(untold,)), tmp_path / "1")) == ["p1/a"]
    told = mirror.file("/b.zip", zipped(["p2/b"]))
    fetch(replace(CARD, files=(untold, told)), tmp_path / "2")
    fetch(replace(CARD, files=(told,)), tmp_path / "3")
    unknown = "of unknown size (free space is checked as it comes), licence CC0-1.0"
    assert [line for line in capsys.readouterr().err.splitlines() if "licence" in line] == [
        f"x: 1 file {unknown}",
        f"x: 2 files, 0 MB and 1 {unknown}",
        "x: 1 file, 0 MB, licence CC0-1.0",
    ]


@pytest.fixture
def md5_only(mirror):
    """A card whose source publishes an MD5 only, and the bytes that it means."""
    content = tarred(["p1/a.png"])
    file = mirror.file("/a.tar", content)
    file = replace(file, sha256="unverified", md5=hashlib.md5(content).hexdigest())
    return replace(CARD, files=(file,)), content


def test_an_md5_opens_no_download_and_is_shown_with_the_address(tmp_path, md5_only, mirror):
    card, _ = md5_only
    with pytest.raises(DataError) as caught:
        fetch(card, tmp_path)
    said = str(caught.value)
    assert f"{card.files[0].url} (MD5 {card.files[0].md5})" in said and "\n" not in said
    assert str(tmp_path / "downloads/x") in said and str(tmp_path / "datasets/x") in said
    assert mirror.asked == []


def test_an_archive_that_a_user_downloaded_is_checked_and_unpacked(tmp_path, md5_only):
    card, content = md5_only
    place = tmp_path / "downloads/x/called as the browser likes.tar"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"cut" + content)
    with pytest.raises(
        DataError, match=r"None of the files in .* is .*/a\.tar, whose MD5 is .* by the card \("
    ):
        fetch(card, tmp_path)
    assert not (tmp_path / "datasets").exists()
    place.write_bytes(content)
    assert tree(fetch(card, tmp_path)) == ["p1/a.png"]
    # it is the user's own
    assert place.is_file()


def test_an_account_does_not_keep_a_sha256_from_being_checked(tmp_path, served):
    content = zipped(["p1/a.png"])
    card = replace(served("download", content), access="registration")
    with pytest.raises(
        DataError, match=r"access registration: ask nicely.*/download \(sha256 [0-9a-f]{64}\)"
    ):
        fetch(card, tmp_path)
    (tmp_path / "downloads/x").mkdir(parents=True)
    (tmp_path / "downloads/x/download").write_bytes(content)
    assert tree(fetch(card, tmp_path)) == ["p1/a.png"]


def test_two_processes_at_once_fetch_once(tmp_path, served, mirror):
    card = served("a.zip", large(), {"pause": 0.05})
    with ProcessPoolExecutor(2) as pool:
        folders = [run.result() for run in [pool.submit(fetch, card, tmp_path) for _ in range(2)]]
    assert folders == [tmp_path / "datasets/x"] * 2 and len(mirror.asked) == 1
    assert len(tree(folders[0])) == len(LARGE)


@pytest.mark.parametrize("moment", range(6))
def test_killed_at_any_time_the_next_call_repairs(tmp_path, served, mirror, moment):
    """Moments from the first bytes to the unpacking of 100 files; every one in a fresh cache."""
    card = served("a.zip", large(), {"pause": 0.03}, {})
    code = (
        "import pickle, pathlib; from mribench.data.download.fetch import fetch\n"
        f"card = pickle.loads({__import__('pickle').dumps(card)!r}); print('go', flush=True)\n"
        f"fetch(card, pathlib.Path({str(tmp_path)!r}), print)"
    )
    child = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
    time.sleep(0.05 + 0.1 * moment)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert tree(fetch(card, tmp_path)) == sorted(LARGE)
    assert os.listdir(tmp_path / "datasets") == ["x"] and os.listdir(tmp_path / "downloads") == []


def test_what_must_be_applied_for_says_how_and_where(tmp_path):
    card = replace(CARD, access="agreement")
    with pytest.raises(DataError, match=r"access agreement: ask nicely.*https://example\.org.*datasets/x"):
        fetch(card, tmp_path)
    (tmp_path / "datasets/x").mkdir(parents=True)
    (tmp_path / "datasets/x/a.png").write_bytes(b"x")
    assert fetch(card, tmp_path) == tmp_path / "datasets/x"


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("MRIBENCH_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("MRIBENCH_HOME")
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
        assert home() == tmp_path / "c" / "mribench"
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert home() == tmp_path / ".cache" / "mribench"
