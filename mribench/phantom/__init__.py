"""A drawing kit for phantoms: tissues -> MR signal -> coil, bias, Rician noise. numpy only."""

from mribench.phantom import shapes
from mribench.phantom.canvas import Canvas, acquire, slice_rng, subject_rng
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
    "SpinEcho",
    "SpoiledGRE",
    "Tissue",
    "acquire",
    "describe",
    "shapes",
    "slice_rng",
    "subject_rng",
]
