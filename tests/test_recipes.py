"""What plugins/README.md says works as written: its recipes are plugins that conform and reach a board."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import invalidate_caches
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mribench.board import columns
from mribench.board.boards import boards
from mribench.plugins import lookup
from mribench.testing import check

PAGE = Path(__file__).parent.parent / "plugins" / "README.md"
if not PAGE.exists():
    pytest.skip("only in a checkout", allow_module_level=True)
README = PAGE.read_text(encoding="utf-8")
GROUPS = {
    "sigmoid": "variants",
    "haar": "variants",
    "kspace": "tasks",
    "flowdps": "solvers",
    "nrrd": "readers",
}
# name of the plugin -> its code, and the commands below it
RECIPES = {
    name: (code, shell)
    for name, code, shell in re.findall(
        r"In `mribench_(\w+)/__init__\.py`:\n\n```python\n(.*?)```\n\n```sh\n(.*?)```", README, re.DOTALL
    )
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(name): the recipe as an installed package, until the test ends."""

    def make(name):
        module, site = f"mribench_{name}", tmp_path / "site"
        information = site / f"{module}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mribench-{name}\nVersion: 1.0\n")
        point = f"[mribench.{GROUPS[name]}]\n{name} = {module}:{name.upper()}\n"
        (information / "entry_points.txt").write_text(point)
        (site / module).mkdir()
        (site / module / "__init__.py").write_text(RECIPES[name][0])
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setenv("PYTHONPATH", str(site))
        invalidate_caches()
        return lookup.load(GROUPS[name], name)

    yield make
    for name in GROUPS:
        sys.modules.pop(f"mribench_{name}", None)


def test_there_is_a_recipe_for_each_door():
    assert RECIPES.keys() == GROUPS.keys()


# of the two variants one trains by default
CONFORMING = [pytest.param(name, marks=pytest.mark.slow) if name == "sigmoid" else name for name in GROUPS]


@pytest.mark.usefixtures("no_toys")
@pytest.mark.parametrize("name", CONFORMING)
def test_a_recipe_conforms(name, install):
    conforms(name, install)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in GROUPS if GROUPS[name] == "variants"])
def test_a_recipe_learns_a_toy_too(name, install):
    conforms(name, install)


def conforms(name, install):
    if name == "nrrd":
        pytest.importorskip("SimpleITK")
    install(name)
    broken = [str(finding) for finding in check(GROUPS[name], name) if finding.state == "broken"]
    assert not broken, "\n".join(broken)


def test_the_wavelet_loses_nothing_and_keeps_lengths(install):
    import torch

    haar = install("haar")
    x = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    z = haar.encode(x)
    assert z.shape == (2, 4, 16, 16)
    assert (haar.decode(z) - x).abs().max() < 1e-6
    assert torch.allclose(z.norm(), x.norm())


def test_the_column_is_shown_as_the_diff_says(scored):
    (diff,) = re.findall(r"```diff\n(.*?)```", README, re.DOTALL)
    old, new = (
        "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] == sign) for sign in "-+"
    )
    source = Path(columns.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1
    changed = ModuleType("columns")
    sys.modules["columns"] = changed  # dataclasses look their module up
    try:
        exec(source.replace(old, new), changed.__dict__)
        training = {"parameters": 1_234_567, "images_seen": 320, "seconds": 3.6}
        (board,) = boards([scored(provenance={"training": training, "produced": {"nfe": [5]}})])
        table = changed.headline(board)
        assert table.texts()[0][table.titles.index("parameters (M)")] == "1.23"
    finally:
        del sys.modules["columns"]


@pytest.mark.slow
@pytest.mark.parametrize("name", GROUPS)
def test_a_recipe_is_followed_to_the_board(name, tmp_path):
    """Its commands as a shell runs them; pip puts the package into a folder of its own, away from this environment."""
    code, shell = RECIPES[name]
    if name == "nrrd":
        _write_scans(tmp_path / "scans")
    (tmp_path / "code.py").write_text(code)
    options = f"--quiet --no-deps --no-build-isolation --no-index --target {tmp_path / 'site'}"
    first, *rest = shell.replace("pip install -e", f"pip install {options}").splitlines()
    paste = f"cp code.py mribench-{name}/mribench_{name}/__init__.py"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path / "site"),
    }
    script = "\n".join([first, paste, *rest])
    ended = subprocess.run(
        ["bash", "-ec", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280
    )
    assert ended.returncode == 0, ended.stderr
    assert " 0 broken" in ended.stdout
    project = tomllib.loads((tmp_path / f"mribench-{name}" / "pyproject.toml").read_text())["project"]
    assert name in project["entry-points"][f"mribench.{GROUPS[name]}"]
    board = (tmp_path / "runs" / name / "leaderboard.md").read_text(encoding="utf-8")
    page = (tmp_path / "runs" / name / "leaderboard.html").read_text(encoding="utf-8")
    expected = {
        "sigmoid": "sigmoid ddim-5",
        "haar": "haar ddim-5",
        "kspace": "PSNR @R 4 (dB)",
        "nrrd": "local-",
        "flowdps": "flowdps",
    }[name]
    assert expected in board and expected in page
    assert name != "kspace" or "ᾱ" not in board


def _write_scans(folder):
    sitk = pytest.importorskip("SimpleITK")
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32] - 16
    for subject in range(30):
        radius = np.hypot(x, y * rng.uniform(0.8, 1.2))
        voxels = 1000 * (radius < rng.uniform(8, 12)) + rng.normal(0, 30, (3, 32, 32))
        path = folder / f"sub-{subject:02}" / "t1.nrrd"
        path.parent.mkdir(parents=True)
        sitk.WriteImage(sitk.GetImageFromArray(voxels.astype(np.int16)), str(path))
