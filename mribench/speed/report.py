"""All measurements of a machine, as a JSON-serialisable record and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mribench import files, provenance
from mribench.progress import progress
from mribench.speed import clock, sampling, start_up, training

SCHEMA = 1
RATIO = "ratio (least, most)"


def measure() -> dict[str, Any]:
    """Everything, one piece after another; minutes."""
    on_gpu = torch.cuda.is_available()
    cases = training.cases(on_gpu)
    draws = (
        [("quick", "ddim-50", 2048), ("standard", "ddim-50", 2048), ("standard", "dpm-solver-20", 2048)]
        if on_gpu
        else [("quick", "ddim-25", 32), ("quick", "dpm-solver-20", 32)]
    )
    record: dict[str, Any] = {"schema": SCHEMA, **provenance.made_with()}
    with progress("speed", len(cases) + len(draws) + 2) as advance:
        record["peak_tflops"] = clock.peak_tflops()
        record["training"], record["sampling"] = [], []
        for done, case in enumerate(cases, start=1):
            advance(done, case.name)
            record["training"].append(training.measure(case))
            provenance.new_peak()
            if on_gpu:
                torch.cuda.empty_cache()
        for done, (profile, sampler, images) in enumerate(draws, start=len(cases) + 1):
            advance(done, f"{profile} {sampler}")
            record["sampling"].append(sampling.measure(profile, sampler, images))
        record["start_up_seconds"] = start_up.measure()
        record |= provenance.peak_memory_gib()
        advance(len(cases) + len(draws) + 2)
    for line in record["training"]:
        line["fraction_of_peak"] = round(line["tflops"] / record["peak_tflops"][line["precision"]], 3)
    return record


def markdown(record: Mapping[str, Any]) -> str:
    """Two tables and a line on the machine; every number is in the record."""
    machine, versions, peak = record["machine"], record["versions"], record["peak_tflops"]
    lines = [
        f"{machine['device']}, {machine['threads']} threads, torch {versions['torch']}, "
        f"diffusers {versions['diffusers']}; matrix product {peak['bf16']:.4g} TFLOP/s in bf16, {peak['fp32']:.4g} in fp32.",
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
            f"{100 * case['fraction_of_peak']:.0f} %",
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
    words = ", ".join(f"{name} {value:.2f} s" for name, value in record["start_up_seconds"].items())
    return "\n".join([*lines, "", f"Start-up: {words}."]) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(ratio: Mapping[str, float] | None) -> str:
    return f"{ratio['median']} ({ratio['low']}, {ratio['high']})" if ratio else ""


def write(record: Mapping[str, Any], out: Path) -> list[Path]:
    """speed.json and speed.md in ``out``."""
    files.write_json(out / "speed.json", dict(record))
    files.write_text(out / "speed.md", markdown(record))
    return [out / "speed.json", out / "speed.md"]
