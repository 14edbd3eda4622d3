"""Imports run down only, the core names no organ, and plugins use the public door."""

import ast
import re
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mribench
from mribench.api import PUBLIC
from mribench.plugins import lookup

CORE = Path(mribench.__file__).parent
PLUGINS = sorted((CORE.parent / "plugins").glob("mribench-*"))
# from the ground up, one row a folder or a few files; a module imports from its own row or from those above it
LAYERS = (
    "_version errors api",
    "spec code_hash hashing memo files manifest seeds networks escaping tables environ",
    "device signals progress provenance figures",
    "profiles profile_file phantom plugins",
    "results",
    "features",
    "metrics",
    "variants",
    "data",
    "audit",
    "trust",
    "tasks",
    "training",
    "sampling",
    "board",
    "hub",
    "runner",
    "scoring scorecard",
    "calibration",
    "speed",
    "tune",
    "testing",
    "cli",
    "__main__ __init__",
)
CONTRIBUTING = CORE.parent / "CONTRIBUTING.md"
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}
IMPORTED_AS = {"scikit-image": "skimage"}
MODULES = sorted(CORE.rglob("*.py"))


def top(path):
    """The part of mribench a file belongs to: 'cli', 'data', ..."""
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imports(tree):
    """(module, name or None) of every absolute import below a node, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from ((node.module, alias.name) for alias in node.names)


def parts(tree):
    """Parts of mribench that a tree imports; public names of the package itself come from spec."""
    for module, name in imports(tree):
        first, _, rest = module.partition(".")
        if first == "mribench":
            part = rest.split(".")[0] or name
            yield part if part in RANK else "spec"


def test_contributing_shows_these_rows():
    shown = re.findall(r"^\| `([a-z_ ]+)` \|", CONTRIBUTING.read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(shown) == LAYERS


def test_every_module_has_a_layer():
    """A new module is put into LAYERS, where it belongs."""
    assert {top(path) for path in MODULES} == set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_imports_run_down(path):
    if path == CORE / "__init__.py":
        return  # ``mribench.run`` is the one door upwards; what it costs is tested below
    up = {part for part in parts(ast.parse(path.read_text())) if RANK[part] > RANK.get(top(path), 99)}
    assert not up


def test_imports_have_no_circle():
    """Imports inside functions and for annotations count; ``mribench.run``, the one door upwards, does not."""
    graph = {}
    for path in MODULES:
        if path != CORE / "__init__.py":
            graph.setdefault(top(path), set()).update(set(parts(ast.parse(path.read_text()))) - {top(path)})
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_importing_mribench_is_light(python):
    code = "import sys, mribench; print(sorted({'torch', 'diffusers', 'numpy', 'typer'} & set(sys.modules)))"
    assert python(code).out == "[]\n"


def words_of(path):
    """Names and strings of a file that is code; comments and docstrings may speak freely."""
    tree = ast.parse(path.read_text())
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef)
    spoken = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, holders) and doc(node)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in spoken:
                yield text
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text):
                yield text
            case ast.FunctionDef(name=text) | ast.ClassDef(name=text) | ast.alias(name=text):
                yield text


def doc(node):
    return node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)


def test_the_core_names_no_organ():
    organs = set(lookup.names("modalities"))
    assert len(organs) >= 6
    found = {
        (path.name, word)
        for path in MODULES
        for text in words_of(path)
        for word in re.split(r"[\W_]+", text.lower())
        if word.removesuffix("s") in organs
    }
    assert not found


def test_the_core_imports_no_plugin():
    trees = [ast.parse(path.read_text()) for path in MODULES]
    assert not [module for tree in trees for module, _ in imports(tree) if module.startswith("mribench_")]


@pytest.mark.skipif(not PLUGINS, reason="only in a checkout")
@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_plugins_import_public_names_only(folder):
    """And of others only what they declare; their tests also pytest."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    needs = {re.split(r"[<>=~!; ]", need)[0] for need in project["dependencies"]}
    declared = {IMPORTED_AS.get(need, need.replace("-", "_")) for need in needs}
    known = {folder.name.replace("-", "_"), *declared, *sys.stdlib_module_names}
    for path in folder.rglob("*.py"):
        for module, name in imports(ast.parse(path.read_text())):
            first = module.split(".")[0]
            if first == "mribench":
                assert name in PUBLIC.get(module, ()), f"{path.name}: {module}.{name}"
            else:
                assert first in known or (first == "pytest" and "tests" in path.parts), (
                    f"{path.name}: {module}"
                )
