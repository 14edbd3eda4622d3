"""One kidney: a bean of cortex, pyramids of medulla, a sinus of fat with calyces, a pelvis with urine."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, shapes, stamps

Array = np.ndarray


def paint_kidney(canvas: Canvas, at: tuple[Array, Array], kidney: dict[str, Any], z: float) -> None:
    """Paint the cut at depth z; ``kidney`` is what ``anatomy`` drew for one side."""
    cut = 1 - ((z - kidney["z"]) / kidney["thickness"]) ** 2
    if cut < 0.03:
        return
    size = np.sqrt(cut)
    rx, ry, inward = kidney["breadth"] * size, kidney["length"] * size, -kidney["side"]

    def frame(x: Array, y: Array) -> tuple[Array, Array]:
        """Along the kidney: u to the hilum, v caudal, in half axes; bent, hollow at the hilum."""
        u, v = shapes.rotate(x, y, kidney["x"], kidney["y"], kidney["tilt"])
        return inward * u / rx - 0.35 * kidney["bow"] * ((v / ry) ** 2 - 0.3), v / ry

    reach = ry * 1.15
    box = kidney["x"] - reach, kidney["y"] - reach, kidney["x"] + reach, kidney["y"] + reach

    def put(
        tissue: str, u0: float, v0: float, ru: float, rv: float, degrees: float = 0.0, over: Any = None
    ) -> None:
        stamps.shape(
            canvas, tissue, at, box, lambda x, y: shapes.ellipse(*frame(x, y), u0, v0, ru, rv, degrees), over
        )

    # a rim of perirenal fat parts it from liver and spleen
    put("fat", 0, 0, 1.0 + kidney["rim"] / rx, 1.0 + kidney["rim"] / ry)
    put("cortex", 0, 0, 1, 1)
    for angle in np.linspace(-148, 148, kidney["pyramids"]) + 180:
        a = np.radians(angle)
        put(
            "medulla",
            0.55 * np.cos(a),
            0.62 * np.sin(a),
            0.26,
            0.17,
            np.degrees(np.arctan2(0.6 * np.sin(a), np.cos(a))),
        )
    centred = np.clip(1 - ((z - kidney["z"] - 0.04) / (0.55 * kidney["thickness"])) ** 2, 0, 1)
    if centred > 0.05:
        wide = kidney["sinus"] * np.sqrt(centred)
        put("fat", 0.30, 0, 0.42 * wide, 0.40 * wide, over=("cortex", "medulla"))
        put("fat", 0.95, 0, 0.60 * wide, 0.24 * wide, over=("cortex", "medulla"))
        full = kidney["pelvis"] * np.sqrt(centred)
        put("urine", 0.62, 0.08, 0.36 * full, 0.11 * full)
        for v in (-0.33, 0.0, 0.34):
            put("urine", 0.12 + 0.1 * abs(v), v * wide, 0.13 * full, 0.085 * full)
