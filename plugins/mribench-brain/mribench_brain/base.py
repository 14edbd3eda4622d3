"""The base of the brain, seen at the lowest levels: midbrain, cisterns, cerebellum."""

from __future__ import annotations

import numpy as np

from mribench.phantom import Canvas, fields, shapes

Array = np.ndarray


def paint(canvas: Canvas, rng: np.random.Generator, u: Array, v: Array, z: float, hull: Array) -> None:
    """Paint midbrain, cisterns and cerebellum where level ``z`` (0 to about 0.15) cuts them."""
    k = float(np.sqrt(max(0.0, 1 - (z / 0.17) ** 2)))
    if not k:
        return
    a = np.abs(u)
    bump = 0.02 * fields.waves(rng, u, v, 0.45, 5, z)
    cerebellum(canvas, a, v, bump, hull, k)
    # suprasellar cistern with its arms into the Sylvian fissures, then the ring around the midbrain
    cistern = shapes.ellipse(a, v, 0, -0.20, 0.10 * k, 0.09 * k)
    arms = shapes.tube(a, v, [(0.05, -0.22), (0.24, -0.27), (0.46, -0.34)], [0.035 * k, 0.025 * k, 0.02])
    canvas.paint("CSF", np.minimum(cistern, arms) + bump)
    peduncle = shapes.ellipse(a, v, 0.095, 0.03, 0.09 * k, 0.16 * k, 38)
    midbrain = np.minimum(peduncle, shapes.ellipse(a, v, 0, 0.15, 0.17 * k, 0.11 * k))
    canvas.paint("CSF", midbrain - 0.04 + 1.2 * bump)
    canvas.paint("brainstem", midbrain)
    canvas.paint("CSF", shapes.ellipse(a, v, 0, 0.155, 0.016 * k, 0.022 * k))


def cerebellum(canvas: Canvas, a: Array, v: Array, bump: Array, hull: Array, k: float) -> None:
    """Folia as thin bright blades in grey cortex, fanned around the midbrain; vermis in the middle."""
    outline = np.maximum(shapes.superellipse(a, v, 0, 0.58, 0.45 * k, 0.28 * k, 2.3) + bump, hull)
    canvas.paint("CSF", np.maximum(outline - 0.03, hull + 0.045))
    canvas.paint("grey matter", outline)
    core = shapes.ellipse(a, v, 0.20, 0.50, 0.16 * k, 0.09 * k, 20) + bump
    blades = np.sin(62 * (np.sqrt(a * a + (v - 0.1) ** 2) + 0.8 * bump)) > 0.3
    canvas.paint("white matter", (outline < -0.035) & ((core < 0) | (blades & (a > 0.06))))
