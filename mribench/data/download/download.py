"""One file from one of its mirrors: streamed, resumed after a break, proved by its digest."""

from __future__ import annotations

import email.utils
import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

from mribench import files, hashing
from mribench.data.download.session import TIMEOUT, is_page, open_session
from mribench.errors import DataError

if TYPE_CHECKING:
    import requests

# small, because what a broken connection leaves of a chunk is lost
CHUNK = 1 << 16
# tries that bring no new byte; the wait doubles from one to the next
TRIES = 4
BACKOFF = 1.0
LONGEST_WAIT = 300.0
# what is left free beside the files, for everything else on the disk
RESERVE = 100 << 20
MD5_DIGITS = 32
PASSING = (408, 425, 429, 500, 502, 503, 504)

Report = Callable[[int, int | None], None]


class Refusal(Exception):
    """This mirror does not give the file, and asking again is no use."""


class Broken(Exception):
    """A passing failure."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
        """seconds that the server wants, None where it did not say"""


def download(
    urls: Sequence[str],
    target: Path,
    digest: str | None,
    size: int | None,
    report: Report,
    session: requests.Session | None = None,
) -> None:
    """Bring a file to ``target``, from the first of ``urls`` that gives it.

    ``<target>.part`` holds what has come so far; a later call goes on from there (Range), where the server proves
    by ETag and size that it is the same file. Proxies are taken from the environment.

    Args:
        urls: Addresses of the same bytes.
        target: Where the file goes.
        digest: 64 hex digits of sha256; 32 of MD5, or None, where a listing has no more to say, and then with a size.
        size: Bytes, None where unknown.
        report: Called with (bytes here, total or None).
        session: What to ask with; None opens one.

    Raises:
        DataError: Where no mirror gives the right bytes, and where the disk is too small.
    """
    if target.is_file() and _proved(target, digest, size):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    refused = []
    for url in urls:
        try:
            _mirror(url, target, digest, size, report, session)
            return
        except Refusal as refusal:
            refused.append(f"{url} {refusal}")
    raise DataError(
        f"{'; '.join(refused)}: check the network and the address, then run the same command again."
    )


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise DataError where fewer than ``needed`` bytes (and a reserve) are free on the disk of ``folder``."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise DataError(
            f"{what} needs {_gib(needed + RESERVE)} and {_gib(free)} are free; make room, or set MRIBENCH_HOME "
            "to a larger disk."
        )


def _mirror(
    url: str,
    target: Path,
    digest: str | None,
    size: int | None,
    report: Report,
    given: requests.Session | None,
) -> None:
    part = target.with_name(target.name + ".part")
    most, idle, resumed = _size_of(part), 0, part.is_file()
    with nullcontext(given) if given else open_session() as session:
        while True:
            broken = None
            try:
                _stream(session, url, part, size, report)
            except Broken as found:
                broken = found
            # also after a break: a server that promised too much has nothing more to send
            whole = broken is None or (_size_of(part) == size if size else part.is_file())
            if whole and _proved(part, digest, size):
                os.replace(part, target)
                _state_file(part).unlink(missing_ok=True)
                return
            if broken is None:
                found = _told(part, digest)
                _discard(part)
                if not resumed:
                    raise Refusal(
                        f"has {found}, {_expected(digest, size)} (it changed at its source or on the way: "
                        "do not use it, report it)"
                    )
                # two halves of two files, perhaps: once more from the start
                most, resumed = 0, False
                continue
            grown = _size_of(part) > most
            most, idle = max(most, _size_of(part)), 0 if grown else idle + 1
            resumed = resumed or part.is_file()
            if idle >= TRIES:
                raise Refusal(f"could not be downloaded ({broken})")
            wait = broken.wait if broken.wait is not None else BACKOFF * 2 ** max(idle - 1, 0)
            if wait > LONGEST_WAIT:
                raise Refusal(f"could not be downloaded ({broken}; it asks to wait {wait:.0f} s)")
            sleep(wait)


def _stream(session: requests.Session, url: str, part: Path, size: int | None, report: Report) -> None:
    """One request: append to ``part`` what is missing, or write it anew where the server gives the whole."""
    import requests
    import urllib3

    have, known = _size_of(part), _read_state(part)
    headers = {}
    if have and known:
        headers["Range"] = f"bytes={have}-"
        if _strong(known["etag"]):
            headers["If-Range"] = known["etag"]
    try:
        with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            start, total = _start(answer, part, have if known else 0, known, size)
            if start == total:
                return
            check_space(part.parent, (total or size or 0) - start, part.name.removesuffix(".part"))
            with part.open("r+b" if start else "wb") as out:
                out.truncate(start)
                out.seek(start)
                # before the first byte, so that no bytes are ever without it
                state = {"etag": answer.headers.get("ETag"), "total": total}
                files.write_json(_state_file(part), state)
                for chunk in answer.raw.stream(CHUNK, decode_content=False):
                    start += out.write(chunk)
                    if size is not None and start > size:
                        raise Refusal(f"sends more than the {size} bytes that the card says")
                    report(start, total or size)
    except (requests.exceptions.SSLError, requests.exceptions.TooManyRedirects, ValueError) as error:
        # ValueError: the many kinds of an address that is none
        raise Refusal(f"could not be downloaded ({reason_of(error)})") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        raise Broken(reason_of(error)) from error


def _start(
    answer: requests.Response, part: Path, have: int, known: dict[str, Any] | None, size: int | None
) -> tuple[int, int | None]:
    """(first byte of the answer, size of the whole file or None). Raises Refusal or Broken."""
    status = f"HTTP {answer.status_code} {answer.reason or ''}".rstrip()
    length = answer.headers.get("Content-Length", "")
    if answer.status_code == 206 and known:
        asked = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        same = answer.headers.get("ETag") == known["etag"]
        if not asked or int(asked[1]) != have or not same or asked[2] != str(known["total"] or "*"):
            _discard(part)
            raise Broken("the file at the source is another one than before", wait=0)
        return have, known["total"]
    if answer.status_code == 416:
        if answer.headers.get("Content-Range", "").endswith(f"/{have}"):
            return have, have
        _discard(part)
        raise Broken(status, wait=0)
    if answer.status_code in PASSING:
        raise Broken(status, _retry_after(answer.headers.get("Retry-After")))
    if answer.status_code == 202:
        raise Refusal(
            f"could not be downloaded ({status}: the server accepts the request and sends no file, which is how some "
            "hosts turn programs away: open the address in a browser)"
        )
    if answer.status_code != 200:
        raise Refusal(f"could not be downloaded ({status})")
    if is_page(answer):
        raise Refusal(
            "could not be downloaded (it answers with a web page, perhaps a login, and not with the file)"
        )
    total = int(length) if length.isdigit() else None
    if total is not None and size is not None and total != size:
        raise Refusal(f"offers {total} bytes, the card says {size} (it changed at its source)")
    return 0, total


def _retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _proved(file: Path, digest: str | None, size: int | None) -> bool:
    """Whether these are the bytes; without a digest their number alone decides."""
    return _size_of(file) == size if digest is None else _digest(file, digest) == digest


def _digest(file: Path, like: str) -> str:
    """Of the kind of another one, which its length tells."""
    return hashing.file_md5(file) if len(like) == MD5_DIGITS else hashing.file_sha256(file)


def _told(file: Path, digest: str | None) -> str:
    """The digest, or the size, of a file that is not the right one."""
    if digest is None:
        return f"{_size_of(file)} bytes"
    return f"{'MD5' if len(digest) == MD5_DIGITS else 'sha256'} {_digest(file, digest)}"


def _expected(digest: str | None, size: int | None) -> str:
    who = "the listing" if digest is None or len(digest) == MD5_DIGITS else "the card"
    return f"{who} says {digest or size}"


def _strong(etag: str | None) -> bool:
    return bool(etag) and not str(etag).startswith("W/")


def reason_of(error: BaseException) -> str:
    """The cause at the bottom of the chain that requests and urllib3 build, on one line."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = " ".join(str(error).split()).rstrip(". ")
    return text[:200] or type(error).__name__


def _gib(n: int) -> str:
    return f"{n / 2**30:.1f} GiB"


def _state_file(part: Path) -> Path:
    """Beside the bytes of a download that is not whole: what they are bytes of."""
    return part.with_name(part.name + ".json")


def _read_state(part: Path) -> dict[str, Any] | None:
    """``{"etag", "total"}`` as the server gave them, each None where it did not; None without a readable state."""
    try:
        state = files.read_json(_state_file(part))
        return {"etag": state["etag"], "total": state["total"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _discard(part: Path) -> None:
    """Forget what has come so far."""
    part.unlink(missing_ok=True)
    _state_file(part).unlink(missing_ok=True)


def _size_of(part: Path) -> int:
    """Bytes that are here, 0 where there is no file."""
    return part.stat().st_size if part.is_file() else 0
