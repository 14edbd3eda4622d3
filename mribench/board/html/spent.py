"""What a page stands on: how much was computed, on what, and on how few subjects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mribench.board.boards import Board


def spent(boards: Sequence[Board]) -> list[tuple[str, str]]:
    """Name and value of what the page stands on, for whoever reads one line only."""
    found = [result for board in boards for result in board.members]
    organs = {board.modality for board in boards}
    kinds = sorted({str(board.comparability["data_kind"]) for board in boards})
    test = [board.members[0].data["subjects"]["test"] for board in boards]
    trained = {
        r.provenance.get("checkpoint") or (r.modality, r.variant, r.seed): r.provenance["training"]
        for r in found
        if r.provenance.get("training")
    }
    produced = [r.provenance.get("produced") or {} for r in found]
    sampling = sum(p.get("seconds") or 0 for p in produced)
    scoring = sum(p.get("seconds_scoring") or 0 for p in produced)
    devices = sorted({m["device"] for r in found if (m := r.provenance.get("machine"))})
    seeds = sorted({r.seed for r in found if not r.is_control})
    return [
        ("organs", str(len(organs))),
        (
            "data",
            " and ".join(
                {"phantom": "phantoms, no patients", "real": "real images"}.get(k, k) for k in kinds
            ),
        ),
        ("test subjects per organ", _span(test)),
        ("training seeds", f"{len(seeds)} ({', '.join(map(str, seeds))})" if seeds else "none"),
        ("trainings", str(len(trained))),
        ("spent on training", _time(sum(t.get("seconds") or 0 for t in trained.values()))),
        ("on sampling and scoring", _time(sampling + scoring)),
        ("profiles", ", ".join(sorted({str(b.comparability["profile"]) for b in boards}))),
        ("devices", "; ".join(devices) or "not recorded"),
    ]


def _span(values: Iterable[int]) -> str:
    low, high = min(found := list(values)), max(found)
    return str(low) if low == high else f"{low} to {high}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
