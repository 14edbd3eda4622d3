"""``mribench plugin new``: a small package that installs, passes its own tests and runs at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from keyword import iskeyword
from pathlib import Path
from shlex import quote
from string import Template

from mribench._version import __version__
from mribench.errors import InputError, MribenchError, unknown_name
from mribench.files import new_folder
from mribench.plugins import lookup

# kind of plugin, as the user says it -> group of entry points
KINDS = {
    "modality": "modalities",
    "variant": "variants",
    "control": "variants",
    "model": "models",
    "sampler": "samplers",
    "solver": "solvers",
    "task": "tasks",
    "metric": "metrics",
    "features": "features",
    "reader": "readers",
}
# PEP 503's normal form, because the name is used in commands, file names and package names
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME_LENGTH = 40
SUFFIX = ".template"


def write(kind: str, name: str, out: Path) -> Path:
    """Write ``out/mribench-NAME`` and return it. Raises InputError for a wrong kind or name, or where it exists."""
    _check(kind, name)
    out = Path(out)
    folder = out / f"mribench-{name}"
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{folder} is there already; choose another name, or another folder with --out")
    values = _template_values(kind, name)
    root = files("mribench.plugins") / "templates"
    with new_folder(folder, is_valid=lambda existing: True) as unfinished:
        for source in ("common", kind):
            for parts, template in _templates(root / source):
                name_in_package = "/".join(parts).replace("package", values["package"])
                path = unfinished / name_in_package.removesuffix(SUFFIX)
                path.parent.mkdir(parents=True, exist_ok=True)
                text = Template(template.read_text(encoding="utf-8")).substitute(values)
                path.write_text(text, encoding="utf-8")
    return folder


def next_steps(kind: str, name: str, folder: Path) -> list[str]:
    """The commands that come next, as a shell takes them."""
    # without ./ pip would look a bare name up in its index
    path = folder if folder.is_absolute() else f"./{folder}"
    draw = [f"mribench plugin draw {name}"] if kind == "modality" else []
    return [
        f"python -m pip install -e {quote(f'{path}[test]')}",
        *draw,
        f"mribench plugin check {name}",
        f"python -m pytest {quote(str(folder))}",
        _template_values(kind, name)["run"],
    ]


def _check(kind: str, name: str) -> None:
    if kind not in KINDS:
        raise InputError(unknown_name("kind of plugin", kind, KINDS))
    if not NAME.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        raise InputError(
            f"the name {name!r} cannot be used; expected at most {MAX_NAME_LENGTH} lower-case letters and digits "
            "with single hyphens between, beginning with a letter"
        )
    last = name.rpartition("-")[2]
    if kind == "sampler" and last.isdigit():
        raise InputError(f"the name {name!r} ends in a number, which users read as steps; leave it out")
    if kind == "modality" and name == "all":
        raise InputError("'all' means every organ in --modalities; choose another name")
    package = f"mribench_{name.replace('-', '_')}"
    if package in sys.stdlib_module_names or iskeyword(package):
        raise InputError(f"{package} is a reserved name of Python; choose another name")
    taken = [entry for entry in lookup.choose(KINDS[kind]) if entry.name == name]
    owned = [entry for entry in lookup.choose() if entry.distribution == f"mribench-{name}"]
    for entry in taken + owned:
        raise InputError(
            f"{entry.name!r} is already installed in {entry.group}, from {entry.distribution} {entry.version}; "
            "choose another name"
        )


def _template_values(kind: str, name: str) -> dict[str, str]:
    """What the placeholders of the templates stand for."""
    major, minor = map(int, __version__.split(".")[:2])
    smoke = "--profile smoke --out runs/try"
    # one organ, where one is installed: all of them would take minutes
    organs = lookup.names("modalities")[:1]
    one = " ".join([*(f"--modalities {organ}" for organ in organs), smoke])
    runs = {
        "modality": f"mribench run --modalities {name} {smoke}",
        "variant": f"mribench run --variants {name},ddpm {one}",
        "control": f"mribench run --controls noise,gaussian,{name} {one}",
        "model": f"mribench score {name} --against DATA --out runs/try",
        "sampler": f"mribench run --samplers {name}-10,ddim-10 {one}",
        "solver": f"mribench run --tasks {_problem()} --solvers {name} {one}",
        "task": f"mribench run --tasks {name} {one}",
        "metric": f"mribench run --metrics {name} {one}",
        "features": f"mribench run --metrics kd-{name} {one}",
        "reader": f"mribench run --data FOLDER {one}",
    }
    identifier = name.replace("-", "_")
    # a feature space is seen on a board through a metric of its own
    kernel = f'kd-{name} = "mribench_{identifier}:KD_{identifier.upper()}"'
    draw = f"mribench plugin draw {name}        # writes {name}.png: six subjects, five slices of each\n"
    licence = "What its phantom draws is nobody's data: `mribench push` shares it as CC0-1.0.\n"
    organ = kind == "modality"
    points = f'\n[project.entry-points."mribench.metrics"]\n{kernel}\n'
    return {
        "name": name,
        "noun": "feature space" if kind == "features" else kind,
        "group": KINDS[kind],
        "identifier": identifier,
        "package": f"mribench_{identifier}",
        "object": identifier.upper(),
        "more_entry_points": points if kind == "features" else "",
        "title": name.replace("-", " ").capitalize(),
        "run": runs[kind],
        "draw": draw if organ else "",
        "phantom_licence": licence if organ else "",
        "range": f">={major}.{minor},<{major}.{minor + 1}"
        if major == 0
        else f">={major}.{minor},<{major + 1}",
    }


def _problem() -> str:
    """The first installed task that poses an inverse problem; what to write where there is none."""
    for name in lookup.names("tasks"):
        try:
            if lookup.load("tasks", name).problem:
                return name
        except MribenchError:
            continue
    return "TASK"


def _templates(
    folder: Traversable, parents: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Traversable]]:
    """(parts of its path, file) of each template below a folder."""
    for child in sorted(folder.iterdir(), key=lambda child: child.name):
        if child.is_dir():
            yield from _templates(child, (*parents, child.name))
        elif child.name.endswith(SUFFIX):
            yield (*parents, child.name), child
