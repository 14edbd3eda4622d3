"""All measurements of a machine, as a JSON-serialisable record and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mribench import files, provenance
from mribench.progress import progress
from mribench.speed import ablation, clock, processes, sampling, start_up, training
from mribench.tables import markdown_table

SCHEMA = 1
RATIO = "ratio (least, most)"
TRAINING = (
    "training, 64x64",
    "parameters",
    "batch",
    "reference, images/s",
    "ours, images/s",
    RATIO,
    "of peak",
    "GiB, reference, ours",
)
SAMPLING = (
    "sampling, 64x64",
    "NFE",
    "images",
    "diffusers, images/s",
    "ours, images/s",
    RATIO,
    "seconds",
)
OPTIMISATIONS = (
    "what it is worth",
    "network",
    "without, s/step",
    "with, s/step",
    RATIO,
    "in use",
    "beside",
)


def measure(out: Path, compile: bool = False) -> dict[str, Any]:
    """Measure everything, which takes minutes.

    Args:
        out: folder for speed.json and speed.md, which are written after each measurement.
        compile: also what torch.compile is worth, which takes some minutes more.

    Returns:
        The record that speed.json holds.
    """
    on_gpu = torch.cuda.is_available()
    pieces: list[tuple[str, str, Callable[[], Any]]] = [("peak_tflops", "matrix product", clock.peak_tflops)]
    pieces += [("training", case.name, partial(training.measure, case)) for case in training.cases(on_gpu)]
    pieces += [
        ("sampling", " ".join(map(str, what)), partial(sampling.measure, *what))
        for what in sampling.cases(on_gpu)
    ]
    pieces += [
        ("optimisations", f"{name}, {bench.name}", partial(piece, bench))
        for bench in ablation.benches(on_gpu)
        for name, piece in _parts(on_gpu, compile)
    ]
    pieces += [("start_up_seconds", "start-up", start_up.measure)]
    record: dict[str, Any] = {"schema": SCHEMA, **provenance.environment()}
    record |= {"training": [], "sampling": [], "optimisations": []}
    with progress("speed", len(pieces)) as advance:
        for done, (part, name, piece) in enumerate(pieces, start=1):
            provenance.reset_gpu_peak()
            found = piece()
            if part == "optimisations":
                record[part] += found
            elif isinstance(record.get(part), list):
                # of trainings each loop has its own
                record[part].append(found if "peak_gib" in found else found | provenance.peak_memory_gib())
            else:
                record[part] = found
            write(record, out)
            if on_gpu:
                torch.cuda.empty_cache()
            advance(done, name)
    return record


def _parts(on_gpu: bool, compile: bool) -> list[tuple[str, Callable[[Any], list[dict[str, Any]]]]]:
    """What is measured of each network besides the whole step: models share a CPU by processes, a GPU by streams."""
    switched = partial(ablation.measure, compile=compile)
    shared = ("streams", ablation.concurrent_models) if on_gpu else ("processes", processes.measure)
    return [("one thing switched", switched), shared]


def markdown(record: Mapping[str, Any]) -> str:
    """Three tables and a line on the machine; every number is in the record."""
    machine, versions, peak = record["machine"], record["versions"], record["peak_tflops"]
    product = ", ".join(f"{peak[kind]:.4g} TFLOP/s in {kind}" for kind in ("bf16", "fp32") if kind in peak)
    lines = [
        f"{machine['device']}, {machine['threads']} threads, torch {versions['torch']}, "
        f"diffusers {versions['diffusers']}; matrix product {product}.",
        "",
        markdown_table(TRAINING, [_training(case, peak) for case in record["training"]]),
        markdown_table(SAMPLING, map(_sampling, record["sampling"])),
    ]
    if rows := record.get("optimisations"):
        lines.append(markdown_table(OPTIMISATIONS, map(_optimisation, rows)))
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in record.get("start_up_seconds", {}).items())
    return "\n".join([*lines, *([f"Start-up: {seconds}.\n"] if seconds else [])])


def _training(case: Mapping[str, Any], peak: Mapping[str, float]) -> list[str]:
    rates, ratio, peaks = case["images_per_second"], case.get("ratio"), case.get("peak_gib", {})
    return [
        case["name"],
        f"{case['parameters'] / 1e6:.1f} M",
        str(case["batch"]),
        f"{rates['reference']:,}" if ratio else "",
        f"{rates['ours']:,}",
        _ratio(ratio),
        f"{100 * case['tflops'] / peak[case['precision']]:.0f} %",
        ", ".join(f"{peaks[side]:.2f}" for side in ("reference", "ours") if side in peaks),
    ]


def _sampling(case: Mapping[str, Any]) -> list[str]:
    rates = case["images_per_second"]
    return [
        f"{case['network']} {case['sampler']}",
        str(case["nfe"]),
        str(case["images"]),
        f"{rates['reference']:,}",
        f"{rates['ours']:,}",
        _ratio(case["ratio"]),
        f"{case['seconds']['ours']:.1f}",
    ]


def _optimisation(row: Mapping[str, Any]) -> list[str]:
    taken = row["seconds_per_step"]
    sides = f"{taken['without']:.4f}", f"{taken['with']:.4f}"
    used = "yes" if row["used"] else "no"
    return [row["name"], row["network"], *sides, _ratio(row["ratio"]), used, _remarks(row)]


def _remarks(row: Mapping[str, Any]) -> str:
    """The last cell of a row of optimisations."""
    remarks = []
    if "seconds_before_the_second_step" in row:
        remarks.append(f"compiled in {row['seconds_before_the_second_step']:.0f} s")
    if "efficiency" in row:
        remarks.append(f"{100 * row['efficiency']:.0f} % of {row['processes']} processes' speed")
    return ", ".join(remarks)


def _ratio(ratio: Mapping[str, float] | None) -> str:
    return f"{ratio['median']} ({ratio['low']}, {ratio['high']})" if ratio else ""


def write(record: Mapping[str, Any], out: Path) -> list[Path]:
    """speed.json and speed.md in ``out``."""
    files.write_json(out / "speed.json", dict(record))
    files.write_text(out / "speed.md", markdown(record))
    return [out / "speed.json", out / "speed.md"]
