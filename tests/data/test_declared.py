"""What the data layer imports is declared: a package that only came with another may stay away."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import mribench

CORE = Path(mribench.__file__).parent
PYPROJECT = CORE.parent / "pyproject.toml"
# where the module is not called like its package
PACKAGES = {"PIL": "pillow"}


@pytest.mark.skipif(not PYPROJECT.is_file(), reason="only in a checkout")
def test_every_import_is_declared():
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    requirements = [
        *project["dependencies"],
        *(word for extra in project["optional-dependencies"].values() for word in extra),
    ]
    declared = {re.match(r"[\w.-]+", word).group().replace("-", "_") for word in requirements}
    imported = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    foreign = imported - sys.stdlib_module_names - {"mribench"}
    assert {PACKAGES.get(name, name) for name in foreign} <= declared
