from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from mribench.data.download import archive as module
from mribench.data.download.archive import is_archive, unpack
from mribench.errors import DataError


def zipped(names, **changes) -> bytes:
    """changes: attributes of every entry, as zipfile.ZipInfo calls them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in changes.items():
                setattr(info, key, value)
            archive.writestr(info, b"" if name.endswith("/") else b"x")
    return buffer.getvalue()


def tarred(names, how="w:gz", **changes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=how) as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 1
            for key, value in changes.items():
                setattr(entry, key, value)
            archive.addfile(entry, io.BytesIO(b"x"))
    return buffer.getvalue()


def tree(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def unpacked(tmp_path):
    def call(content: bytes, name="a") -> list[str]:
        (tmp_path / name).write_bytes(content)
        (tmp_path / "in/out").mkdir(parents=True, exist_ok=True)
        unpack(tmp_path / name, tmp_path / "in/out")
        return tree(tmp_path / "in/out")

    yield call
    # whatever was tried, nothing lies elsewhere
    assert not [p for p in tree(tmp_path) if p.startswith("in/") and not p.startswith("in/out/")]


@pytest.mark.parametrize(
    "content",
    [
        zipped(["p1/", "p1/a.png", "p2/b.png"]),
        zipped(["p1\\a.png", "./p2/b.png"]),
        tarred(["p1/a.png", "./p2/b.png"], "w:gz"),
        tarred(["p1/a.png", "p2/b.png"], "w"),
        tarred(["p1/a.png", "p2/b.png"], "w:bz2"),
        tarred(["p1/a.png", "p2/b.png"], "w:xz"),
    ],
    ids=["zip", "zip of windows", "tar.gz", "tar", "tar.bz2", "tar.xz"],
)
def test_every_kind_is_unpacked(unpacked, tmp_path, content):
    assert unpacked(content) == ["p1/a.png", "p2/b.png"]
    assert (tmp_path / "in/out/p1/a.png").read_bytes() == b"x"
    assert is_archive(tmp_path / "a")


@pytest.mark.parametrize("name", ["../evil", "/evil", "p/../../evil", "C:\\evil", "..\\evil", "\\evil"])
@pytest.mark.parametrize("make", [zipped, tarred])
def test_nothing_reaches_outside(unpacked, make, name):
    with pytest.raises(DataError, match="reaches outside its folder; do not use it"):
        unpacked(make([name]))


@pytest.mark.parametrize(
    "content",
    [
        tarred(["l"], type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0),
        tarred(["l"], type=tarfile.SYMTYPE, linkname="p1", size=0),
        tarred(["l"], type=tarfile.LNKTYPE, linkname="../../x", size=0),
        tarred(["l"], type=tarfile.CHRTYPE, size=0),
        tarred(["l"], type=tarfile.FIFOTYPE, size=0),
        zipped(["l"], external_attr=(stat.S_IFLNK | 0o777) << 16),
        zipped(["l"], external_attr=(stat.S_IFCHR | 0o600) << 16),
    ],
    ids=["symlink", "symlink inside", "hard link", "device", "fifo", "zip symlink", "zip device"],
)
def test_links_and_devices_are_refused(unpacked, content):
    with pytest.raises(DataError, match="'l', which is a link or a device"):
        unpacked(content)


def test_modes_are_not_kept(unpacked, tmp_path):
    unpacked(tarred(["a"], mode=0o6777))
    assert (tmp_path / "in/out/a").stat().st_mode & 0o7111 == 0


def test_a_bomb_is_refused(unpacked, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ALWAYS_ALLOWED", 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(1_000_000))
    with pytest.raises(DataError, match="unpacks to far more than its size allows"):
        unpacked(buffer.getvalue())
    lying = buffer.getvalue().replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(DataError):
        unpacked(lying, "b")
    assert sum(p.stat().st_size for p in (tmp_path / "in").rglob("*") if p.is_file()) < 10_000
    monkeypatch.setattr(module, "MOST_ENTRIES", 2)
    with pytest.raises(DataError, match="far more"):
        unpacked(tarred("xyz"), "c")


@pytest.mark.parametrize(
    "content, why",
    [
        (zipped(["a", "a"]), "exists"),
        (zipped(["a", "a/b"]), "Not a directory|exists"),
        (tarred([str(i) for i in range(99)])[:-60], "end"),
        (tarred(["a"], "w")[:400] + b"x" * 112 + tarred(["b"], "w"), "header|checksum"),
        (zipped(["a"]).replace(b"a", b"b", 1), "differ"),
    ],
    ids=["twice", "file and folder", "cut", "header", "names differ"],
)
def test_damage_is_one_sentence(unpacked, content, why):
    with pytest.raises(DataError, match=rf"^a cannot be unpacked \(.*({why})") as caught:
        unpacked(content)
    assert "tmp" not in str(caught.value) and "\n" not in str(caught.value)


def test_an_encrypted_zip_is_told(unpacked):
    content = bytearray(zipped(["a"]))
    # bit 0 of the flags, in the local header and in the directory
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        unpacked(bytes(content))


@pytest.mark.parametrize("name, content", [("a.npz", zipped(["images.npy"])), ("a.nii", b"x" * 2000)])
def test_what_is_no_archive_stays(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert not is_archive(tmp_path / name)
