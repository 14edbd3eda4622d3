"""The identity of code: edits count, comments and layout do not."""

import importlib
import sys

from mribench import sources
from mribench.variants import ddpm

PLAIN = "def loss(x):\n    return x * 2\n"


def load(folder, monkeypatch, text, beside="VALUE = 1\n"):
    package = folder / "a_plugin"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(text)
    (package / "network.py").write_text(beside)
    monkeypatch.syspath_prepend(str(folder))
    for name in [name for name in sys.modules if name.startswith("a_plugin")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    return importlib.import_module("a_plugin").loss


def test_an_edited_variant_is_another_variant(tmp_path, monkeypatch):
    plain = sources.identity(load(tmp_path, monkeypatch, PLAIN))
    commented = '"""A docstring."""\n\n\ndef loss(x):\n    """Why."""  # a comment\n    return (x * 2)\n'
    assert plain != sources.identity(load(tmp_path, monkeypatch, PLAIN.replace("2", "3")))
    assert plain != sources.identity(load(tmp_path, monkeypatch, PLAIN, beside="VALUE = 2\n"))
    told = sources.identity(load(tmp_path, monkeypatch, commented))
    assert told == sources.identity(load(tmp_path, monkeypatch, commented.replace("A docstring", "Another")))
    assert told == sources.identity(load(tmp_path, monkeypatch, commented.replace("# a comment", "")))


def test_the_core_counts_by_module():
    assert sources.identity(ddpm.loss) == sources.identity(ddpm.network, ddpm.loss)
