"""The files or series of an open card: downloaded, proved, unpacked, and put in place by one rename."""

from __future__ import annotations

import os
import shutil
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mribench.data.cards.card import CardFile, DatasetCard
from mribench.data.download import bucket, by_hand, idc
from mribench.data.download.archive import is_archive, unpack
from mribench.data.download.download import check_space, download
from mribench.data.download.session import announced_size
from mribench.errors import DataError
from mribench.files import new_folder
from mribench.progress import progress as shown
from mribench.progress import say

MB = 1_000_000
Progress = Callable[[int, int], None]


def home() -> Path:
    """``$MRIBENCH_HOME``, else the platform's cache folder (``$XDG_CACHE_HOME/mribench``, ``~/.cache/mribench``)."""
    import platformdirs

    if os.environ.get("MRIBENCH_HOME"):
        return Path(os.environ["MRIBENCH_HOME"]).expanduser()
    return Path(platformdirs.user_cache_dir("mribench", appauthor=False))


def dataset_folder(card: DatasetCard, cache: Path) -> Path:
    """The folder of a card's files, whether it exists or not."""
    return Path(cache) / "datasets" / card.id


def fetch(card: DatasetCard, cache: Path, progress: Progress | None = None) -> Path:
    """The folder ``<cache>/datasets/<id>`` with the card's files, archives unpacked.

    What a user put there is taken as it is; otherwise the files are downloaded where that is allowed. Archives that a
    user downloaded are checked and unpacked from ``<cache>/downloads/<id>``, and stay there. It may be killed at any
    time: the next call goes on with what is already here. Of several processes one works, the others wait for it.

    Args:
        card: Whose files are wanted.
        cache: See ``home``.
        progress: Called with (bytes, bytes in all, 0 where unknown); None shows a bar with rate and time left on
            standard error.

    Raises:
        DataError: Where access must be asked for, a checksum is unverified or wrong, the download fails, the disk is
            too small, or an archive reaches outside its folder.
    """
    folder, downloads = dataset_folder(card, cache), Path(cache) / "downloads" / card.id
    if _filled(folder):
        return folder
    if not card.fetchable:
        given = by_hand.found(card, downloads)
        if given is None:
            raise DataError(by_hand.how_to(card, downloads, folder))
        with _alone(Path(cache) / "locks" / f"{card.id}.lock", card.id):
            _put_in_place(given, folder)
        return folder
    downloads.mkdir(parents=True, exist_ok=True)
    with _alone(Path(cache) / "locks" / f"{card.id}.lock", card.id):
        if not _filled(folder):
            (_fetch_series if card.query else _fetch)(card, folder, downloads, progress)
        shutil.rmtree(downloads, ignore_errors=True)
    return folder


def _fetch(card: DatasetCard, folder: Path, downloads: Path, progress: Progress | None) -> None:
    downloads.mkdir(parents=True, exist_ok=True)
    targets = {file: downloads / f"{file.sha256[:16]}-{_name(file)}" for file in card.files}
    sizes = [_size(file, target) for file, target in targets.items()]
    total = sum(filter(None, sizes))
    here = sum(path.stat().st_size for path in downloads.iterdir())
    # the archive and at least as much again for what it unpacks to
    check_space(downloads, max(0, 2 * total - here), card.id)
    say(f"{card.id}: {_told(sizes)}, licence {card.licence}")
    with _reporter(card, total, progress) as report:
        done = 0
        for file, target in targets.items():
            download(
                [file.url, *file.mirrors],
                target,
                file.sha256,
                file.bytes,
                lambda n, size, done=done: report(done + n, total or size or 0),
            )
            done += target.stat().st_size
    _put_in_place(targets, folder)


def _fetch_series(card: DatasetCard, folder: Path, downloads: Path, progress: Progress | None) -> None:
    """One folder for each series; nothing is unpacked, so the download itself becomes the folder."""
    chosen = idc.choose(card)
    here, total = downloads / "series", sum(one.bytes for one in chosen.series)
    here.mkdir(parents=True, exist_ok=True)
    wanted = {one.uuid for one in chosen.series}
    for stale in [path for path in here.iterdir() if path.name not in wanted]:
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    done = sum(path.stat().st_size for path in here.rglob("*") if path.is_file())
    check_space(here, max(0, total - done), card.id)
    people = len({one.patient for one in chosen.series})
    say(
        f"{card.id}: {len(chosen.series):,} series, {people:,} people, {total / MB:,.0f} MB, licence {card.licence}"
    )
    for licence, n in chosen.left_out.items():
        say(f"{card.id}: {n} series under {licence} are left out; the card's licence does not cover them")
    with _reporter(card, total, progress) as report:
        arrived = 0

        def count(size: int) -> None:
            nonlocal arrived
            arrived += size
            report(arrived, total)

        bucket.fetch(chosen.series, here, count)
    folder.parent.mkdir(parents=True, exist_ok=True)
    os.replace(here, folder)


def _size(file: CardFile, target: Path) -> int | None:
    """Bytes of a file: as it is here, as the card says, or as its server announces."""
    return (
        target.stat().st_size if target.is_file() else file.bytes or announced_size([file.url, *file.mirrors])
    )


def _told(sizes: Sequence[int | None]) -> str:
    """'2 files, 891 MB', or what of it nobody knows before it comes."""
    files = f"{len(sizes)} {'file' if len(sizes) == 1 else 'files'}"
    untold = sizes.count(None)
    if not untold:
        return f"{files}, {sum(filter(None, sizes)) / MB:,.0f} MB"
    known = f", {sum(filter(None, sizes)) / MB:,.0f} MB and {untold}" if untold < len(sizes) else ""
    return f"{files}{known} of unknown size (free space is checked as it comes)"


def _put_in_place(targets: Mapping[CardFile, Path], folder: Path) -> None:
    """Unpack or copy files that are proved into the folder, which appears whole or not at all."""
    with new_folder(folder, is_valid=_filled) as temporary:
        for file, target in targets.items():
            if is_archive(target):
                unpack(target, temporary)
            else:
                # two addresses may end alike; the digest tells the files apart
                taken = (temporary / _name(file)).exists()
                shutil.copyfile(target, temporary / (target.name if taken else _name(file)))


@contextmanager
def _reporter(card: DatasetCard, total: int, progress: Progress | None) -> Iterator[Progress]:
    if progress is not None:
        yield progress
        return
    first, start = None, time.monotonic()
    with shown(f"fetch {card.id} [MB]", total // MB) as advance:

        def report(done: int, total: int) -> None:
            nonlocal first
            first = done if first is None else first
            rate = (done - first) / MB / max(time.monotonic() - start, 1e-9)
            advance(done // MB, note=f"{rate:.1f} MB/s", total=max(total, done) // MB)

        yield report


@contextmanager
def _alone(path: Path, card: str) -> Iterator[None]:
    """Holds a lock that the system frees when its process dies, however it dies."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"{card} is being fetched by another process; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _name(file: CardFile) -> str:
    return (
        urllib.parse.unquote(Path(urllib.parse.urlparse(file.url).path).name).replace("/", "_") or "download"
    )
