"""The plugin door: distributions made up in a folder on sys.path, good, broken and quarrelling."""

import json
import os
import re
import sys
from importlib import invalidate_caches
from pathlib import Path

import pytest

from mribench import __version__ as mribench_version
from mribench.errors import InputError, PluginError
from mribench.plugins import diagnose, lookup

GOOD = """
from mribench import Modality, PhantomSlice

def draw(seed, subject, slice, size=64):
    raise NotImplementedError

MODALITY = Modality(name="NAME", title="A title", contrast="T1w", phantom=draw)
"""
# entry point -> (source of the module, what list says, what load says); None where list cannot know
BROKEN = {
    "gone": ("gone_absent:MODALITY", None, "module gone_absent not found", "gone_absent not found"),
    "typo": ("typo:MODALITY", "def (:\n", "typo: invalid syntax (line 1)", "invalid syntax"),
    "nameless": ("nameless:MODALITY", "X = 1\n", "has no MODALITY", "has no MODALITY"),
    "needy": (
        "needy:MODALITY",
        "import no_such_package\nMODALITY = 1\n",
        "needs no_such_package",
        "needs no_such",
    ),
    "deep": ("deep.inner:MODALITY", "", "module deep.inner not found", "deep.inner not found"),
    "plain": ("plain", "X = 1\n", "expected module:name", "is a value of type module; expected"),
    "garbled": ("no such!!", None, "expected module:name", "expected module:name"),
    "binary": ("binary:MODALITY", "MODALITY = 1\0", "binary", "binary"),
    "raising": ("raising:MODALITY", "MODALITY = 1 / 0\n", None, "ZeroDivisionError: division by zero"),
    "leaving": ("leaving:MODALITY", "import sys\nsys.exit(3)\nMODALITY = 1\n", None, "SystemExit: 3"),
    "number": (
        "number:MODALITY",
        "MODALITY = 7\n",
        None,
        "is a value of type int; expected mribench.Modality",
    ),
    "alias": ("alias:MODALITY", GOOD.replace("NAME", "other"), None, "calls itself 'other'"),
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """``install(distribution, name, value, source)``: a modality plugin on sys.path; forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def make(distribution, name, value, source=None, metadata=True):
        module = value.split(":")[0]
        if source is not None:
            (tmp_path / f"{module.split('.')[0]}.py").write_text(source)
        info = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        if metadata:
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[mribench.modalities]\n{name} = {value}\n")
        invalidate_caches()  # importlib tells a changed folder by its time, which is coarse
        return tmp_path

    yield make
    for module in set(sys.modules) - before:
        if getattr(sys.modules[module], "__file__", None) and str(tmp_path) in sys.modules[module].__file__:
            del sys.modules[module]


def shown(name):
    return [entry for entry in lookup.entries("modalities") if entry.name == name]


def test_a_good_plugin_is_listed_and_loaded(install):
    install("brand-new", "fresh", "fresh:MODALITY", GOOD.replace("NAME", "fresh"))
    (entry,) = shown("fresh")
    assert (entry.distribution, entry.version, entry.problem) == ("brand-new", "1.2", None)
    assert "fresh" not in sys.modules
    assert lookup.load("modalities", "fresh").title == "A title"
    assert lookup.owner("modalities", "fresh") == "brand-new 1.2"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named_and_stops_a_run_before_any_work(install, refused, tmp_path, name):
    value, source, listed, cause = BROKEN[name]
    install(f"dist-{name}", name, value, source)
    (entry,) = shown(name)
    assert listed is None or listed in entry.problem
    assert name not in sys.modules
    with pytest.raises(PluginError, match=re.escape(cause)):
        lookup.load("modalities", name)
    out = tmp_path / "out"
    sentence = refused("run", "--modalities", name, "--profile", "smoke", "--out", out)
    for part in (f"dist-{name}", f"mribench.modalities: {name} = {value}", cause):
        assert part in sentence
    assert not out.exists()


def test_a_broken_plugin_never_hurts_the_rest(install, mribench):
    before = lookup.names("modalities")
    for name, (value, source, *_) in BROKEN.items():
        install(f"dist-{name}", name, value, source)
    problems = {entry.name: entry.problem for entry in lookup.entries("modalities")}
    assert all(problems[name] is None for name in before)
    assert lookup.load("modalities", before[0]).name == before[0]
    listing = mribench("list")
    assert listing.code == 0
    for name, (_, _, reason, _) in BROKEN.items():
        (line,) = [line for line in listing.out.splitlines() if f"dist-{name}" in line]
        assert reason is None or reason in line


def test_a_name_claimed_twice_is_nobodys(install, refused, tmp_path):
    install("one", "spleen", "spleen_a:MODALITY", GOOD.replace("NAME", "spleen"))
    install("two", "spleen", "spleen_b:MODALITY", GOOD.replace("NAME", "spleen"))
    assert [entry.problem for entry in shown("spleen")] == ["claimed by one and two"] * 2
    sentence = refused("run", "--modalities", "spleen", "--out", tmp_path / "out")
    assert "'spleen' is claimed by one and two; uninstall one" in sentence


def test_metadata_may_be_missing(install):
    install("bare", "bare", "bare:MODALITY", GOOD.replace("NAME", "bare"), metadata=False)
    (entry,) = shown("bare")
    assert entry.distribution.startswith("bare") and entry.problem is None


def test_an_unreadable_entry_point_file_is_named(install, refused):
    folder = install("scrambled", "x", "x:MODALITY", "")
    (folder / "scrambled-1.2.dist-info" / "entry_points.txt").write_text("[mribench.modalities]\nno sign\n")
    invalidate_caches()
    assert "scrambled has an entry_points.txt that cannot be read; uninstall it" in refused("list")


def test_listing_imports_no_plugin(install, python):
    path = install("loud", "loud", "loud:MODALITY", "print('imported')\n" + GOOD.replace("NAME", "loud"))
    code = """
import sys
from mribench import __version__ as mribench_version
from mribench.plugins import lookup
owned = {e.value.partition(':')[0] for g in lookup.GROUPS for e in lookup.entries(g)}
print(sorted(owned & set(sys.modules)), sorted({'torch', 'numpy', 'diffusers'} & set(sys.modules)))
"""
    ended = python(code, path)
    assert (ended.out, ended.err) == ("[] []\n", "")


@pytest.mark.parametrize(
    ("group", "name", "hint"),
    [
        ("modalities", "brian", "did you mean 'brain'?"),
        ("variants", "ddmp", "did you mean 'ddpm'?"),
        ("metrics", "qqq", " background_offset, "),
    ],
)
def test_an_unknown_name_gets_a_suggestion(group, name, hint):
    with pytest.raises(InputError) as raised:
        lookup.load(group, name)
    assert f"{name!r}; " in str(raised.value) and hint in str(raised.value)


@pytest.mark.parametrize(
    "source",
    [
        "if True:\n    MODALITY = 1\n",
        "try:\n    import no_such_package\nexcept ImportError:\n    pass\nMODALITY = 1\n",
        "from math import *\n",
        "def __getattr__(name):\n    return 1\n",
        "MODALITY: int = 1\n",
        "A, MODALITY = 1, 2\n",
        "from math import pi as MODALITY\n",
    ],
)
def test_in_doubt_a_source_is_not_called_broken(install, source):
    install("odd", "odd", "odd:MODALITY", source)
    assert shown("odd")[0].problem is None


def test_every_installed_plugin_is_whole():
    found = [entry for group in lookup.GROUPS for entry in lookup.entries(group)]
    assert len(found) >= 18
    assert [entry for entry in found if entry.problem] == []


def test_a_plugin_for_another_mribench_is_named_and_not_run(install, refused, mribench, tmp_path):
    folder = install("older", "old", "old:MODALITY", GOOD.replace("NAME", "old"))
    metadata = folder / "older-1.2.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + "Requires-Dist: mribench<0.1,>=0.0.3\n")
    clause = f"needs mribench<0.1,>=0.0.3, this is {mribench_version}"
    assert shown("old")[0].problem == clause
    assert clause in mribench("list", "modalities", "--name", "old").out
    sentence = refused("run", "--modalities", "old", "--profile", "smoke", "--out", tmp_path / "out")
    assert clause in sentence and "older, entry point" in sentence and "go together" in sentence
    assert "old" not in sys.modules


@pytest.mark.parametrize(
    "line",
    [
        "mribench>=0.0.1",
        "MRIbench",
        "mribench<0.1; python_version < '3'",
        "mribench<0.1; extra == 'old'",
        "mribench-brain<0.0.1",
        "not a requirement at all ((",
    ],
)
def test_a_range_that_holds_or_says_nothing_is_no_problem(install, line):
    folder = install("fine", "fine", "fine:MODALITY", GOOD.replace("NAME", "fine"))
    metadata = folder / "fine-1.2.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + f"Requires-Dist: {line}\n")
    assert shown("fine")[0].problem is None


def test_a_listing_reads_each_source_and_each_metadata_once(install, monkeypatch):
    install("fresh", "fresh", "fresh_twice:MODALITY", GOOD.replace("NAME", "fresh"))
    read, scans = [], []
    imported, scan = diagnose._imported_packages, lookup.entry_points
    diagnose._source_names.cache_clear()
    lookup._read_all_points.cache_clear()
    monkeypatch.setattr(diagnose, "_imported_packages", lambda tree: read.append(tree) or imported(tree))
    monkeypatch.setattr(lookup, "entry_points", lambda: scans.append(1) or scan())
    found = lookup.choose()
    lookup.names("modalities")
    assert len(scans) == 1
    assert len(read) == len({entry.file for entry in found}) < len(found)


def test_a_source_that_was_repaired_is_read_anew(install):
    folder = install("mended", "mended", "mended:MODALITY", "X = 1\n")
    assert "has no MODALITY" in shown("mended")[0].problem
    (folder / "mended.py").write_text(GOOD.replace("NAME", "mended"))
    os.utime(folder / "mended.py", (0, 0))
    assert shown("mended")[0].problem is None


def test_the_list_is_filtered_and_is_json(mribench, refused):
    listed = json.loads(
        mribench("list", "--format", "json", "--name", "dd*", "--distribution", "mribench").out
    )
    assert {(row["group"], row["name"]) for row in listed} == {
        ("variants", "ddpm"),
        ("samplers", "ddpm"),
        ("samplers", "ddim"),
    }
    for row in listed:
        assert row["version"] == mribench_version and row["problem"] is None
        assert Path(row["file"]).is_file() and "mribench" in row["file"]
    assert "ddim" not in mribench("list", "variants", "--format", "json").out
    assert "no plugin has name 'qq*'" in refused("list", "--name", "qq*")
    assert "unknown format 'yaml'; expected table or json" in refused("list", "--format", "yaml")
