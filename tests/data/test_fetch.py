from __future__ import annotations

import functools
import hashlib
import io
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mribench.data.cards import CardFile, DatasetCard
from mribench.data.fetch import fetch, home
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


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(tmp_path):
    """served(name, content) -> a card whose one file is on a server of this machine."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def make(name: str, content: bytes) -> DatasetCard:
        (folder / name).write_bytes(content)
        url = f"http://127.0.0.1:{server.server_port}/{name}"
        return replace(CARD, files=(CardFile(url, hashlib.sha256(content).hexdigest()),))

    yield make
    server.shutdown()
    server.server_close()


def zipped(names) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def tarred(names, link=None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 1
            archive.addfile(entry, io.BytesIO(b"x"))
        if link:
            entry = tarfile.TarInfo("link")
            entry.type, entry.linkname = tarfile.SYMTYPE, link
            archive.addfile(entry)
    return buffer.getvalue()


def tree(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    "name, content, expected",
    [
        ("a.zip", zipped(["p1/a.png", "p2/b.png"]), ["p1/a.png", "p2/b.png"]),
        ("a.tar.gz", tarred(["p1/a.png"]), ["p1/a.png"]),
        ("a.npz", zipped(["images.npy"]), ["a.npz"]),
    ],
    ids=["zip", "tar", "npz"],
)
def test_files_are_fetched_and_unpacked(tmp_path, served, name, content, expected):
    card = served(name, content)
    assert fetch(card, tmp_path / "cache") == tmp_path / "cache/datasets/x"
    assert tree(tmp_path / "cache") == [f"datasets/x/{path}" for path in expected]


def test_a_second_fetch_needs_no_network(tmp_path, served):
    card = served("a.zip", zipped(["p1/a.png"]))
    folder = fetch(card, tmp_path)
    offline = replace(card, files=(CardFile("http://127.0.0.1:9/a.zip", "0" * 64),))
    assert fetch(offline, tmp_path) == folder


def test_a_wrong_checksum_leaves_nothing(tmp_path, served):
    card = served("a.zip", zipped(["p1/a.png"]))
    wrong = replace(card, files=(replace(card.files[0], sha256="0" * 64),))
    with pytest.raises(DataError, match=r"a\.zip has sha256 .*the card says 0{64}"):
        fetch(wrong, tmp_path / "cache")
    assert list((tmp_path / "cache/datasets").iterdir()) == []


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.zip", zipped(["../../evil"])),
        ("b.zip", zipped(["/evil"])),
        ("a.tar.gz", tarred(["../../evil"])),
        ("b.tar.gz", tarred([], link="../../../evil")),
        ("c.tar.gz", tarred([str(i) for i in range(99)])[:-60]),
    ],
    ids=["zip-up", "zip-root", "tar-up", "tar-link", "tar-cut"],
)
def test_an_archive_that_reaches_out_or_is_damaged_is_refused(tmp_path, served, name, content):
    with pytest.raises(DataError, match=r"reaches outside its folder|cannot be unpacked safely"):
        fetch(served(name, content), tmp_path / "cache")
    assert list((tmp_path / "cache/datasets").iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


def test_a_missing_file_is_told(tmp_path, served):
    card = served("a.zip", b"x")
    gone = replace(card, files=(replace(card.files[0], url=card.files[0].url + "x"),))
    with pytest.raises(DataError, match=r"a\.zipx could not be downloaded \(HTTP Error 404"):
        fetch(gone, tmp_path)


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
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert home() == tmp_path / "c" / "mribench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".cache" / "mribench"
