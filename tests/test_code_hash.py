"""The hash of code: edits of what a function uses count; comments, layout, moves and other functions do not."""

import importlib
import sys
from dataclasses import dataclass
from functools import partial, wraps

import pytest

from mribench.code_hash import code_hash
from mribench.tasks import generation
from mribench.variants import ddpm

LOSS = """
from a_plugin.network import width

def loss(x):
    return x * FACTOR * width()

FACTOR = 2

def other(x):
    return x
"""
NETWORK = """
import math

from a_plugin import tables

def width():
    return math.floor(tables.WIDTHS["small"])
"""
TABLES = "WIDTHS = {'small': 8}\nWIDTHS.update(large=16)\n"
FILES = {
    "__init__": "",
    "family": LOSS,
    "network": NETWORK,
    "tables": TABLES,
    "stranger": "def loss(x):\n    return 0\n",
}


@pytest.fixture
def hashed(tmp_path, monkeypatch):
    """The hash of ``a_plugin.family.loss`` where some files of the package are other than ``FILES``."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def hash_of(module="family", follow=(), **files):
        package = tmp_path / "a_plugin"
        package.mkdir(exist_ok=True)
        for name, text in (FILES | files).items():
            (package / f"{name}.py").write_text(text)
        for name in [name for name in sys.modules if name.partition(".")[0] == "a_plugin"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return code_hash(importlib.import_module(f"a_plugin.{module}").loss, follow=follow)

    return hash_of


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("family", "x * FACTOR", "x + FACTOR"),
        ("family", "FACTOR = 2", "FACTOR = 3"),
        ("network", "math.floor", "math.ceil"),
        ("tables", "'small': 8", "'small': 9"),
        ("tables", "large=16", "small=16"),
    ],
)
def test_an_edit_of_what_a_function_uses_is_another_variant(hashed, file, old, new):
    assert hashed() != hashed(**{file: FILES[file].replace(old, new)})


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("family", "def loss(x):", "def loss(x: float) -> float:\n    '''A docstring.'''  # a comment"),
        ("family", "    return x\n", "    return -x\n"),
        ("network", "import math\n", "import math\nimport json\n"),
        ("stranger", "return 0", "return 1"),
        ("__init__", "", "VERSION = 2\n"),
    ],
)
def test_what_a_function_does_not_use_is_not_in_its_hash(hashed, file, old, new):
    assert hashed() == hashed(**{file: FILES[file].replace(old, new)})


def test_a_function_may_move_to_another_module(hashed):
    """Its own imports follow it under other names."""
    moved = FILES["family"].replace("a_plugin.network", "a_plugin.nets")
    assert hashed() == hashed(
        "generator", generator=moved, nets=NETWORK, family="from a_plugin.generator import loss\n"
    )
    assert hashed() == hashed(family="from a_plugin.generator import loss\n", generator=LOSS)


def test_another_function_of_another_package_counts(hashed):
    first = "from math import sin as f\n\ndef loss(x):\n    return f(x)\n"
    assert hashed(family=first) != hashed(family=first.replace("sin", "cos"))


def test_arguments_of_a_partial_count():
    assert code_hash(partial(ddpm.loss, 1)) != code_hash(partial(ddpm.loss, 2)) != code_hash(ddpm.loss)


@pytest.mark.parametrize(
    "imported",
    [
        "from another import tables\n\ndef loss(x):\n    return tables.WIDTH",
        "from another.tables import WIDTH\n\ndef loss(x):\n    return WIDTH",
        "import another.tables\n\ndef loss(x):\n    return another.tables.WIDTH",
        "import another.tables as t\n\ndef loss(x):\n    return t.WIDTH",
    ],
)
def test_a_package_that_is_followed_counts_by_content_and_another_by_name(imported, hashed, tmp_path):
    other = tmp_path / "another"
    other.mkdir()
    (other / "__init__.py").write_text("")

    def both(width):
        (other / "tables.py").write_text(f"WIDTH = {width}\nOTHER = {width}\n")
        return hashed(family=imported), hashed(family=imported, follow=("another.tables",))

    try:
        (named, followed), (named_then, followed_then) = both(8), both(16)
        assert named == named_then and followed != followed_then
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "another"]:
            del sys.modules[name]


def test_own_modules_are_found_by_their_full_names(hashed):
    loss = "import a_plugin.tables\n\ndef loss(x):\n    return a_plugin.tables.WIDTHS\n"
    assert hashed(family=loss) != hashed(family=loss, tables=TABLES.replace("8", "9"))


def make_loss(scale, helper, cache):
    def loss(x):
        cache[x] = helper(x)
        return scale * cache[x]

    return loss


@dataclass(frozen=True)
class Loss:
    scale: float

    def __call__(self, x):
        return self.scale * x


def test_what_a_closure_or_an_object_holds_counts():
    """But not what a cache holds, which differs from call to call."""
    loss = make_loss(1, ddpm.loss, {})
    assert code_hash(loss) == code_hash(make_loss(1, ddpm.loss, {1: 2}))
    assert code_hash(loss) != code_hash(make_loss(2, ddpm.loss, {}))
    assert code_hash(loss) != code_hash(make_loss(1, ddpm.network, {}))
    assert code_hash(Loss(1.0)) == code_hash(Loss(1.0)) != code_hash(Loss(2.0))


def test_what_memoises_a_function_does_not_count():
    @wraps(ddpm.loss)
    def memoised(*args, state=[]):  # noqa: B006
        return ddpm.loss(*args, memoised)

    assert code_hash(memoised) == code_hash(ddpm.loss)


def test_the_core_counts_by_what_is_used(monkeypatch):
    """The patch network counts for ddpm, which makes it; how images are scored does not, for producing them."""
    import mribench.code_hash as code

    before = code_hash(ddpm.network), code_hash(generation.GENERATION.produce)
    edited = {
        "mribench.networks": ("pixel_shuffle", "pixel_unshuffle"),
        "mribench.metrics.floor": ("VERSION", "EDITION"),
    }
    parsed = code._parsed.__wrapped__
    monkeypatch.setattr(
        code,
        "_parsed",
        lambda module, is_package, text, follow: parsed(
            module,
            is_package,
            text.replace(*(word.encode() for word in edited.get(module, ("", "")))),
            follow,
        ),
    )
    assert code_hash(ddpm.network) != before[0]
    assert code_hash(generation.GENERATION.produce) == before[1]
