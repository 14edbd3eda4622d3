"""The wheels of all packages, in an environment that has their dependencies and nothing of this checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mribench._version import __version__

ROOT = Path(__file__).parent.parent
if not (ROOT / "plugins").exists():
    pytest.skip("only in a checkout", allow_module_level=True)
PACKAGES = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]


def run(*words, cwd):
    ended = subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=cwd)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return ended.stdout


def test_the_citation_is_of_this_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.slow
def test_the_wheels_of_all_packages_work_without_the_checkout(tmp_path):
    dist, place = tmp_path / "dist", tmp_path / "clean"
    for package in PACKAGES:
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", dist, cwd=package)
    wheels = sorted(dist.glob("*.whl"))
    assert len(wheels) == len(PACKAGES)
    assert not [n for wheel in wheels for n in zipfile.ZipFile(wheel).namelist() if n.startswith("tests/")]
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=tmp_path)
    (site,) = place.glob("lib/python*/site-packages")
    # dependencies come from here; a path added by a file is searched after the environment's own
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (site / "shared.pth").write_text("".join(f"{path}\n" for path in shared))
    python = place / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", "-q", *wheels, cwd=tmp_path)
    modules = [path.parent.name for path in sorted(site.glob("mribench*/__init__.py"))]
    assert len(modules) == len(PACKAGES)
    told = run(python, "-c", f"import {', '.join(modules)}; print(mribench.__file__)", cwd=tmp_path)
    assert Path(told.strip()).is_relative_to(place)
    listed = run(place / "bin" / "mribench", "list", cwd=tmp_path)
    for package in PACKAGES[1:]:
        assert package.name in listed
    assert "broken" not in listed.lower() and str(ROOT) not in listed
