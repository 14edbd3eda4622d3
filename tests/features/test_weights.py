"""Downloading a weights file: verified, tried once, never while offline."""

from hashlib import sha256

import pytest

from mribench.features import weights

CONTENT = b"weights"
HASH = sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    for variable in weights.OFFLINE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    weights.download.cache_clear()
    yield
    weights.download.cache_clear()


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "source.pth"
    file.write_bytes(CONTENT)
    return file.as_uri()


def test_a_verified_file_arrives(source, tmp_path):
    target = tmp_path / "cache" / "file.pth"
    assert weights.download(source, target, HASH) is None
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_another_file_is_not_kept(source, tmp_path):
    target = tmp_path / "cache" / "file.pth"
    assert HASH in weights.download(source, target, "0" * 64)
    assert list(target.parent.iterdir()) == []


def test_a_failure_is_a_reason_and_is_not_repeated(monkeypatch, tmp_path):
    calls = []

    def refuse(url, timeout):
        calls.append(timeout)
        raise OSError("no route to host")

    monkeypatch.setattr(weights, "urlopen", refuse)
    for _ in range(2):
        assert "no route to host" in weights.download("https://x.test/f", tmp_path / "f", HASH)
    assert calls == [5.0]


@pytest.mark.parametrize("variable", ["MRIBENCH_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize("value", ["1", "true", "ON"])
def test_offline_means_no_attempt(monkeypatch, source, tmp_path, variable, value):
    monkeypatch.setenv(variable, value)
    assert variable in weights.download(source, tmp_path / "f", HASH)
    assert not (tmp_path / "f").exists()


def test_zero_means_online(monkeypatch, source, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert weights.download(source, tmp_path / "f", HASH) is None
