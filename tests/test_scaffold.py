"""``mribench plugin new``: every kind is written whole, installs and conforms; nothing is overwritten."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mribench.plugins import scaffold
from mribench.spec import Control


def test_new_plugins_install_and_pass_their_own_tests(tmp_path):
    """Of all kinds together, installed and tested by their authors' commands."""
    passed_by(scaffold.KINDS, ["-k", "not learns"], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", scaffold.KINDS)
def test_a_new_plugin_installs_and_passes_its_own_tests(kind, tmp_path):
    passed_by([kind], [], tmp_path)


def passed_by(kinds, options, place):
    folders = [scaffold.write(kind, f"brand-new-{kind}", place) for kind in kinds]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", place / "site", *folders], check=True, timeout=120)
    environment = os.environ | {"PYTHONPATH": str(place / "site")}
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *map(str, folders)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=250, env=environment)
    assert ended.returncode == 0, ended.stdout
    assert all(f"test_mribench_brand_new_{kind}.py" in ended.stdout for kind in kinds), ended.stdout


@pytest.mark.parametrize("kind", scaffold.KINDS)
def test_a_new_plugin_is_small_whole_and_dated(kind, tmp_path):
    folder = scaffold.write(kind, "a2-b", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mribench-a2-b"]
    written = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    module = "mribench_a2_b/__init__.py"
    assert {module, "README.md", "pyproject.toml", "tests/test_mribench_a2_b.py"} <= written.keys()
    for path in written.values():
        assert "$" not in path.read_text() and path.read_text().endswith("\n")
    assert len(written[module].read_text().splitlines()) <= {"modality": 30, "variant": 40}.get(kind, 50)
    project = tomllib.loads(written["pyproject.toml"].read_text())["project"]
    assert project["entry-points"][f"mribench.{scaffold.KINDS[kind]}"] == {"a2-b": "mribench_a2_b:A2_B"}
    assert any(re.fullmatch(r"mribench>=\d+\.\d+,<\d+\.\d+", need) for need in project["dependencies"])
    assert "Licence" in written["README.md"].read_text()
    assert len(written["tests/test_mribench_a2_b.py"].read_text().split("\n\n")) == 2


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("organ", "toe", "unknown kind of plugin 'organ'; expected one of modality"),
        ("modalty", "toe", "did you mean 'modality'?"),
        ("modality", "Toe", "cannot be used"),
        ("modality", "../toe", "cannot be used"),
        ("modality", "big--toe", "cannot be used"),
        ("modality", "-toe", "cannot be used"),
        ("modality", "toe\n", "cannot be used"),
        ("modality", "t" * 41, "cannot be used"),
        ("modality", "all", "choose another name"),
        ("sampler", "euler-10", "ends in a number"),
        ("variant", "ddpm", "'ddpm' is already installed in variants, from mribench"),
        ("metric", "kd", "already installed"),
    ],
)
def test_a_wrong_name_is_refused_and_nothing_is_written(kind, name, said, refused, tmp_path):
    assert said in refused("plugin", "new", kind, "--out", tmp_path / "out", "--", name)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(refused, tmp_path):
    theirs = tmp_path / "mribench-toe"
    theirs.mkdir()
    (theirs / "mine").write_text("work")
    assert "is there already" in refused("plugin", "new", "modality", "toe", "--out", tmp_path)
    theirs.joinpath("mine").rename(tmp_path / "mine")
    assert "is there already" in refused("plugin", "new", "modality", "toe", "--out", tmp_path)
    assert (tmp_path / "mine").read_text() == "work" and list(theirs.iterdir()) == []


def test_a_failure_leaves_nothing_half_written(tmp_path, monkeypatch):
    def fail(self, *args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scaffold.Template, "substitute", fail)
    with pytest.raises(OSError):
        scaffold.write("modality", "toe", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_comes_next(mribench, tmp_path):
    ended = mribench("plugin", "new", "variant", "mine", "--out", tmp_path)
    assert ended.code == 0
    assert f"pip install -e '{tmp_path}/mribench-mine[test]'" in ended.out
    for line in ("mribench plugin check mine", "python -m pytest", "mribench run --variants mine,ddpm"):
        assert line in ended.out
    assert "draw" not in ended.out


@pytest.mark.parametrize(
    ("version", "wanted"), [("0.1.0", ">=0.1,<0.2"), ("0.1.7", ">=0.1,<0.2"), ("1.4.2", ">=1.4,<2")]
)
def test_a_new_plugin_names_the_versions_that_keep_its_contract(version, wanted, tmp_path, monkeypatch):
    """Releases that only add are 0.1.x: a plugin must not refuse them, and must refuse 0.2."""
    monkeypatch.setattr(scaffold, "__version__", version)
    folder = scaffold.write("metric", "brand-new", tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert f"mribench{wanted}" in project["dependencies"]


def test_the_words_of_a_new_package_are_those_that_come_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = scaffold.write("modality", "toe", Path())
    # without ./ pip looks the name up in its index
    first, *others = scaffold.next_steps("modality", "toe", folder)
    assert first == "python -m pip install -e './mribench-toe[test]'"
    readme = (folder / "README.md").read_text()
    assert 'pip install -e ".[test]"' in readme and "CC0-1.0" in readme
    for line in (line for line in others if line.startswith("mribench ")):
        assert f"\n{line}" in readme
    assert "CC0" not in (scaffold.write("metric", "toe", tmp_path / "other") / "README.md").read_text()


def test_check_reports_and_exits(mribench, refused, monkeypatch, tmp_path):
    ended = mribench("plugin", "check", "mse")
    assert ended.code == 0 and ended.out.endswith("0 broken\n") and "ok     metrics mse: loads" in ended.out
    monkeypatch.setattr("mribench.testing.metrics._three", lambda metric: 1 / 0)
    ended = mribench("plugin", "check", "mse")
    assert ended.code == 1
    for word in ("found: ZeroDivisionError", "where: ", "mend: "):
        assert word in ended.out
    assert "no plugin or distribution is called 'msee'" in refused("plugin", "check", "msee")
    assert "cannot read" in refused("plugin", "check", tmp_path)
    assert "cannot read" in refused("plugin", "check", tmp_path / "absent")


def test_checks_run_in_one_thread_unless_another_number_is_asked(mribench, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "mribench.testing.check", lambda *about: seen.append(os.environ["OMP_NUM_THREADS"]) or ()
    )
    for asked in (None, "3"):
        monkeypatch.delenv("OMP_NUM_THREADS") if asked is None else monkeypatch.setenv(
            "OMP_NUM_THREADS", asked
        )
        assert mribench("plugin", "check", "mse").code == 0
        assert os.environ.get("OMP_NUM_THREADS") == asked
    assert seen == ["1", "3"]


def test_a_folder_must_be_installed_as_it_stands(refused, tmp_path):
    folder = scaffold.write("metric", "brand-new", tmp_path)
    sentence = refused("plugin", "check", folder)
    assert "not installed: brand-new" in sentence and f"pip install -e {folder}" in sentence
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert "names no plugin" in refused("plugin", "check", folder)
    (folder / "pyproject.toml").write_text("[project")
    assert "is not TOML" in refused("plugin", "check", folder)


def test_a_control_is_checked_as_one():
    from mribench import testing
    from mribench.plugins import lookup

    noise = lookup.load("variants", "noise")
    assert isinstance(noise, Control)
    assert "it denoises at every level" in {check.name for check in testing.checks("variants", noise)}
