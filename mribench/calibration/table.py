"""Detection and false-alarm rates of the audit: a row for each generator and seed, and Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from mribench import files
from mribench.audit.copies import binomial_interval
from mribench.audit.verdict import ACCUSATION, FALSE_ALARMS, VERSION
from mribench.calibration import cheats
from mribench.errors import InputError
from mribench.spec import AuditVerdict
from mribench.tables import markdown_table

KINDS = ("train", "test", "honest")
ROWS, PAGE = "calibration.jsonl.zst", "calibration.md"
# the rows of a folder that an earlier version began
OLD_ROWS = "calibration.json"
TITLE = f"""# Calibration of the memorisation audit, v{VERSION}

Made by `mribench audit calibrate`. Copies of training images (*train*) must be called {AuditVerdict.MEMORISES} or
worse, those of test and validation images (*test*) {AuditVerdict.SAW_THE_TEST}. Honest generators must be called
neither in more than {ACCUSATION:.2%} of cases each, and no more than {FALSE_ALARMS:.0%} of them suspect or
worse: the levels of the tests add up to that, and the runs below only check it. A row that is not caught is what the
audit is blind to. Brackets are exact 95 % binomial intervals over runs: one organ and one seed, which decides split and
generator; phantoms are drawn anew for every four seeds. *Copies* is the median share of images that count as copies of
training images. *By distance alone* counts what a threshold on the distance to the nearest training image would have
flagged: smooth images are nearer to everything, so that it flags honest ones; the verdict rests on ratios to the
nearest image of another subject. The columns of organs count runs with the verdict that is asked for, and of honest
generators runs with a verdict of {AuditVerdict.MEMORISES} or worse.
"""


def read(folder: Path) -> list[dict[str, Any]]:
    """Rows of this version of the audit; those of another are not added to.

    Raises InputError where the file is damaged.
    """
    path = next((folder / name for name in (ROWS, OLD_ROWS) if (folder / name).exists()), None)
    if path is None:
        return []
    try:
        rows = (
            files.read_json(path)
            if path.name == OLD_ROWS
            else [json.loads(line) for line in files.read_lines(path) if line]
        )
    except ValueError as error:
        raise InputError(f"{path} cannot be read ({error}); delete it and calibrate again") from error
    return [row for row in rows if row.get("audit") == VERSION]


def seeds_of(rows: Sequence[dict[str, Any]], modality: str, data: str) -> set[int]:
    """Seeds that have been run already, on phantoms or on any real images."""
    kind = "phantom" if data == "phantom" else "real"
    return {row["seed"] for row in rows if (row["modality"], row["data_kind"]) == (modality, kind)}


def write(folder: Path, rows: Iterable[dict[str, Any]]) -> list[Path]:
    """The rows as compressed JSON lines, and the tables; the same rows give the same bytes."""
    ordered = sorted(rows, key=lambda r: (*_group(r), r["modality"], r["generator"], r["seed"]))
    files.write_lines(folder / ROWS, (json.dumps(row, sort_keys=True, allow_nan=False) for row in ordered))
    files.write_text(folder / PAGE, markdown(ordered))
    return [folder / ROWS, folder / PAGE]


def _group(row: dict[str, Any]) -> tuple[str, str, str]:
    """The table that a row belongs to: phantoms and real images are never mixed."""
    return row["data_kind"], row["data"] if row["data_kind"] == "real" else "", row["scene"]


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    parts = [TITLE]
    for which in dict.fromkeys(map(_group, rows)):
        parts.append(_table(which, [row for row in rows if _group(row) == which]))
    return "\n".join(parts)


def _table(which: tuple[str, str, str], rows: Sequence[dict[str, Any]]) -> str:
    organs = sorted({row["modality"] for row in rows})
    seeds = sorted({row["seed"] for row in rows})
    honest = [AuditVerdict(row["verdict"]).grave for row in rows if row["kind"] == "honest"]
    about = (
        f"## {'Phantoms' if which[0] == 'phantom' else f'Real images: {which[1]}'}, {which[2]}\n\n"
        f"{len(seeds)} seeds ({_span(seeds)}); subjects: {_span([r['subjects'][0] for r in rows])} of train, "
        f"{_span([r['subjects'][1] for r in rows])} of test; {_span([r['n'] for r in rows])} generated images; "
        f"least share of copies that is seen: {_span(_shares(rows), '.1%')}."
    )
    about += (
        f" False alarms, {AuditVerdict.SUSPECT} or worse: {sum(honest)} of {len(honest)} honest runs, "
        f"{_share(sum(honest), len(honest))}.\n\n"
        if honest
        else "\n\n"
    )
    titles = [
        "generator",
        "",
        "runs",
        AuditVerdict.MEMORISES,
        AuditVerdict.SAW_THE_TEST,
        AuditVerdict.SUSPECT,
        "copies",
        "by distance alone",
        *organs,
    ]
    lines = [
        _cells(name, kind, [r for r in rows if r["generator"] == name], organs)
        for kind in KINDS
        for name in _in_order(row["generator"] for row in rows if row["kind"] == kind)
    ]
    return about + markdown_table(titles, lines)


def _shares(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Of real images of other subjects, which repeat each other no more than slices do; 1 where no share is seen."""
    return [row["least_share"] or 1.0 for row in rows if row["generator"] == cheats.IDEAL] or [1.0]


def _in_order(names: Iterable[str]) -> list[str]:
    """As in ``cheats``; what is not there, such as a trained network, comes last."""
    known = [*cheats.CHEATS, *cheats.TEST_CHEATS, *cheats.HONEST]
    return sorted(set(names), key=lambda name: (known.index(name) if name in known else len(known), name))


def _span(values: Sequence[float], form: str = "d") -> str:
    low, high = (format(end(values), form) for end in (min, max))
    return low if low == high else f"{low} to {high}"


def _cells(name: str, kind: str, rows: Sequence[dict[str, Any]], organs: Sequence[str]) -> list[str]:
    said = [AuditVerdict(row["verdict"]) for row in rows]
    found = [
        one is AuditVerdict.SAW_THE_TEST if row["kind"] == "test" else one.memorises
        for one, row in zip(said, rows, strict=True)
    ]
    by_organ = [
        [one for one, row in zip(found, rows, strict=True) if row["modality"] == organ] for organ in organs
    ]
    unsaid = said.count(AuditVerdict.CANNOT_SAY)
    return [
        name,
        kind,
        f"{len(rows)}" + (f" ({unsaid} cannot say)" if unsaid else ""),
        *(
            _share(said.count(verdict), len(rows))
            for verdict in (AuditVerdict.MEMORISES, AuditVerdict.SAW_THE_TEST, AuditVerdict.SUSPECT)
        ),
        f"{median(row['copy_rate'] for row in rows):.0%}",
        _share(sum(row["by_distance_alone"] for row in rows), len(rows)),
        *(f"{sum(few)}/{len(few)}" if few else "" for few in by_organ),
    ]


def _share(k: int, n: int) -> str:
    low, high = binomial_interval(k, n)
    return f"{k / n:.1%} [{low:.1%}, {high:.1%}]"
