"""One lesion a person: a tumour in its oedema, or plaques of multiple sclerosis; both lie in white matter."""

from __future__ import annotations

import numpy as np

from mribench.phantom import Canvas, Tissue, fields, shapes

Array = np.ndarray

# 3 T; all longer than in white matter, with which the values of the table agree in direction and order of magnitude
TISSUES = {
    "tumour": Tissue(
        1500, 130, 0.85, "assumed, after the ranges in Wansapura et al., JMRI 9:531 (1999)", texture=0.12
    ),
    "necrosis": Tissue(2400, 300, 0.92, "assumed, between tumour and CSF"),
    "oedema": Tissue(1250, 140, 0.82, "assumed: white matter with more free water", texture=0.06),
    "plaque": Tissue(
        1300, 130, 0.82, "assumed: demyelinated white matter with more free water", texture=0.04
    ),
}
WHITE = ("white matter",)
TUMOUR_SHARE = 0.6  # of the persons; the others have plaques


def paint(canvas: Canvas, rng: np.random.Generator, u: Array, v: Array, z: float) -> None:
    """Paint the person's lesion where level ``z`` cuts it. u, v: head coordinates; rng: the same for all slices."""
    if rng.random() < TUMOUR_SHARE:
        _tumour(canvas, rng, u, v, z)
    else:
        _plaques(canvas, rng, u, v, z)


def _tumour(canvas: Canvas, rng: np.random.Generator, u: Array, v: Array, z: float) -> None:
    """A ball with a ragged edge; oedema around it spreads through white matter alone."""
    side = -1 if rng.random() < 0.5 else 1
    cu, cv, cz = side * rng.uniform(0.28, 0.48), rng.uniform(-0.5, 0.5), rng.uniform(0.3, 0.75)
    radius, oedema, ragged = rng.uniform(0.12, 0.24), rng.uniform(1.3, 2.0), rng.uniform(0.02, 0.05)
    has_core = rng.random() < 0.7
    cut = radius**2 - (1.2 * (z - cz)) ** 2
    bump = ragged * fields.waves(rng, u, v, 0.25, 6, z)
    reach = (oedema * radius) ** 2 - (1.2 * (z - cz)) ** 2
    if reach > 0:
        spread = shapes.ellipse(u, v, cu, cv, reach**0.5, 1.25 * reach**0.5, side * 12)
        canvas.paint("oedema", spread + 2 * bump, over=WHITE)
    if cut > 0:
        ball = shapes.ellipse(u, v, cu, cv, cut**0.5, cut**0.5) + bump
        canvas.paint("tumour", ball, over=[name for name in canvas.tissues if name != "air"])
        if has_core:
            canvas.paint("necrosis", ball + 0.4 * radius, over=("tumour",))


def _plaques(canvas: Canvas, rng: np.random.Generator, u: Array, v: Array, z: float) -> None:
    """Small ovals around the ventricles, their long axis pointing away from them (Dawson's fingers)."""
    for _ in range(int(rng.integers(6, 14))):
        side = -1 if rng.random() < 0.5 else 1
        cu, cv, cz = side * rng.uniform(0.14, 0.42), rng.uniform(-0.5, 0.55), rng.uniform(0.3, 0.85)
        length, width = rng.uniform(0.05, 0.11), rng.uniform(0.03, 0.055)
        cut = 1 - ((z - cz) / 0.14) ** 2
        if cut > 0:
            degrees = float(np.degrees(np.arctan2(cv, cu)))
            oval = shapes.ellipse(u, v, cu, cv, length * cut**0.5, width * cut**0.5, degrees)
            canvas.paint("plaque", oval, over=WHITE)
