"""A profile of one's own: a TOML file that extends one of the four.

extends = "quick"
max_steps = 6000

[network]
channels = [64, 128, 256, 256]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from mribench.errors import InputError, unknown_name
from mribench.hashing import json_hash
from mribench.spec import Profile

SUFFIX = ".toml"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
# whether a budget ranks is that of the profile it extends
FIXED = ("name", "ranks")
MAY_BE_ZERO = ("warmup_steps", "coarse_steps", "ema_decay")


def is_file(name: str) -> bool:
    """Whether a profile is named by its file."""
    return name.endswith(SUFFIX)


def read(path: Path, known: Mapping[str, Profile]) -> Profile:
    """The profile in a file, called by the file's name and 8 hex digits of its settings: "mine-1a2b3c4d".

    Args:
        path: the TOML file. ``extends`` names the profile it extends; the other keys are fields of ``Profile``.
        known: the profiles by name.

    Raises:
        InputError: the file cannot be read, or a setting is unknown or cannot be used.
    """
    given = _toml(path)
    base = given.pop("extends", None)
    if base not in known:
        raise InputError(
            f"{path}: {unknown_name('profile', str(base), known)}"
            if base
            else f'{path} lacks extends = "..."; expected one of {", ".join(known)}'
        )
    if not NAME.fullmatch(path.stem):
        raise InputError(
            f"{path.name}: a profile is called by lower-case letters, digits and hyphens; rename the file"
        )
    merged = _merged(asdict(known[base]), given, f"{path}")
    if "max_steps" in given and "coarse_steps" not in given and known[base].max_steps:
        # the share of coarse steps stays
        merged["coarse_steps"] = given["max_steps"] * known[base].coarse_steps // known[base].max_steps
    merged["purpose"] = given.get("purpose", f"extends {base}")
    merged["name"] = ""
    merged["name"] = f"{path.stem}-{json_hash({**merged, 'purpose': ''})[:8]}"
    try:
        return msgspec.convert(merged, Profile)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {error}") from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; give a profile's name or its TOML file"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error


def _merged(base: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """``base`` with what is given in its place, table by table."""
    merged = dict(base)
    for name, value in given.items():
        if name not in base or name in FIXED:
            raise InputError(f"{where}: {unknown_name('setting', name, [n for n in base if n not in FIXED])}")
        if isinstance(base[name], Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(base[name], value, f"{where}, {name}")
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            least = 0 if name in MAY_BE_ZERO else None
            if value < 0 or (value == 0 and least is None):
                raise InputError(f"{where}: {name} is {value}; expected a number above 0")
        merged[name] = value
    return merged
