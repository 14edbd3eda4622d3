"""Files below a prefix of a public S3 bucket: listed, checked against what is expected, downloaded in parallel."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mribench.data.download.download import PASSING, TRIES, download, reason_of
from mribench.data.download.idc import Series
from mribench.data.download.session import TIMEOUT, open_session
from mribench.errors import DataError

if TYPE_CHECKING:
    import requests

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
ENDPOINT = "https://{bucket}.s3.amazonaws.com"
# series at a time; the files of one series come one after the other
PARALLEL = 8
# the name of a file below its series: nothing that leads out of a folder
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")
MD5 = re.compile(r"[0-9a-f]{32}")
# a page lists up to 1,000 files in some 400 bytes each
LONGEST_PAGE = 4 << 20


class Object(NamedTuple):
    """One file as the bucket lists it."""

    name: str
    size: int
    md5: str | None
    """32 hex digits; None where it was uploaded in parts, whose ETag is no MD5"""


def fetch(series: Sequence[Series], folder: Path, report: Callable[[int], None]) -> None:
    """Bring the files of every series to ``<folder>/<uuid>/``; what is there already is checked and kept.

    Args:
        series: What is wanted.
        folder: Where it goes.
        report: Called with the bytes of each file that is here, from several threads, one at a time.

    Raises:
        DataError: Where the bucket holds other files than the index says, and as ``download``.
    """
    # of a thread, so that its connection is used again
    sessions = threading.local()
    stop, alone = threading.Event(), threading.Lock()

    def count(size: int) -> None:
        with alone:
            report(size)

    def one(wanted: Series) -> None:
        try:
            for found in [] if stop.is_set() else objects(wanted):
                if stop.is_set():
                    return
                url = f"{ENDPOINT.format(bucket=wanted.bucket)}/{wanted.uuid}/{found.name}"
                target = folder / wanted.uuid / found.name
                download([url], target, found.md5, found.size, lambda here, total: None, sessions.session)
                count(found.size)
        except BaseException:
            # the others stop after the file they are at
            stop.set()
            raise

    with ThreadPoolExecutor(
        PARALLEL, initializer=lambda: setattr(sessions, "session", open_session())
    ) as pool:
        try:
            for _ in pool.map(one, series):
                pass
        finally:
            stop.set()


def objects(series: Series) -> list[Object]:
    """The files of a series, sorted by name.

    Raises:
        DataError: Where the bucket does not answer, or lists other names, sizes or numbers of files than it should.
    """
    found: list[Object] = []
    token = None
    with _patient_session() as session:
        while True:
            page = _page(session, series, token)
            entries = [_object(entry, series) for entry in page.iterfind("{*}Contents")]
            found += entries
            token = page.findtext("{*}NextContinuationToken")
            # an empty page, or one too many, ends what a broken server would go on with
            if not token or not entries or len(found) > series.instances:
                break
    names = {one.name for one in found}
    if len(names) != series.instances or sum(one.size for one in found) != series.bytes:
        raise DataError(
            f"The bucket {series.bucket} holds {len(names)} files of {sum(one.size for one in found)} bytes for the "
            f"series {series.uuid}, and the index says {series.instances} of {series.bytes}: report it."
        )
    return sorted(found)


def _page(session: requests.Session, series: Series, token: str | None) -> ElementTree.Element:
    import requests
    import urllib3

    asked = {"list-type": "2", "prefix": f"{series.uuid}/"} | ({"continuation-token": token} if token else {})
    address = ENDPOINT.format(bucket=series.bucket) + "/"
    try:
        with session.get(address, params=asked, timeout=TIMEOUT, stream=True) as answer:
            answer.raise_for_status()
            # what is cut off is no whole document
            return ElementTree.fromstring(answer.raw.read(LONGEST_PAGE, decode_content=True))
    except (requests.RequestException, urllib3.exceptions.HTTPError, ElementTree.ParseError) as error:
        raise DataError(
            f"{address} does not list the series {series.uuid} ({reason_of(error)}): check the network, then run the "
            "same command again."
        ) from error


def _object(entry: ElementTree.Element, series: Series) -> Object:
    key, size = entry.findtext("{*}Key") or "", entry.findtext("{*}Size") or ""
    name = key.removeprefix(f"{series.uuid}/")
    if name == key or not NAME.fullmatch(name) or not size.isdecimal():
        raise DataError(
            f"The bucket {series.bucket} lists {key[:200]!r} for the series {series.uuid}, which is no name of a file "
            "in it; do not use it, report it."
        )
    etag = (entry.findtext("{*}ETag") or "").strip('"')
    return Object(name, int(size), etag if MD5.fullmatch(etag) else None)


def _patient_session() -> requests.Session:
    """A session that asks again after a passing failure, each time after twice as long."""
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    session = open_session()
    again = Retry(
        TRIES,
        backoff_factor=1,
        status_forcelist=PASSING,
        allowed_methods=["GET"],
        respect_retry_after_header=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    return session
