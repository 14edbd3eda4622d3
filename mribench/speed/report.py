"""All measurements of a machine, as a JSON-serialisable record and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mribench import files, provenance
from mribench.progress import progress
from mribench.speed import clock, sampling, start_up, training

SCHEMA = 1
RATIO = "ratio (least, most)"


def measure(out: Path) -> dict[str, Any]:
    """Everything, one piece after another, for minutes; ``out`` holds what is known so far after each."""
    on_gpu = torch.cuda.is_available()
    pieces: list[tuple[str, str, Callable[[], Any]]] = [("peak_tflops", "matrix product", clock.peak_tflops)]
    pieces += [("training", case.name, partial(training.measure, case)) for case in training.cases(on_gpu)]
    pieces += [
        ("sampling", " ".join(map(str, what)), partial(sampling.measure, *what))
        for what in sampling.cases(on_gpu)
    ]
    pieces += [("start_up_seconds", "start-up", start_up.measure)]
    record: dict[str, Any] = {"schema": SCHEMA, **provenance.made_with(), "training": [], "sampling": []}
    with progress("speed", len(pieces)) as advance:
        for done, (part, name, piece) in enumerate(pieces, start=1):
            provenance.new_peak()
            found = piece()
            if isinstance(record.get(part), list):
                record[part].append(found | provenance.peak_memory_gib())
            else:
                record[part] = found
            write(record, out)
            if on_gpu:
                torch.cuda.empty_cache()
            advance(done, name)
    return record


def markdown(record: Mapping[str, Any]) -> str:
    """Two tables and a line on the machine; every number is in the record."""
    machine, versions, peak = record["machine"], record["versions"], record["peak_tflops"]
    lines = [
        f"{machine['device']}, {machine['threads']} threads, torch {versions['torch']}, "
        f"diffusers {versions['diffusers']}; "
        f"matrix product {peak['bf16']:.4g} TFLOP/s in bf16, {peak['fp32']:.4g} in fp32.",
        "",
        _row(
            "training, 64x64",
            "parameters",
            "batch",
            "reference, images/s",
            "ours, images/s",
            RATIO,
            "of peak",
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for case in record["training"]:
        rates, ratio = case["images_per_second"], case.get("ratio")
        cells = [
            case["name"],
            f"{case['parameters'] / 1e6:.1f} M",
            str(case["batch"]),
            f"{rates['reference']:,}" if ratio else "",
            f"{rates['ours']:,}",
            _ratio(ratio),
            f"{100 * case['tflops'] / peak[case['precision']]:.0f} %",
        ]
        lines.append(_row(*cells))
    lines += [
        "",
        _row("sampling, 64x64", "NFE", "images", "diffusers, images/s", "ours, images/s", RATIO, "seconds"),
        "|---|---|---|---|---|---|---|",
    ]
    for case in record["sampling"]:
        rates = case["images_per_second"]
        cells = [
            f"{case['network']} {case['sampler']}",
            str(case["nfe"]),
            str(case["images"]),
            f"{rates['reference']:,}",
            f"{rates['ours']:,}",
            _ratio(case["ratio"]),
            f"{case['seconds']['ours']:.1f}",
        ]
        lines.append(_row(*cells))
    words = ", ".join(f"{name} {value:.2f} s" for name, value in record.get("start_up_seconds", {}).items())
    return "\n".join([*lines, *(["", f"Start-up: {words}."] if words else [])]) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(ratio: Mapping[str, float] | None) -> str:
    return f"{ratio['median']} ({ratio['low']}, {ratio['high']})" if ratio else ""


def write(record: Mapping[str, Any], out: Path) -> list[Path]:
    """speed.json and speed.md in ``out``."""
    files.write_json(out / "speed.json", dict(record))
    files.write_text(out / "speed.md", markdown(record))
    return [out / "speed.json", out / "speed.md"]
