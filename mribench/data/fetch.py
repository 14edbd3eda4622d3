"""Bring the files of an open card here: streamed, sha256 checked, unpacked safely, renamed at once."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

from mribench.data.atomic import sync, write_folder
from mribench.data.cards import CardFile, DatasetCard
from mribench.errors import DataError

CHUNK = 1 << 20
TIMEOUT = 60


def home() -> Path:
    """``$MRIBENCH_HOME``, else ``$XDG_CACHE_HOME/mribench``, else ``~/.cache/mribench``."""
    if os.environ.get("MRIBENCH_HOME"):
        return Path(os.environ["MRIBENCH_HOME"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mribench"


def fetch(card: DatasetCard, cache: Path) -> Path:
    """The folder ``<cache>/datasets/<id>`` with the card's files.

    What a user put there is taken as it is; otherwise they are downloaded where that is allowed. Raises
    DataError where access must be asked for, where a checksum is unverified or does not match, where the
    download fails, and for archives that reach outside their folder.
    """
    folder = Path(cache) / "datasets" / card.id
    if folder.is_dir() and any(folder.iterdir()):
        return folder
    if not card.fetchable:
        raise DataError(
            f"{card.id} is not downloaded by mribench (access {card.access}: {card.how_to_apply}); "
            f"get it from {card.homepage} and put the files into {folder}."
        )

    def write(temporary: Path) -> None:
        for file in card.files:
            _unpack(_download(file, temporary, card.id), temporary)
        sync(temporary)

    write_folder(folder, write, is_valid=lambda found: any(found.iterdir()))
    return folder


def _download(file: CardFile, folder: Path, card: str) -> Path:
    name = Path(urllib.parse.urlparse(file.url).path).name or "download"
    target = folder / name
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(file.url, timeout=TIMEOUT) as answer, target.open("wb") as out:
            while chunk := answer.read(CHUNK):
                digest.update(chunk)
                out.write(chunk)
    except (urllib.error.URLError, OSError) as error:
        raise DataError(
            f"{card}: {file.url} could not be downloaded ({error}); check the network, try again."
        ) from error
    if digest.hexdigest() != file.sha256:
        raise DataError(
            f"{card}: {file.url} has sha256 {digest.hexdigest()}, the card says {file.sha256}; it changed "
            "at its source or on the way: do not use it, report it."
        )
    return target


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar beside itself and remove it; any other file stays."""
    try:
        if zipfile.is_zipfile(archive) and archive.suffix.lower() != ".npz":
            with zipfile.ZipFile(archive) as opened:
                _check_zip(opened, archive.name)
                opened.extractall(folder)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                opened.extractall(folder, filter="data")
        else:
            return
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError(f"{archive.name} cannot be unpacked safely ({error}); report it.") from error
    archive.unlink()


def _check_zip(opened: zipfile.ZipFile, name: str) -> None:
    for entry in opened.infolist():
        parts = entry.filename.replace("\\", "/").split("/")
        link = stat.S_ISLNK(entry.external_attr >> 16)
        if entry.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or link:
            raise DataError(
                f"{name} holds {entry.filename!r}, which reaches outside its folder; do not use it."
            )
