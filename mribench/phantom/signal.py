"""From tissue to signal: relaxation times and the steady-state equations of four MR sequences.

Times in milliseconds, angles in degrees, proton density relative to free water. The equations are those of
Bernstein, King & Zhou, Handbook of MRI Pulse Sequences (2004), chapters 14.1 (gradient echo, bSSFP) and 14.3
(spin echo).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import cos, exp, radians, sin


@dataclass(frozen=True)
class Tissue:
    """Relaxation times and proton density of one tissue."""

    t1: float  # ms
    t2: float  # ms
    pd: float  # proton density in [0, 1]
    source: str = ""  # of the values
    t2_star: float | None = None  # ms; t2 where None
    texture: float = (
        0.0  # relative amplitude of the smooth random variation inside the tissue; 0 draws it flat
    )


AIR = Tissue(t1=1.0, t2=1.0, pd=0.0, source="no protons")


@dataclass(frozen=True)
class SpinEcho:
    """S = PD (1 - exp(-TR/T1)) exp(-TE/T2); with TE << TR."""

    tr: float
    te: float

    def signal(self, tissue: Tissue) -> float:
        return tissue.pd * (1 - exp(-self.tr / tissue.t1)) * exp(-self.te / tissue.t2)


@dataclass(frozen=True)
class InversionRecovery:
    """Inversion-prepared spin echo (STIR, FLAIR): S = PD |1 - 2 exp(-TI/T1) + exp(-TR/T1)| exp(-TE/T2)."""

    tr: float
    te: float
    ti: float

    def signal(self, tissue: Tissue) -> float:
        recovered = 1 - 2 * exp(-self.ti / tissue.t1) + exp(-self.tr / tissue.t1)
        return tissue.pd * abs(recovered) * exp(-self.te / tissue.t2)


@dataclass(frozen=True)
class SpoiledGRE:
    """Ernst: S = PD sin(a) (1 - E1) / (1 - cos(a) E1) exp(-TE/T2*), E1 = exp(-TR/T1)."""

    tr: float
    te: float
    flip: float

    def signal(self, tissue: Tissue) -> float:
        e1, a = exp(-self.tr / tissue.t1), radians(self.flip)
        t2_star = tissue.t2_star or tissue.t2
        return tissue.pd * sin(a) * (1 - e1) / (1 - cos(a) * e1) * exp(-self.te / t2_star)


@dataclass(frozen=True)
class BalancedSSFP:
    """On resonance: S = PD sin(a) (1 - E1) / (1 - (E1 - E2) cos(a) - E1 E2) exp(-TE/T2)."""

    tr: float
    te: float
    flip: float

    def signal(self, tissue: Tissue) -> float:
        e1, e2, a = exp(-self.tr / tissue.t1), exp(-self.tr / tissue.t2), radians(self.flip)
        steady = (1 - e1) / (1 - (e1 - e2) * cos(a) - e1 * e2)
        return tissue.pd * sin(a) * steady * exp(-self.te / tissue.t2)


Sequence = SpinEcho | InversionRecovery | SpoiledGRE | BalancedSSFP


def describe(sequence: Sequence) -> dict[str, float | str]:
    """JSON-serialisable name and parameters of a sequence."""
    return {"name": type(sequence).__name__, **asdict(sequence)}
