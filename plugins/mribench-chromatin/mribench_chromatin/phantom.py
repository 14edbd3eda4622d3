"""Optical sections of one DAPI-stained nucleus: DNA density -> point spread -> photons -> camera.

No MRI: chromatin has no magnetic-resonance image at this scale. The microscope is a 20x/0.6 air objective
with a wide pinhole, emission at 461 nm (DAPI bound to DNA), field 20 micrometres. The point spread is the
Gaussian of Zhang, Zerubia & Olivo-Marin, Appl. Opt. 46:1819 (2007), paraxial widefield: lateral sigma
0.225 lambda/NA, axial sigma 0.78 n lambda/NA^2.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from mribench.phantom import Canvas, PhantomSlice, slice_rng, station, subject_rng
from mribench_chromatin.anatomy import Nucleus, grow, section

Array = np.ndarray
TISSUES = ("background", "euchromatin", "heterochromatin", "nucleolus")
WAVELENGTH_UM, NA, HALF_FIELD_UM = 0.461, 0.6, 10.0
SIGMA = 0.225 * WAVELENGTH_UM / NA / HALF_FIELD_UM
SIGMA_Z = 0.78 * WAVELENGTH_UM / NA**2 / HALF_FIELD_UM
OUT_OF_FOCUS = 0.35  # share of the light that a wide pinhole lets in from all depths
READ_NOISE = 3.0  # electrons, a scientific CMOS camera with binning


STRUCTURES = ("euchromatin", "heterochromatin", "nucleolus")


class Plane(NamedTuple):
    """An optical section before the camera; arrays of the fine grid but ``mask``."""

    canvas: Canvas
    nucleus: Nucleus
    density: Array  # DNA
    light: Array  # what reaches the camera from a unit of stain
    edge: Array  # negative inside the nucleus
    nucleolus: Array  # negative inside
    mask: Array  # bool (size, size), the segmented nucleus
    photons: float  # from a unit of stain
    unbleached: float  # share of the stain
    here: np.random.Generator  # draws the noise
    z: float
    params: dict[str, Any]


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    """Optical plane ``slice`` of nucleus ``subject``; five planes cross it.

    Returns image float32 (size, size) in [0, 1], background 0 (segmented, as in DSB 2018); labels uint8, an
    index into ``params["tissues"]``. A pure function of its arguments.
    """
    plane = section_of(seed, subject, slice, size)
    image, _ = photograph(plane)
    return PhantomSlice(image, plane.canvas.label_map(), plane.params)


def section_of(seed: int, subject: int, slice: int, size: int) -> Plane:
    """The section on its way to the camera."""
    who, here = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    nucleus = grow(who)
    photons, bleaching = float(np.exp(who.normal(7.3, 0.6))), float(who.uniform(0, 0.1))
    nucleolar = float(who.uniform(0.4, 0.85))
    plane = (station(slice) - 2) / 2
    z = nucleus.height * (0.45 * plane + float(here.normal(0, 0.05)))
    canvas = Canvas(size)
    edge, thickness, cloud, nucleolus = section(nucleus, who, *canvas.axes, z)
    light = in_focus(thickness, z) * (1 - OUT_OF_FOCUS) + thickness / nucleus.height * OUT_OF_FOCUS
    density = dna(nucleus, cloud, nucleolus, nucleolar)
    _paint(canvas, edge, cloud, nucleolus)
    mask = canvas.average(edge < 0.4 * SIGMA) >= 0.5
    optics = {"wavelength_um": WAVELENGTH_UM, "na": NA, "sigma_um": SIGMA * HALF_FIELD_UM}
    detector = {"photons": photons, "read_noise": READ_NOISE, "pixel_um": 2 * HALF_FIELD_UM / size}
    sequence = {"name": "Fluorescence", **optics, **detector}
    drawn = {"z_um": z * HALF_FIELD_UM, "nucleolar_density": nucleolar, "nucleus": nucleus._asdict()}
    params = {"tissues": list(TISSUES), "sequence": sequence, **drawn}
    unbleached = 1 - bleaching * (1 + plane) / 2
    return Plane(canvas, nucleus, density, light, edge, nucleolus, mask, photons, unbleached, here, z, params)


def expected_photons(plane: Plane, stain: Array, light: Array | None = None) -> Array:
    """Mean count of each pixel, (size, size), from a density of stain on the fine grid."""
    seen = stain * (plane.light if light is None else light)
    return plane.canvas.average(blur(seen, SIGMA)) * plane.photons * plane.unbleached


def photograph(plane: Plane) -> tuple[Array, float]:
    """The image, and the count that it shows as 1."""
    image = camera(expected_photons(plane, plane.density), deepcopy(plane.here)) * plane.mask
    white = max(float(np.percentile(image[plane.mask], 99.8)), 1.0)
    return np.clip(image / white, 0, 1).astype(np.float32), white


def dna(nucleus: Nucleus, cloud: Array, nucleolus: Array, nucleolar: float) -> Array:
    """Stain density relative to euchromatin; the passage between the kinds of chromatin is gradual."""
    hetero = 0.5 + 0.5 * np.tanh(cloud)
    density = 1 + (nucleus.density - 1) * hetero + 0.07 * cloud
    return density * (1 - (1 - nucleolar) / (1 + np.exp(np.clip(nucleolus / 0.03, -30, 30))))


def in_focus(thickness: Array, z: float) -> Array:
    """Share of the axial point spread that lies within the nucleus: soft, dim borders where it is thin.

    The normal distribution function is written as (1 + tanh(0.8 t)) / 2, at most 0.02 off.
    """
    return 0.5 * (np.tanh(0.8 * (thickness - z) / SIGMA_Z) + np.tanh(0.8 * (thickness + z) / SIGMA_Z)).clip(0)


def blur(fine: Array, sigma: float) -> Array:
    """Gaussian point spread of width ``sigma`` (half-fields), by its transfer function."""
    n = len(fine)
    fx, fy = np.fft.rfftfreq(n, 2 / n), np.fft.fftfreq(n, 2 / n)[:, None]
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    return np.fft.irfft2(np.fft.rfft2(fine) * transfer, s=fine.shape)


def camera(expected: Array, rng: np.random.Generator) -> Array:
    """Photon noise and Gaussian read noise, in electrons.

    Poisson counts of hundreds of photons as their normal limit: a Poisson generator takes more or fewer random
    numbers when the last bit of a mean differs between processors, and every later pixel changes with it.
    """
    mean = np.maximum(expected, 0)
    return np.maximum(mean + np.sqrt(mean + READ_NOISE**2) * rng.normal(size=mean.shape), 0)


def _paint(canvas: Canvas, edge: Array, cloud: Array, nucleolus: Array) -> None:
    canvas.tissues = list(TISSUES)
    canvas.paint("euchromatin", edge)
    canvas.paint("heterochromatin", (edge < 0) & (cloud > 0))
    canvas.paint("nucleolus", (edge < 0) & (nucleolus < 0))
