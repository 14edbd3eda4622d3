"""Fields of a section: label map, image without noise, a second stain, and the nucleus with a lesion.

There is no second magnetic-resonance contrast. In its place stands a second stain of the same section, fibrillarin,
which lies in the nucleoli.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from mribench.phantom import field_rng, shapes
from mribench.spec import Field
from mribench_chromatin.phantom import STRUCTURES, camera, expected_photons, photograph, section_of
from mribench_chromatin.phantom import Plane as Section

Array = np.ndarray
FIELDS = (
    Field("labels", "labels", ("background", *STRUCTURES)),
    Field("clean", "image"),
    Field("fibrillarin", "image"),
    Field("abnormal", "image"),
    Field("lesion", "mask"),
    Field("healthy", "image"),
)
NUCLEOPLASM = 0.08  # fibrillarin outside nucleoli over that inside, assumed
MICRONUCLEUS_SHARE = 0.5  # of the nuclei; the others have condensed clumps, as apoptosis begins
CONDENSED = 1.0  # what a clump adds to the DNA in its middle, in units of euchromatin, assumed


def draw_fields(
    seed: int, subject: int, slice: int, size: int, names: Collection[str], /
) -> Mapping[str, Array]:
    """As ``mribench.spec.DrawFields``."""
    plane = section_of(seed, subject, slice, size)
    draw: dict[str, Callable[[], Array]] = {
        "labels": plane.canvas.label_map,
        "clean": lambda: _shown(expected_photons(plane, plane.density) * plane.mask, photograph(plane)[1]),
        "fibrillarin": lambda: _second_stain(plane, field_rng(seed, subject, "fibrillarin", slice)),
        "abnormal": lambda: _abnormal(plane, *_lesion(plane, seed, subject), seed, subject, slice),
        "lesion": lambda: _mask(plane, _lesion(plane, seed, subject)[0]).astype(np.uint8),
        "healthy": lambda: photograph(plane)[0],
    }
    return {name: draw[name]() for name in names}


def _shown(counts: Array, white: float) -> Array:
    return np.clip(counts / white, 0, 1).astype(np.float32)


def _second_stain(plane: Section, noise: np.random.Generator) -> Array:
    inside = 1 / (1 + np.exp(np.clip(plane.nucleolus / 0.02, -30, 30)))
    stain = (NUCLEOPLASM + (1 - NUCLEOPLASM) * inside) * (plane.edge < 0)
    counts = camera(expected_photons(plane, stain), noise) * plane.mask
    return _shown(counts, max(float(np.percentile(counts[plane.mask], 99.8)), 1.0))


def _lesion(plane: Section, seed: int, subject: int) -> tuple[Array, bool]:
    """How thick the lesion is at each fine sample, of balls 1 in the middle, float32 (n, n); is it a micronucleus?"""
    rng = field_rng(seed, subject, "lesion")
    n, (x, y) = plane.nucleus, plane.canvas.axes
    grid = plane.canvas.x, plane.canvas.y
    outside = rng.random() < MICRONUCLEUS_SHARE
    found = np.zeros(plane.edge.shape, dtype=np.float32)
    for _ in range(1 if outside else int(rng.integers(3, 7))):
        angle = rng.uniform(0, 2 * np.pi)
        radius = n.radius * (rng.uniform(0.14, 0.22) if outside else rng.uniform(0.09, 0.17))
        height = rng.normal(0, 0.3) * n.height
        cut = radius**2 - (plane.z - height) ** 2
        # walk from the middle to the surface, a micronucleus a little further
        steps = np.linspace(0, 1.5, 120) * n.radius
        px, py = n.centre[0] + steps * np.cos(angle), n.centre[1] + steps * np.sin(angle)
        at = np.abs(x[0][None] - px[:, None]).argmin(1), np.abs(y[:, 0][None] - py[:, None]).argmin(1)
        within = plane.edge[at[1], at[0]] < 0
        last = int(np.flatnonzero(within).max(initial=0))
        far = steps[last] + 0.75 * radius if outside else steps[last] * rng.uniform(0.3, 0.85)
        if cut > 0:
            cx, cy = n.centre[0] + far * np.cos(angle), n.centre[1] + far * np.sin(angle)
            away = 1 + shapes.ellipse(*grid, cx, cy, cut**0.5, cut**0.5) / cut**0.5
            np.maximum(found, np.sqrt(np.clip(1 - away**2, 0, 1)), out=found)
    return found * (plane.edge >= 0 if outside else plane.edge < 0), outside


def _abnormal(plane: Section, lesion: Array, outside: bool, seed: int, subject: int, slice: int) -> Array:
    """The section with its lesion, noise of its own, at the grey scale of the image."""
    _, white = photograph(plane)
    density = np.where(lesion > 0, 1.2, plane.density) if outside else plane.density + CONDENSED * lesion
    light = np.maximum(plane.light, 0.8 * lesion) if outside else plane.light
    counts = camera(expected_photons(plane, density, light), field_rng(seed, subject, "abnormal", slice))
    return _shown(counts * (plane.mask | _mask(plane, lesion)), white)


def _mask(plane: Section, lesion: Array) -> Array:
    """bool (size, size): the lesion fills at least half of a pixel."""
    return plane.canvas.average((lesion > 0).astype(np.float32)) >= 0.5
