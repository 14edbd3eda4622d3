from __future__ import annotations

import importlib
import os
import sys

import pytest

from mribench import code_hash
from mribench.data.store.identity import DIGESTS, local_identity, phantom_identity

DRAWING = """
from mribench.phantom import Canvas
from a_phantom_plugin import shapes

def draw(seed, subject, slice, size=64):
    return Canvas, shapes.outline()
"""
SHAPES = "def outline():\n    return 1\n\n\ndef unused():\n    return 1\n"


@pytest.fixture
def drawn(tmp_path, monkeypatch, profile):
    """The identity of a plugin's phantom where its ``shapes`` are other ones."""
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "a_phantom_plugin"
    package.mkdir()
    (package / "__init__.py").write_text(DRAWING)

    def identity_of(shapes=SHAPES, seed=0):
        (package / "shapes.py").write_text(shapes)
        for name in [name for name in sys.modules if name.startswith("a_phantom_plugin")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return phantom_identity(importlib.import_module("a_phantom_plugin").draw, profile, seed)

    yield identity_of
    for name in [name for name in sys.modules if name.startswith("a_phantom_plugin")]:
        del sys.modules[name]


def test_editing_what_a_phantom_is_drawn_with_changes_its_identity(drawn):
    assert drawn() == drawn()
    assert drawn() != drawn(SHAPES.replace("return 1", "return 2", 1))
    assert drawn() != drawn(seed=1)


def test_what_a_phantom_is_not_drawn_with_does_not_count(drawn):
    assert drawn() == drawn(SHAPES + "\n\nVERSION = 2  # a comment\n")
    assert drawn() == drawn(SHAPES.replace("unused():\n    return 1", "unused():\n    return 2"))


@pytest.mark.parametrize(("module", "counts"), [("canvas", True), ("stamps", False)])
def test_the_drawing_kit_counts_by_what_is_used(module, counts, drawn, monkeypatch):
    before, parsed = drawn(), code_hash._parsed.__wrapped__

    def edited(name, is_package, text, follow):
        return parsed(
            name, is_package, text.replace(b"return", b"return 0,") if name.endswith(module) else text, follow
        )

    monkeypatch.setattr(code_hash, "_parsed", edited)
    assert (drawn() != before) == counts


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
