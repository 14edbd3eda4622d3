"""How long scoring takes and what it needs, by number of images: ``python -m mribench.speed.scoring``.

Each size runs in a process of its own, so that its peak memory is its own. Images are shapes drawn here; what they show
does not change the work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

SIZES = (500, 1000, 2048, 5000, 10_000)
PER_SUBJECT = 5


def measure(sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Seconds and peak GiB of scoring n generated against n test images of 64x64, for each n.

    cpu_seconds, by part as well, count the work of all threads, so that a busy machine does not enter; seconds are
    those on the wall.
    """
    rows = []
    for n in sizes:
        command = [sys.executable, "-m", "mribench.speed.scoring", "--one", str(n)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return {"machine": platform.machine(), "cores": os.cpu_count(), "threads": threads, "sizes": rows}


def one(n: int) -> dict[str, Any]:
    """Every metric of generation, and of reconstruction at one level; ``again`` finds the features kept."""
    from mribench import profiles
    from mribench.features import Extractor
    from mribench.runspec import FEATURES, load_metrics
    from mribench.spec import Prepared
    from mribench.tasks import generation, reconstruction

    metrics = load_metrics(generation.METRICS)
    profile = replace(profiles.get("standard"), alpha_bars=(0.52409,))
    spaces = _spaces(FEATURES)
    data = Prepared(Path(), "", "drawn", "phantom", _split(1, n), _split(2, 10), _split(3, n))
    outputs = {"images": _split(4, n).images}
    parts: dict[str, float] = {}
    wall = time.perf_counter()
    with TemporaryDirectory() as folder:
        extract = Extractor(spaces, Path(folder))
        start = time.process_time()
        for space in spaces:
            for images in (data.train.images, data.test.images, outputs["images"]):
                extract(space, images)
        parts["features"] = time.process_time() - start
        # FID needs weights, which are not everywhere
        for name in (name for name in metrics if name != "fid"):
            start = time.process_time()
            generation.score(outputs, data, profile, {name: metrics[name]}, extract, 0)
            parts[name] = time.process_time() - start
        start = time.process_time()
        level = profile.alpha_bars[0]
        paired = load_metrics(reconstruction.METRICS)
        reconstruction.score(
            {reconstruction.level_name(level): outputs["images"]}, data, profile, paired, extract, 0
        )
        parts["reconstruction, one level"] = time.process_time() - start
    return {
        "n": n,
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(sum(parts.values()), 1),
        "cpu_seconds_again": round(sum(parts.values()) - parts["features"], 1),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2),
        "by_part": {name: round(value, 2) for name, value in parts.items()},
    }


def _spaces(names: Sequence[str]) -> dict[str, Any]:
    from mribench import plugins

    return plugins.load_all("features", names)


def _split(seed: int, n: int) -> Any:
    from mribench.spec import Split

    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:64, :64] / 64).astype(np.float32)
    images = np.empty((n, 64, 64), np.uint8)
    for i in range(n):
        a, b, width = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), rng.uniform(0.05, 0.2)
        body = np.exp(-((x - a) ** 2 + (y - b) ** 2) / width) * (np.hypot(x - 0.5, y - 0.5) < 0.35)
        images[i] = (220 * body + rng.integers(0, 8, (64, 64))).astype(np.uint8)
    return Split(images, tuple(f"s{i // PER_SUBJECT}" for i in range(n)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of images a side")
    parser.add_argument("--out", type=Path, help="JSON file; printed without it")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(one(given.one)))
        return
    found = measure(given.sizes)
    if given.out is None:
        print(json.dumps(found, indent=1))
    else:
        from mribench import files

        files.write_json(given.out, found)


if __name__ == "__main__":
    main()
