"""A drawing kit for phantoms: tissues -> MR signal -> coil, bias, Rician noise. numpy only.

``shapes`` are outlines, ``fields`` smooth randomness, ``stamps`` paint small shapes fast. An organ paints a
``Canvas``, renders it under a sequence and lets ``acquire`` make an image of it; a ``Scan`` does both, and draws named
fields too. Every name here is public; whoever
moves a pixel makes other phantoms of all organs.
"""

from mribench.phantom import fields, shapes, stamps
from mribench.phantom.canvas import Canvas
from mribench.phantom.draws import field_rng, slice_rng, station, subject_rng
from mribench.phantom.scan import Scan, ScanFields
from mribench.phantom.scanner import acquire
from mribench.phantom.signal import (
    BalancedSSFP,
    InversionRecovery,
    SpinEcho,
    SpoiledGRE,
    Tissue,
    describe,
)
from mribench.spec import PhantomSlice

__all__ = [
    "BalancedSSFP",
    "Canvas",
    "InversionRecovery",
    "PhantomSlice",
    "Scan",
    "ScanFields",
    "SpinEcho",
    "SpoiledGRE",
    "Tissue",
    "acquire",
    "describe",
    "field_rng",
    "fields",
    "shapes",
    "slice_rng",
    "stamps",
    "station",
    "subject_rng",
]
