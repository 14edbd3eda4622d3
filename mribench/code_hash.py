"""The code that something was made with, as a hash: an edited variant is another variant, whatever its version says."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

WHOLE = "*"


class Symbol(NamedTuple):
    """A top-level name of a module, or ``WHOLE``: all of the module."""

    module: str
    name: str


class _Used(NamedTuple):
    """What the statements of one top-level name use."""

    parts: frozenset[str]  # their source, and names of other packages
    symbols: tuple[Symbol, ...]  # of packages that are followed


def code_hash(*functions: Callable[..., Any], follow: tuple[str, ...] = ()) -> str:
    """12 hex digits over the source of functions and of all that they use in their own top-level package.

    Names are followed to helpers, constants and classes, also in other modules of the package, be it mribench or a
    plugin: an edit of one family of a package does not touch the others. Of other packages only the names count.
    Comments, docstrings, annotations of functions, the package's own import statements and the names of its modules
    do not enter, so that moving a function renames nothing.

    Args:
        functions: Also classes, callable objects, closures and ``functools.partial``: what they hold counts too.
        follow: Further packages that names are followed into, such as ``mribench.phantom``.
    """
    parts: set[str] = set()
    reached: set[Symbol] = set()
    reader = _Reader(follow)
    waiting = [symbol for function in functions for symbol in _symbols_of(function, parts)]
    while waiting:
        symbol = waiting.pop()
        source = reader.source(symbol.module)
        if symbol in reached or source is None:
            continue
        reached.add(symbol)
        used = source.used(symbol.name)
        parts |= used.parts
        waiting += map(reader.definition, used.symbols)
    digest = hashlib.sha256()
    for part in sorted(parts):
        digest.update(f"{part}\0".encode())
    return digest.hexdigest()[:12]


def _symbols_of(function: Any, parts: set[str]) -> Iterator[Symbol]:
    """Where a function is defined. What a partial, a closure or an object holds is added to ``parts``."""
    if isinstance(function, partial):
        for name, value in [*enumerate(function.args), *sorted(function.keywords.items())]:
            if callable(value):
                yield from _symbols_of(value, parts)
            else:
                parts.add(f"{name}={value!r}".split(" at 0x")[0])
        function = function.func
    for name, value in _held(function):
        if callable(value):
            parts.add(f"{name}={getattr(value, '__qualname__', type(value).__qualname__)}")
            yield from _symbols_of(value, parts)
        elif hasattr(value, "tobytes"):
            parts.add(f"{name}={hashlib.sha256(value.tobytes()).hexdigest()}")
        elif isinstance(value, Hashable):
            # a list or a dictionary may be a cache, which fills as the function is called
            parts.add(f"{name}={value!r}".split(" at 0x")[0])
    definition = function if hasattr(function, "__qualname__") else type(function)
    name = definition.__qualname__.partition(".")[0]
    yield Symbol(definition.__module__ or "", WHOLE if name == "<lambda>" else name)


def _held(function: Any) -> list[tuple[str, Any]]:
    """Names and values that a closure or a callable object holds: they stand in no source file."""
    if hasattr(function, "__wrapped__"):
        return []  # what decorates it stands in the source
    if not hasattr(function, "__qualname__"):
        return sorted(getattr(function, "__dict__", {}).items())
    if not getattr(function, "__closure__", None):
        return []
    held = inspect.getclosurevars(function).nonlocals
    # a function that calls itself holds itself
    return [(name, value) for name, value in sorted(held.items()) if value is not function]


class _Reader:
    """The modules that one hash meets, each read once."""

    def __init__(self, follow: tuple[str, ...]) -> None:
        self._follow = follow
        self._sources: dict[str, _Source | None] = {}

    def source(self, module: str) -> _Source | None:
        if module not in self._sources:
            file = _file(module)
            self._sources[module] = file and _parsed(
                module, file.name == "__init__.py", file.read_bytes(), self._follow
            )
        return self._sources[module]

    def definition(self, symbol: Symbol) -> Symbol:
        """Follow a name through the modules that only hand it on, as ``__init__`` files do."""
        seen: set[Symbol] = set()
        while symbol not in seen and (source := self.source(symbol.module)) is not None:
            seen.add(symbol)
            symbol = source.imported(symbol.name) or symbol
        return symbol


class _Source:
    """A module's syntax tree without what only people read, by top-level name."""

    def __init__(self, module: str, is_package: bool, text: bytes, follow: tuple[str, ...]) -> None:
        self._module, self._is_package = module, is_package
        self._followed = (module.partition(".")[0], *follow)
        self._used: dict[str, _Used] = {}
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

    def used(self, name: str) -> _Used:
        """What the statements of a name are and use; found once, as many hashes meet the same names."""
        if name not in self._used:
            nodes = self.statements(name)
            parts = {ast.unparse(node) for node in nodes}
            parts.update(name for node in nodes for name in self._foreign_names(node))
            symbols = dict.fromkeys(symbol for node in nodes for symbol in self._own_symbols(node))
            self._used[name] = _Used(frozenset(parts), tuple(symbols))
        return self._used[name]

    def _own_symbols(self, node: ast.stmt) -> Iterator[Symbol]:
        """The names of followed packages that a statement uses."""
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute):
                module = self._module_of(part.value)
                if module is not None and not _is_submodule(module, part.attr):
                    yield Symbol(module, part.attr)
            elif isinstance(part, ast.Name) and part.id in self._by_name:
                yield Symbol(self._module, part.id)
            elif isinstance(part, ast.Name) and self._own.get(part.id, Symbol("", WHOLE)).name != WHOLE:
                yield self._own[part.id]

    def _module_of(self, node: ast.expr) -> str | None:
        """The followed module that an expression such as ``shapes`` or ``package.shapes`` stands for."""
        if isinstance(node, ast.Name):
            symbol = None if node.id in self._by_name else self._own.get(node.id)
            return symbol.module if symbol is not None and symbol.name == WHOLE else None
        module = self._module_of(node.value) if isinstance(node, ast.Attribute) else None
        return f"{module}.{node.attr}" if module is not None and _is_submodule(module, node.attr) else None

    def _foreign_names(self, node: ast.stmt) -> Iterator[str]:
        """'diffusers.UNet2DModel': what a statement uses of other packages."""
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        yield from (self._foreign[name] for name in used & self._foreign.keys())

    def imported(self, name: str) -> Symbol | None:
        """What a name stands for that this module only hands on; None where it is the module's own."""
        return None if name in self._by_name else self._own.get(name)

    def _note_import(self, node: ast.Import | ast.ImportFrom) -> None:
        base = "" if isinstance(node, ast.Import) else self._absolute(node)
        for alias in node.names:
            full = f"{base}.{alias.name}" if base else alias.name
            local = alias.asname or (alias.name if base else alias.name.partition(".")[0])
            if not any(f"{full}.".startswith(f"{package}.") for package in self._followed):
                self._foreign[local] = full
            elif not base:
                # ``import package.module`` binds the package
                self._own[local] = Symbol(full if alias.asname else local, WHOLE)
            elif _is_submodule(base, alias.name):
                self._own[local] = Symbol(full, WHOLE)
            else:
                self._own[local] = Symbol(base, alias.name)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._module.split(".")
        parts = parts[: len(parts) - node.level + self._is_package]
        return ".".join([*parts, *filter(None, [node.module])])


@lru_cache(maxsize=512)
def _parsed(module: str, is_package: bool, text: bytes, follow: tuple[str, ...]) -> _Source:
    return _Source(module, is_package, text, follow)


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
