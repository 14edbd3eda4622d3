"""How long scoring takes and what it needs, by number of images: ``python -m mribench.speed.scoring``.

Each size runs in a process of its own, so that its peak memory is its own. Images are shapes drawn here; what they show
does not change the work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mribench import files, profiles, provenance
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.runner.runspec import FEATURES
from mribench.spec import Prepared, Split
from mribench.tasks import audit, denoising, generation

SIZES = (500, 1000, 2000, 2048, 5000, 10_000)
IMAGES_PER_SUBJECT = 5


def measure(sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """What ``one`` measures, for each number of images."""
    rows = []
    for n in sizes:
        command = [sys.executable, "-m", "mribench.speed.scoring", "--one", str(n)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return {"machine": platform.machine(), "cores": os.cpu_count(), "threads": threads, "sizes": rows}


def one(n: int) -> dict[str, Any]:
    """Score n generated against n test images of 64x64: every metric of two tasks, with intervals, and the audit.

    FID is left out, because its weights are not everywhere, and the audit of losses, which needs a network.

    - seconds: elapsed.
    - cpu_seconds: of all threads, so that a busy machine does not count; also by part.
    - cpu_seconds_again: of the next model on the same data, whose real images are then known.
    - peak_gib: the largest resident set of this process.
    """
    data = Prepared(
        Path(), "drawn", "drawn", "phantom", drawn_split(1, n), drawn_split(2, 10), drawn_split(3, n)
    )
    with TemporaryDirectory() as folder:
        extract = Extractor(lookup.load_all("features", FEATURES), Path(folder))
        start = time.perf_counter()
        taken = parts(data, drawn_split(4, n).images, extract)
        seconds = time.perf_counter() - start
        again = parts(data, drawn_split(5, n).images, extract)
    return {
        "n": n,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(sum(taken.values()), 1),
        "cpu_seconds_again": round(sum(again.values()), 1),
        "peak_gib": round(provenance.peak_memory_gib()["process_peak_gib"], 2),
        "by_part": {name: round(value, 2) for name, value in taken.items()},
    }


def parts(data: Prepared, images: np.ndarray, extract: Extractor) -> dict[str, float]:
    """Processor seconds by part, in the order in which a cell goes through them."""
    profile = replace(profiles.get("standard"), alpha_bars=(0.52409,))
    outputs = {"images": images, denoising.level_name(profile.alpha_bars[0]): images}
    metrics, paired = (
        {name: lookup.load("metrics", name).in_spaces(FEATURES) for name in names if name != "fid"}
        for names in (generation.METRICS, denoising.METRICS)
    )

    def features() -> None:
        for space in extract.spaces:
            for some in (data.train.images, data.test.images, images):
                extract(space, some)

    work: dict[str, Callable[[], Any]] = {"features": features}
    work |= {
        name: partial(generation.score, outputs, data, profile, {name: metric}, extract, 0)
        for name, metric in metrics.items()
    }
    work["denoising, one level"] = partial(denoising.score, outputs, data, profile, paired, extract, 0)
    work["audit, calibration"] = partial(audit.calibration, data, extract)
    work["audit"] = partial(audit.judge, outputs, data, profile, extract, 0)
    seconds = {}
    for name, piece in work.items():
        start = time.process_time()
        piece()
        seconds[name] = time.process_time() - start
    return seconds


def drawn_split(seed: int, n: int) -> Split:
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:64, :64] / 64).astype(np.float32)
    images = np.empty((n, 64, 64), np.uint8)
    for i in range(n):
        a, b, width = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), rng.uniform(0.05, 0.2)
        body = np.exp(-((x - a) ** 2 + (y - b) ** 2) / width) * (np.hypot(x - 0.5, y - 0.5) < 0.35)
        images[i] = (220 * body + rng.integers(0, 8, (64, 64))).astype(np.uint8)
    return Split(images, tuple(f"s{i // IMAGES_PER_SUBJECT}" for i in range(n)))


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
        files.write_json(given.out, found)


if __name__ == "__main__":
    main()
