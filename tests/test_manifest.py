"""Manifests: every way in which a file can differ from what was written, and what a quick check may leave out."""

import os

import pytest

from mribench import manifest


@pytest.fixture
def stage(tmp_path):
    """A manifest of two files, one in a folder."""
    (tmp_path / "below").mkdir()
    (tmp_path / "a").write_bytes(b"1234")
    (tmp_path / "below" / "b").write_bytes(bytes(1000))
    (tmp_path / "stranger").write_bytes(b"")
    manifest.write(tmp_path / manifest.NAME, [tmp_path / "a", tmp_path / "below", tmp_path / "never"])
    return tmp_path


def found(stage, **how):
    return [
        str(damage).removeprefix(f"{stage}/")[:24]
        for damage in manifest.damages(stage / manifest.NAME, **how)
    ]


def test_what_is_as_it_was_written_is_no_damage(stage):
    (stage / "stranger").unlink()
    assert found(stage) == []


def test_a_flipped_bit_is_seen_whatever_the_size_and_the_times_say(stage):
    before = (stage / "a").stat()
    (stage / "a").write_bytes(b"1235")
    os.utime(stage / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    (said,) = found(stage)
    assert said.startswith("a has sha256") and found(stage, quick=True) == [said]


def test_missing_cut_and_unreadable_files_are_named(stage):
    (stage / "a").unlink()
    (stage / "below" / "b").write_bytes(b"")
    assert found(stage) == ["a is missing", "below/b has 0 bytes, exp"]
    (stage / "a").mkdir()
    assert found(stage)[0] == "a cannot be read (Is a d"


def test_a_quick_check_looks_at_the_size_of_large_files_alone(stage, monkeypatch):
    monkeypatch.setattr(manifest, "QUICK_BYTES", 100)
    (stage / "below" / "b").write_bytes(b"\1" + bytes(999))
    (said,) = found(stage)
    assert said.startswith("below/b has sha256") and found(stage, quick=True) == []
    (stage / "below" / "b").write_bytes(bytes(999))
    assert found(stage, quick=True) == ["below/b has 999 bytes, e"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": {}, "sha256": "x"}', "\udcff"])
def test_a_damaged_manifest_is_named_itself(stage, content):
    (stage / manifest.NAME).write_bytes(content.encode(errors="surrogateescape"))
    assert found(stage) in (["files.json cannot be rea"], ["files.json was changed a"])


def test_without_a_manifest_nothing_is_known(stage):
    (stage / manifest.NAME).unlink()
    assert found(stage) == []
