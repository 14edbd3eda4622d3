from __future__ import annotations

import importlib
import os
import sys

from mribench.data.store.identity import DIGESTS, local_identity, phantom_identity

SOURCE = "def draw(seed, subject, slice, size=64):\n    return {value}\n"


def test_editing_the_phantom_changes_its_identity(tmp_path, profile, monkeypatch):
    package = tmp_path / "a_phantom_plugin"
    package.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    (package / "__init__.py").write_text(SOURCE.format(value=1))
    (package / "shapes.py").write_text("")
    module = importlib.import_module("a_phantom_plugin")
    try:
        first = phantom_identity(module.draw, profile, 0)
        assert phantom_identity(module.draw, profile, 0) == first
        (package / "shapes.py").write_text("x = 1")
        assert phantom_identity(module.draw, profile, 0) != first
    finally:
        del sys.modules["a_phantom_plugin"]


def test_a_lambda_has_a_stable_identity(profile):
    assert phantom_identity(lambda: 1, profile, 0) == phantom_identity(lambda: 1, profile, 0)


def identity(root, profile, cache, name="local:x"):
    return local_identity(root, sorted(root.iterdir()), name, profile, 0, cache, None)


def test_content_and_name_decide_and_not_the_place(tmp_path, profile):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "x.png").write_bytes(b"1")
    first = identity(tmp_path / "a", profile, tmp_path / "cache")
    assert identity(tmp_path / "b", profile, tmp_path / "cache") == first
    assert identity(tmp_path / "a", profile, tmp_path / "cache", name="local:y") != first
    (tmp_path / "b/x.png").rename(tmp_path / "b/y.png")
    assert identity(tmp_path / "b", profile, tmp_path / "cache") != first


def test_an_edit_that_keeps_size_and_time_is_noticed(tmp_path, profile):
    (tmp_path / "a").mkdir()
    file = tmp_path / "a/x.png"
    file.write_bytes(b"1")
    first = identity(tmp_path / "a", profile, tmp_path / "cache")
    before = file.stat()
    file.write_bytes(b"2")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert identity(tmp_path / "a", profile, tmp_path / "cache") != first


def test_a_damaged_cache_is_made_again(tmp_path, profile):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.png").write_bytes(b"1")
    first = identity(tmp_path / "a", profile, tmp_path / "cache")
    assert b"x.png" not in (tmp_path / "cache" / DIGESTS).read_bytes()
    (tmp_path / "cache" / DIGESTS).write_text("{")
    assert identity(tmp_path / "a", profile, tmp_path / "cache") == first
