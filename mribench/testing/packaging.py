"""Checks for every plugin: its name, and what it costs to list and import it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from functools import cache
from typing import Any

from mribench.plugins.lookup import PluginEntry
from mribench.testing.checking import Case, Check, CheckFailed, CheckWarning, require

HEAVY_MODULES = ("diffusers", "jax", "tensorflow", "torch", "torchvision", "transformers")
MAX_IMPORT_SECONDS = 0.2
# run in a fresh interpreter: list the plugins, import this one, unpickle what the first process has pickled
PROBE = """
import json, pickle, sys, time
given = json.load(sys.stdin)
sys.path[:] = given["path"]
from mribench.plugins import lookup
def heavy(): return [name for name in given["heavy"] if name in sys.modules]
known = [e.name for e in lookup.entries(given["group"])]
listed = given["module"] in sys.modules or heavy()
import mribench.phantom  # brings numpy, which every plugin needs: only what the plugin adds is timed
start = time.perf_counter()
plugin = lookup.load(given["group"], given["name"])
seconds = time.perf_counter() - start
loaded = heavy()
same = pickle.loads(bytes.fromhex(given["pickled"])) == plugin
print(json.dumps({"listed": listed, "loaded": loaded, "seconds": seconds, "same": same}))
"""


def entry_point_and_name_agree(case: Case) -> None:
    """The name that users type is the object's own, and can be typed."""
    name = case.entry.name
    require(
        case.plugin.name == name,
        f"the entry point is {name!r}, the object calls itself {case.plugin.name!r}",
        "make the two equal, and install the package again",
    )
    plain = name == name.lower() and all(part.isalnum() for part in name.replace("_", "-").split("-"))
    require(
        plain,
        f"the name is {name!r}",
        "use lower-case letters, digits and single hyphens, because commands and file names contain the name",
    )
    require(case.entry.problem is None, str(case.entry.problem), "see the sentence")
    require(case.plugin.title.strip(), "the title is empty", "give it a short title")


def discovery_is_light_and_the_object_travels(case: Case) -> None:
    """Listing imports nothing, an organ needs no torch, and another process gets an equal object."""
    report = _probe(case)
    require(
        not report["listed"], "listing the plugins imported this one or torch", "take it out of *.pth files"
    )
    require(
        report["same"],
        "unpickled in another process the object is not equal to the one loaded there",
        "build it from module-level functions and plain values",
    )
    if report["loaded"]:
        found = f"importing it imports {', '.join(report['loaded'])}"
        mend = "move these imports into the functions that need them, and under TYPE_CHECKING for annotations"
        raise (CheckFailed if case.entry.group == "modalities" else CheckWarning)(found, mend)


def import_is_quick(case: Case) -> None:
    """Under 0.2 s; a note, because a busy machine can be the reason."""
    seconds = _probe(case)["seconds"]
    if seconds > MAX_IMPORT_SECONDS:
        _run_probe.cache_clear()  # once more: the first import may have read files from a cold disk
        seconds = min(seconds, _probe(case)["seconds"])
    if seconds > MAX_IMPORT_SECONDS:
        raise CheckWarning(
            f"importing it took {seconds:.2f} s, more than {MAX_IMPORT_SECONDS} s",
            "compute at the first call and not at import; `python -X importtime` shows what takes long",
        )


def _probe(case: Case) -> dict[str, Any]:
    try:
        pickled = pickle.dumps(case.plugin)
    except Exception as error:
        raise CheckFailed(
            f"it cannot be pickled ({error})",
            "use functions defined at the top of a module in place of lambdas and inner functions",
        ) from error
    return _run_probe(case.entry, pickled)


@cache
def _run_probe(entry: PluginEntry, pickled: bytes) -> dict[str, Any]:
    given = {
        "path": sys.path,
        "heavy": HEAVY_MODULES,
        "group": entry.group,
        "name": entry.name,
        "module": entry.value.partition(":")[0],
        "pickled": pickled.hex(),
    }
    ended = subprocess.run(
        [sys.executable, "-c", PROBE], input=json.dumps(given), capture_output=True, text=True, timeout=120
    )
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or ["nothing"]
        raise CheckFailed(
            f"a fresh Python cannot load it: {lines[-1]}", "import the module there by hand and see why"
        )
    # the import itself may print; the report is the last line
    return json.loads(ended.stdout.splitlines()[-1])


CHECKS = (
    Check("", entry_point_and_name_agree),
    Check("", discovery_is_light_and_the_object_travels),
    Check("", import_is_quick),
)
