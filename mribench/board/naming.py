"""Rows named in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable

# 'ddpm ddim-50 v2': a model, then a sampler with its number of steps, then perhaps the sampler's version
WITH_STEPS = re.compile(r"(?P<before>\S.* [a-z][\w-]*-)(?P<steps>\d+)(?P<after>(?: v\d+)?)")


def listed(names: Iterable[str]) -> str:
    """'ddpm ddim-10/20/50 v2, flow heun-8': rows that differ in their number of steps alone share a word."""
    steps: dict[str | tuple[str, str], list[int]] = {}
    for name in names:
        if found := WITH_STEPS.fullmatch(name):
            steps.setdefault((found["before"], found["after"]), []).append(int(found["steps"]))
        else:
            steps.setdefault(name, [])
    return ", ".join(
        key if isinstance(key, str) else "/".join(map(str, sorted(of))).join(key) for key, of in steps.items()
    )
