"""From numbers to places on a drawing: linear and logarithmic axes and their ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Axis:
    """Maps [low, high] to [start, end] pixels; of a logarithmic axis low and high are positive."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Pixels; a value outside is put on the nearer end."""
        low, high, value = (math.log(v) if self.log else v for v in (self.low, self.high, self.inside(value)))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def inside(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers within the axis: steps of 1, 2 or 5 times a power of ten; of a logarithmic axis those numbers
        themselves."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [step * 10.0**power for power in powers for step in STEPS[:3]]
            found = [tick for tick in found if self.low <= tick <= self.high]
            return found[:: max(1, -(-len(found) // most))]
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        power = 10.0 ** math.floor(math.log10(span / most))
        step = next(power * s for s in STEPS if span / (power * s) <= most)
        first = math.ceil(self.low / step)
        return [k * step for k in range(first, math.floor(self.high / step) + 1)]


def spanning(values: Iterable[float], start: float, end: float, margin: float = 0.04) -> Axis | None:
    """A linear axis over all values with a margin on both sides; None where there is none."""
    known = list(values)
    if not known:
        return None
    low, high = min(known), max(known)
    room = (high - low or abs(high) or 1.0) * margin
    return Axis(low - room, high + room, start, end)


def spanning_log(values: Iterable[float], start: float, end: float) -> Axis | None:
    """A logarithmic axis over the positive values, with room to a factor of 3 on both sides."""
    known = [value for value in values if value > 0]
    return Axis(min(known) / 3, max(known) * 3, start, end, log=True) if known else None


def words(tick: float) -> str:
    """'0', '0.5', '200', '10k': as short as a tick can be."""
    if abs(tick) >= 10_000:
        return f"{tick / 1000:g}k"
    return f"{round(tick, 10):g}"
