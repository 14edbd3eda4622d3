"""methods.md: the trials of each method, and which learning rate was the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mribench.runner.tuned import best_factor, mean_distances
from mribench.tables import markdown_table


def markdown(record: Mapping[str, Any]) -> str:
    """One line for each method: KD at each learning rate, the best one, its neighbours."""
    factors, profile, organs = record["factors"], record["profile"], record["data"]
    machine = record["machine"]
    mean = ", geometric mean over organs" if len(organs) > 1 else ""
    name, lr = profile["name"], f"{profile['lr']:g}"
    lines = [
        f"KD[hc85-v1] x 1e3 to the validation subjects ({', '.join(organs)}{mean}) by learning rate. Each method has "
        f"{len(factors)} trials, each with {record['share']:g} of the training FLOPs of {name}. One training each, "
        f"seed {record['seed']}, {profile['n_generated']} images, on {machine['device']}: leads, not results. The "
        f"learning rate is that of {name}, {lr}, times a factor; one that a method sets itself is multiplied too. A "
        "trial that failed gave no images.",
        "",
    ]
    rows = [
        [method, family["sampler"] or "its own", *_cells(family, factors, organs)]
        for method, family in sorted(record["families"].items())
    ]
    titles = [f"{profile['lr'] * factor:.2g} (x {factor:g})" for factor in factors]
    table = markdown_table(["method", "sampler", *titles, "best", "below, best, above"], rows)
    return "\n".join([*lines, table])


def _cells(family: Mapping[str, Any], factors: Sequence[float], organs: Mapping[str, str]) -> list[str]:
    """KD of each factor, the best learning rate, and the best distance between those of its neighbours."""
    distances = mean_distances(family["runs"], organs, factors)
    shown = [_kd(distances, factor) for factor in factors]
    best = best_factor(distances)
    if len(distances) < len(factors):
        return [*shown, f"{len(distances)} of {len(factors)} trials", ""]
    if best is None:
        return [*shown, "none gave images", ""]
    lr = next(run["lr"] for run in family["runs"] if run["factor"] == best)
    place = factors.index(best)
    edge = {0: ", lowest of the range", len(factors) - 1: ", highest of the range"}.get(place, "")
    around = [
        _kd(distances, factors[i]) if 0 <= i < len(factors) else "none" for i in (place - 1, place, place + 1)
    ]
    return [*shown, f"{lr:.2g}{edge}", ", ".join(around)]


def _kd(distances: Mapping[float, float | None], factor: float) -> str:
    """'12.3', 'failed' where there were no images, nothing where the trial is still to be made."""
    kd = distances.get(factor)
    return f"{kd:.1f}" if kd is not None else "failed" if factor in distances else ""
