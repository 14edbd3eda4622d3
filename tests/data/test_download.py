from __future__ import annotations

import email.utils
import os
import random
import signal
import subprocess
import sys
import time
from email.message import Message

import pytest
from mirror_server import Mirror

import mribench
from mribench.data.download import download as module
from mribench.data.download import session as session_module
from mribench.data.download.download import download
from mribench.data.download.session import announced_size
from mribench.errors import DataError

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)


@pytest.fixture
def mirror(monkeypatch):
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    waited = []
    monkeypatch.setattr(module, "sleep", waited.append)
    mirror = Mirror()
    mirror.waited = waited
    yield mirror
    mirror.close()


@pytest.fixture
def get(tmp_path):
    """get(file, *urls) downloads and gives the bytes; ``get.seen`` holds what was reported."""

    def call(file, *urls):
        target = tmp_path / "a.zip"
        report = lambda *at: call.seen.append(at)  # noqa: E731
        download(urls or [file.url], target, file.sha256, file.bytes, report)
        assert not list(tmp_path.glob("*.part*"))
        return target.read_bytes()

    call.seen = []
    return call


def test_a_file_comes_with_progress(mirror, get):
    assert get(mirror.file("/a", CONTENT)) == CONTENT
    assert get.seen[-1] == (300_000, 300_000) and get.seen == sorted(get.seen)


def test_a_file_that_is_here_is_not_asked_for(mirror, get):
    file = mirror.file("/a", CONTENT)
    get(file)
    get(file)
    assert len(mirror.asked) == 1


def test_a_broken_connection_is_resumed(mirror, get):
    file = mirror.file("/a", CONTENT, {"stop": 140_000}, {"stop": 100_000}, {})
    assert get(file) == CONTENT
    starts = [int(asked[6:-1]) for asked in mirror.ranges()[1:]]
    # what came is kept, but for less than a chunk
    assert 140_000 - module.CHUNK <= starts[0] <= 140_000 < starts[1]


def test_a_server_without_ranges_starts_again(mirror, get):
    assert get(mirror.file("/a", CONTENT, {"stop": 140_000, "ranges": False}, {"ranges": False})) == CONTENT


def test_a_server_that_never_gets_past_a_point_is_given_up(mirror, get):
    file = mirror.file("/a", CONTENT, {"stop": 140_000, "ranges": False})
    with pytest.raises(DataError, match=r"could not be downloaded .* run the same command again"):
        get(file)
    assert len(mirror.asked) == module.TRIES + 1


@pytest.mark.parametrize("etag", [True, False], ids=["other etag", "no etag"])
def test_halves_of_two_files_are_never_joined(mirror, get, etag):
    old, new = ({"content": c, "etag": e} for c, e in ((OTHER, '"old"'), (CONTENT, '"new"')))
    if not etag:
        old["etag"] = new["etag"] = None
    assert get(mirror.file("/a", CONTENT, old | {"stop": 140_000}, new)) == CONTENT


def test_a_weak_etag_is_compared_and_not_sent(mirror, get):
    weak = {"etag": 'W/"1"'}
    assert get(mirror.file("/a", CONTENT, weak | {"stop": 140_000}, weak)) == CONTENT
    assert mirror.asked[1][2] is None and mirror.asked[1][1] is not None


def test_another_weak_etag_is_another_file(mirror, get):
    old = {"etag": 'W/"1"', "stop": 140_000, "content": OTHER}
    changed = mirror.file("/b", CONTENT, old, {"etag": 'W/"2"'})
    assert get(changed) == CONTENT
    # refused by its ETag, before anything was joined to the old half
    assert [here for here, _ in get.seen].count(len(CONTENT)) == 1


def test_a_server_that_promises_too_much(mirror, get):
    lie = {"length": 400_000}
    assert get(mirror.file("/a", CONTENT, lie, size=False)) == CONTENT
    with pytest.raises(DataError, match="offers 400000 bytes, the card says 300000"):
        get(mirror.file("/b", OTHER, lie))


def test_a_server_that_promises_too_little(mirror, get):
    lie = {"length": 200_000}
    with pytest.raises(DataError, match=r"has sha256 \w{64}, the card says \w{64}"):
        get(mirror.file("/a", CONTENT, lie, size=False))


