"""The code that something was made with, as a hash: an edited variant is another variant, whatever its version says."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

WHOLE = "*"


class Symbol(NamedTuple):
    """A top-level name of a module, or ``WHOLE``: all of the module."""

    module: str
    name: str


def code_hash(*functions: Callable[..., Any]) -> str:
    """12 hex digits over the source of functions and of all that they use in their own top-level package.

    Names are followed to helpers, constants and classes, also in other modules of the package, be it mribench or a
    plugin: an edit of one family of a package does not touch the others. Of other packages only the names count.
    Comments, docstrings, annotations of functions, the package's own import statements and the names of its modules
    do not enter, so that moving a function renames nothing.
    """
    parts: set[str] = set()
    reached: set[Symbol] = set()
    waiting = [symbol for function in functions for symbol in _symbols_of(function, parts)]
    while waiting:
        symbol = waiting.pop()
        source = _source(symbol.module)
        if symbol in reached or source is None:
            continue
        reached.add(symbol)
        for node in source.statements(symbol.name):
            parts.add(ast.unparse(node))
            waiting += source.own_symbols(node)
            parts.update(source.foreign_names(node))
    digest = hashlib.sha256()
    for part in sorted(parts):
        digest.update(f"{part}\0".encode())
    return digest.hexdigest()[:12]


def _symbols_of(function: Any, parts: set[str]) -> Iterator[Symbol]:
    """Where a function is defined. What a ``functools.partial`` holds is added to ``parts``."""
    if isinstance(function, partial):
        for name, value in [*enumerate(function.args), *sorted(function.keywords.items())]:
            if callable(value):
                yield from _symbols_of(value, parts)
            else:
                parts.add(f"{name}={value!r}".split(" at 0x")[0])
        function = function.func
    definition = function if hasattr(function, "__qualname__") else type(function)
    name = definition.__qualname__.partition(".")[0]
    yield Symbol(definition.__module__ or "", WHOLE if name == "<lambda>" else name)


class _Source:
    """A module's syntax tree without what only people read, by top-level name."""

    def __init__(self, module: str, is_package: bool, text: bytes) -> None:
        self._module, self._is_package = module, is_package
        self._own: dict[str, Symbol] = {}
        self._foreign: dict[str, str] = {}
        whole = ast.parse(text)
        for node in ast.walk(whole):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._note_import(node)
        self._by_name: dict[str, list[ast.stmt]] = {}
        # a statement that binds no name (``TABLE.update(...)``) may change any of them
        self._unnamed: list[ast.stmt] = []
        for node in _WithoutProse().visit(whole).body:
            names = _bound_names(node)
            for name in names:
                self._by_name.setdefault(name, []).append(node)
            if not names and not isinstance(node, ast.Pass):
                self._unnamed.append(node)

    def statements(self, name: str) -> list[ast.stmt]:
        """Those that define a name, and those that may change it; none for a name that is not of this module."""
        named = self._by_name.values() if name == WHOLE else [self._by_name.get(name, [])]
        found = list(dict.fromkeys(node for nodes in named for node in nodes))
        return [*found, *self._unnamed] if found else []

    def own_symbols(self, node: ast.stmt) -> Iterator[Symbol]:
        """The names of the same top-level package that a statement uses."""
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                module = self._own.get(part.value.id)
                if module is not None and module.name == WHOLE:
                    yield _definition(Symbol(module.module, part.attr))
            elif isinstance(part, ast.Name) and part.id in self._by_name:
                yield Symbol(self._module, part.id)
            elif isinstance(part, ast.Name) and self._own.get(part.id, Symbol("", WHOLE)).name != WHOLE:
                yield _definition(self._own[part.id])

    def foreign_names(self, node: ast.stmt) -> Iterator[str]:
        """'diffusers.UNet2DModel': what a statement uses of other packages."""
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        yield from (self._foreign[name] for name in used & self._foreign.keys())

    def imported(self, name: str) -> Symbol | None:
        """What a name stands for that this module only hands on; None where it is the module's own."""
        return None if name in self._by_name else self._own.get(name)

    def _note_import(self, node: ast.Import | ast.ImportFrom) -> None:
        top = self._module.partition(".")[0]
        base = "" if isinstance(node, ast.Import) else self._absolute(node)
        for alias in node.names:
            full = f"{base}.{alias.name}" if base else alias.name
            local = alias.asname or (alias.name if base else alias.name.partition(".")[0])
            if full.partition(".")[0] != top:
                self._foreign[local] = full
            elif not base or _is_submodule(base, alias.name):
                self._own[local] = Symbol(full, WHOLE)
            else:
                self._own[local] = Symbol(base, alias.name)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._module.split(".")
        parts = parts[: len(parts) - node.level + self._is_package]
        return ".".join([*parts, *filter(None, [node.module])])


def _definition(symbol: Symbol) -> Symbol:
    """Follow a name through the modules that only hand it on, as ``__init__`` files do."""
    seen: set[Symbol] = set()
    while symbol not in seen and (source := _source(symbol.module)) is not None:
        seen.add(symbol)
        symbol = source.imported(symbol.name) or symbol
    return symbol


def _source(module: str) -> _Source | None:
    file = _file(module)
    return None if file is None else _parsed(module, file.name == "__init__.py", file.read_bytes())


@lru_cache(maxsize=512)
def _parsed(module: str, is_package: bool, text: bytes) -> _Source:
    return _Source(module, is_package, text)


def _file(module: str) -> Path | None:
    """The Python file of a module; None for built-in, compiled and absent ones."""
    try:
        spec = find_spec(module)
    except (ImportError, AttributeError, ValueError):
        return None
    origin = Path(spec.origin) if spec is not None and spec.origin else None
    return origin if origin is not None and origin.suffix == ".py" and origin.is_file() else None


def _is_submodule(package: str, name: str) -> bool:
    """By the files alone: ``find_spec`` would import the package's other modules on the way."""
    file = _file(package)
    if file is None or file.name != "__init__.py":
        return False
    return (file.parent / f"{name}.py").is_file() or (file.parent / name / "__init__.py").is_file()


class _WithoutProse(ast.NodeTransformer):
    """Takes out docstrings, import statements, and annotations of functions."""

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if hasattr(node, "returns"):
            node.returns = None
        if isinstance(getattr(node, "body", None), list):
            node.body = [child for child in node.body if not _is_text(child)] or [ast.Pass()]
        return node


def _bound_names(node: ast.stmt) -> list[str]:
    """Names that a top-level statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    stored = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
    return [part.id for part in stored if isinstance(part.ctx, ast.Store)]


def _is_text(node: ast.AST) -> bool:
    constant = node.value if isinstance(node, ast.Expr) else None
    return isinstance(constant, ast.Constant) and isinstance(constant.value, str)
