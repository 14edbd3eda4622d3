"""All measurements of a machine, as a JSON-serialisable record and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mribench import files, provenance
from mribench.progress import progress
from mribench.speed import clock, optimisations, processes, sampling, start_up, training

SCHEMA = 1
RATIO = "ratio (least, most)"


def measure(out: Path, compile: bool = False) -> dict[str, Any]:
    """Everything, one piece after another, for minutes; ``out`` holds what is known so far after each.

    compile: also what torch.compile is worth, which takes some minutes more.
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
        for bench in optimisations.benches(on_gpu)
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
    """What is measured of each network beside the whole step; processes share a CPU, streams a GPU."""
    switched = partial(optimisations.measure, compile=compile)
    shared = ("streams", optimisations.together) if on_gpu else ("processes", processes.measure)
    return [("one thing switched", switched), shared]


def markdown(record: Mapping[str, Any]) -> str:
    """Three tables and a line on the machine; every number is in the record."""
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
            "GiB, reference, ours",
        ),
        "|---|---|---|---|---|---|---|---|",
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
            ", ".join(f"{gib:.2f}" for gib in case.get("peak_gib", {}).values()),
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
    lines += _optimisations(record.get("optimisations", []))
    words = ", ".join(f"{name} {value:.2f} s" for name, value in record.get("start_up_seconds", {}).items())
    return "\n".join([*lines, *(["", f"Start-up: {words}."] if words else [])]) + "\n"


def _optimisations(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    titles = "what it is worth", "network", "without, s/step", "with, s/step", RATIO, "in use", "beside"
    lines = ["", _row(*titles), "|---|---|---|---|---|---|---|"]
    for row in rows:
        taken = row["seconds_per_step"]
        sides = f"{taken['without']:.4f}", f"{taken['with']:.4f}"
        used = "yes" if row["used"] else "no"
        lines.append(_row(row["name"], row["network"], *sides, _ratio(row["ratio"]), used, _beside(row)))
    return lines


def _beside(row: Mapping[str, Any]) -> str:
    """What a row of the optimisations says besides, in words."""
    words = []
    if "seconds_before_the_second_step" in row:
        words.append(f"compiled in {row['seconds_before_the_second_step']:.0f} s")
    if "efficiency" in row:
        words.append(f"{100 * row['efficiency']:.0f} % of {row['processes']} processes' speed")
    return ", ".join(words)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(ratio: Mapping[str, float] | None) -> str:
    return f"{ratio['median']} ({ratio['low']}, {ratio['high']})" if ratio else ""


def write(record: Mapping[str, Any], out: Path) -> list[Path]:
    """speed.json and speed.md in ``out``."""
    files.write_json(out / "speed.json", dict(record))
    files.write_text(out / "speed.md", markdown(record))
    return [out / "speed.json", out / "speed.md"]
