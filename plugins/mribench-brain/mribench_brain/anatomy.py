"""Shapes of an axial brain slice in head units: u right, v down (back), half the brain's length is 1.

Level z runs from the midbrain (0) over basal ganglia (0.25), lateral ventricles (0.5) and centrum
semiovale (0.75) to the vertex (1). Deep structures are drawn in the mirrored coordinate a = |u|; the warp of
the grid and the sulci make the two sides differ.
"""

from __future__ import annotations

import numpy as np

from mribench.phantom import shapes

Array = np.ndarray
LEVELS = (0.0, 0.12, 0.25, 0.5, 0.75, 1.0)


def head(rng: np.random.Generator) -> dict[str, float]:
    """What one subject's brain is like: ``length``, cx, cy in half images, the rest in head units."""
    return {
        "length": rng.uniform(0.78, 0.92),
        "breadth": rng.uniform(0.92, 1.07),
        "egg": rng.uniform(0.04, 0.16),
        "boxiness": rng.uniform(2.1, 2.6),
        "degrees": rng.normal(0, 4.0),
        "cx": rng.normal(0, 0.02),
        "cy": rng.normal(0, 0.02),
        "ventricles": float(np.exp(rng.normal(0, 0.3))),
        "sulcus_width": rng.uniform(0.005, 0.024),
        "sulcus_spacing": rng.uniform(0.155, 0.215),
        "cortex": rng.uniform(0.046, 0.062),
        "top": rng.uniform(-0.03, 0.03),
    }


def at(z: float, *values: float) -> float:
    """Value at level ``z`` of what is given at each of ``LEVELS``; a Python float keeps grids float32."""
    return float(np.interp(z, LEVELS, values))


def present(z: float, low: float, high: float) -> float:
    """Size factor of a rounded structure that exists between two levels: 0 outside, 1 in the middle."""
    t = (2 * z - low - high) / (high - low)
    return float(np.sqrt(max(0.0, 1 - t * t)))


def hull(a: Array, v: Array, z: float, h: dict[str, float]) -> Array:
    """The brain without its folds, negative inside: an egg, wider behind, with the Sylvian notch low down."""
    w = at(z, 0.77, 0.79, 0.80, 0.80, 0.73, 0.56) * h["breadth"]
    l = at(z, 0.90, 0.97, 1.0, 1.0, 0.93, 0.70)
    p = h["boxiness"]
    egg = h["egg"] + max(0.0, 0.25 - z) * 0.3
    across = a / (w * (1 + egg * v))
    out = ((across**p + np.abs(v / l) ** p) ** (1 / p) - 1) * w
    notch = at(z, 0.07, 0.04, 0.015, -0.1, -0.1, -0.1)
    if notch > 0:
        out = np.maximum(
            out,
            -shapes.tube(
                a, v, [(0.88, -0.58), (0.62, -0.42), (0.46, -0.34)], [2.2 * notch, notch, 0.3 * notch]
            ),
        )
    return out


def fissure(a: Array, v: Array, z: float, width: float) -> Array:
    """Interhemispheric fissure: before and behind the corpus callosum, all along the midline above it."""
    if z > 0.62:
        return a - width
    front = at(z, -0.32, -0.40, -0.50, -0.46, -0.40, -0.40)
    back = at(z, 0.85, 0.55, 0.46, 0.44, 0.38, 0.38)
    return np.maximum(a - width, np.minimum(v - front, back - v))


def sylvian(a: Array, v: Array, z: float, width: float) -> Array:
    """Lateral sulcus: a cleft that runs in from the side and opens over the insula."""
    k = present(z, -0.2, 0.48)
    if not k:
        return np.full_like(a, np.inf)
    r = (width + 0.012) * k
    cleft = shapes.tube(a, v, [(1.0, 0.06), (0.68, 0.0), (0.55, -0.02)], r)
    insula = shapes.tube(a, v, [(0.50, -0.26), (0.55, -0.02), (0.50, 0.16)], r)
    return np.minimum(cleft, insula)


def ventricles(a: Array, v: Array, z: float, size: float) -> Array:
    """Lateral ventricles (frontal horns, body, atria) and third ventricle."""
    out = np.full_like(a, np.inf)
    horn, body, atrium = (size * present(z, *span) for span in ((0.14, 0.60), (0.34, 0.64), (0.10, 0.58)))
    if horn:
        points = [(0.045, -0.20), (0.08, -0.30), (0.15, -0.41)]
        np.minimum(out, shapes.tube(a, v, points, [0.032 * horn, 0.046 * horn, 0.028 * horn]), out=out)
    if body:
        points = [(0.06, -0.28), (0.075, 0.0), (0.11, 0.20), (0.17, 0.34)]
        np.minimum(out, shapes.tube(a, v, points, np.array([0.045, 0.05, 0.05, 0.045]) * body), out=out)
    if atrium:
        points = [(0.14, 0.29), (0.23, 0.40), (0.25, 0.52)]
        np.minimum(out, shapes.tube(a, v, points, np.array([0.035, 0.055, 0.02]) * atrium), out=out)
    third = 0.022 * size * present(z, 0.05, 0.40)
    if third:
        np.minimum(out, shapes.tube(a, v, [(0, -0.12), (0, 0.14)], third), out=out)
    return out


def deep_nuclei(a: Array, v: Array, z: float) -> dict[str, Array]:
    """Thalamus, caudate, putamen and pallidum, those that the level cuts."""
    out = {}
    if k := present(z, 0.06, 0.45):
        out["thalamus"] = shapes.ellipse(a, v, 0.125, 0.09, 0.105 * k, 0.17 * k, -24)
    if k := present(z, 0.06, 0.46):
        out["putamen"] = shapes.ellipse(a, v, 0.345, -0.10, 0.07 * k, 0.215 * k, -14)
        out["pallidum"] = shapes.ellipse(a, v, 0.255, -0.06, 0.045 * k, 0.12 * k, -20)
    if k := present(z, 0.08, 0.64):
        v0 = float(np.interp(z, (0.2, 0.6), (-0.30, -0.08)))
        out["caudate"] = shapes.ellipse(a, v, 0.165, v0, 0.055 * k, 0.14 * k, -14)
    return out
