"""What a licence's SPDX id says by itself, so that no card can contradict its own licence."""

from __future__ import annotations

import re

# permissive licences of repositories whose data come with the code
PERMISSIVE = ("MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "CC0-1.0", "PDDL-1.0")
CREATIVE = re.compile(r"CC-BY(-NC)?(-SA|-ND)?-\d\.\d")


def known(licence: str) -> dict[str, bool]:
    """redistributable, commercial and derived of an SPDX id; empty for any other name, which has to be read."""
    if licence in PERMISSIVE:
        return {"redistributable": True, "commercial": True, "derived": True}
    found = CREATIVE.fullmatch(licence)
    if not found:
        return {}
    return {"redistributable": True, "commercial": not found[1], "derived": found[2] != "-ND"}


def share_alike(licence: str) -> bool | None:
    """Whether what is made from the data has to carry the same licence; None where the id does not tell."""
    return bool(re.search(r"-SA-", licence)) if known(licence) else None


def attribution(licence: str) -> bool | None:
    """Whether the source has to be named; None where the id does not tell."""
    return licence not in ("CC0-1.0", "PDDL-1.0") if known(licence) else None