def test_wrong_bytes_are_refused_and_forgotten(mirror, get, tmp_path):
    file = mirror.file("/a", CONTENT, {"content": OTHER})
    with pytest.raises(DataError, match=r"/a has sha256 .* do not use it, report it"):
        get(file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_asking_again_does_not_change_is_asked_once(mirror, get, status):
    with pytest.raises(DataError, match=rf"could not be downloaded \(HTTP {status}") as caught:
        get(mirror.file("/a", CONTENT, {"status": status}))
    assert len(mirror.asked) == 1 and "\n" not in str(caught.value)


def test_the_next_mirror_is_taken(mirror, get):
    file = mirror.file("/a", CONTENT, {"status": 404})
    mirror.file("/b", CONTENT, {"content": OTHER})
    mirror.file("/c", CONTENT)
    assert get(file, *map(mirror.url, ["/a", "/b", "/c"])) == CONTENT
    mirror.plans["/c"] = [{"status": 403}]
    mirror.contents["/d"] = OTHER
    with pytest.raises(DataError, match=r"/a could not .*404.*; .*/c could not .*403"):
        get(mirror.file("/d", OTHER, {"status": 500}), *map(mirror.url, ["/a", "/c"]))


def test_a_server_in_trouble_is_asked_again_with_growing_waits(mirror, get):
    assert get(mirror.file("/a", CONTENT, *[{"status": 500}] * 3, {})) == CONTENT
    assert mirror.waited == [1, 2, 4][: len(mirror.waited)] and len(mirror.waited) == 3


def test_retry_after_is_obeyed(mirror, get):
    later = email.utils.formatdate(time.time() + 60, usegmt=True)
    busy = [{"status": 429, "headers": {"Retry-After": after}} for after in ("7", later)]
    assert get(mirror.file("/a", CONTENT, *busy, {})) == CONTENT
    assert mirror.waited[0] == 7 and 50 < mirror.waited[1] <= 60


def test_a_wait_of_hours_is_told(mirror, get):
    with pytest.raises(DataError, match=r"429.* asks to wait 7200 s"):
        get(mirror.file("/a", CONTENT, {"status": 429, "headers": {"Retry-After": "7200"}}))
    assert mirror.waited == []


def test_a_redirect_is_followed_and_a_circle_is_told(mirror, get):
    file = mirror.file("/a", CONTENT, {"status": 302, "headers": {"Location": "/real"}})
    mirror.contents["/real"] = CONTENT
    assert get(file) == CONTENT
    circle = mirror.file("/b", OTHER, {"status": 302, "headers": {"Location": "/b"}})
    with pytest.raises(DataError, match=r"could not be downloaded \(Exceeded 30 redirects"):
        get(circle)


def test_accepted_without_a_file_says_why(mirror, get):
    with pytest.raises(
        DataError, match=r"HTTP 202 .*: the server accepts the request and sends no file.*browser"
    ):
        get(mirror.file("/a", CONTENT, {"status": 202}))
    assert len(mirror.asked) == 1


@pytest.mark.parametrize(
    ("links", "agent"),
    [
        (
            ["Homepage, https://mribench.example"],
            f"mribench/{mribench.__version__} (+https://mribench.example)",
        ),
        ([], f"mribench/{mribench.__version__}"),
    ],
)
def test_archives_see_name_version_and_homepage(mirror, get, monkeypatch, links, agent):
    found = Message()
    for link in links:
        found["Project-URL"] = link
    monkeypatch.setattr(session_module.metadata, "metadata", lambda name: found)
    get(mirror.file("/a", CONTENT))
    assert mirror.agents == [agent]


def test_the_size_is_told_by_the_first_willing_mirror(mirror):
    mirror.file("/a", CONTENT, {"head": False})
    mirror.file("/b", CONTENT)
    assert announced_size([mirror.url("/a"), mirror.url("/b")]) == len(CONTENT)
    assert announced_size([mirror.url("/a"), mirror.url("/absent"), "http://127.0.0.1:9/a"]) is None
    assert mirror.asked == []


def test_a_login_page_is_no_file(mirror, get):
    with pytest.raises(DataError, match="answers with a web page"):
        get(mirror.file("/a", CONTENT, {"type": "text/html; charset=utf-8"}))


def test_nobody_there(mirror, get):
    file = mirror.file("/a", CONTENT)
    with pytest.raises(DataError, match=r"could not be downloaded \(.*refused"):
        get(file, "http://127.0.0.1:9/a")
    assert len(mirror.waited) == module.TRIES - 1
    with pytest.raises(DataError, match="could not be downloaded"):
        get(file, "http://[bad/a")


def test_a_full_disk_is_told_before(mirror, get, monkeypatch, tmp_path):
    free = type("Usage", (), {"free": module.RESERVE + 200_000})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: free)
    with pytest.raises(DataError, match=r"a\.zip needs 0\.1 GiB and 0\.1 GiB are free; make room"):
        get(mirror.file("/a", CONTENT))
    assert not list(tmp_path.rglob("*.part"))


def test_a_proxy_of_the_environment_is_used(mirror, get, monkeypatch):
    file = mirror.file("/a", CONTENT)
    monkeypatch.setenv("http_proxy", mirror.url(""))
    monkeypatch.setenv("no_proxy", "")
    # a proxy is asked for the whole address
    mirror.contents["http://elsewhere.invalid/a"] = CONTENT
    assert get(file, "http://elsewhere.invalid/a") == CONTENT


def test_killed_in_the_middle_it_goes_on_in_the_next_process(mirror, get, tmp_path):
    file = mirror.file("/a", CONTENT, {"pause": 0.3}, {})
    code = (
        "import pathlib, sys; from mribench.data.download.download import download\n"
        f"download([{file.url!r}], pathlib.Path({str(tmp_path / 'a.zip')!r}), {file.sha256!r}, None, print)"
    )
    child = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    part = tmp_path / "a.zip.part"
    assert 0 < part.stat().st_size < len(CONTENT)
    assert get(file) == CONTENT
    assert mirror.ranges()[1] is not None
