"""A number drawn in a table cell: interval as whisker, mean as mark, seeds as dots, on one scale down the column.

Marks differ in shape and not only in colour: trained variants are filled circles, controls hollow diamonds, real images
bars. A page holds hundreds of these drawings, so each has as few characters as possible: ``page.html`` defines the
marks once, the style sheet sets size and base line. In tables that are closed at first, ``script.js`` draws the same
strips from the text of the cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT, EDGE = 136, 18, 6
MIDDLE = HEIGHT // 2
STEPS = (1, 2, 5, 10)
Interval = tuple[float, float]

STRIP = Markup('<svg class="strip {}" viewBox="0 0 136 18" aria-hidden="true">{}</svg>')
PATH = Markup('<path d="{}" class="{}"/>')
MARK = Markup('<use href="#mark-{}" x="{}" y="{}"/>')


@dataclass(frozen=True)
class Axis:
    """Maps values in [low, high] to pixels in [start, end]."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False  # then low and high are positive

    def __call__(self, value: float) -> float:
        """Pixels; a value outside is put on the nearer end."""
        value = min(max(value, self.low), self.high)
        low, high, value = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers within the axis: multiples of 1, 2 or 5 times a power of ten, on a logarithmic axis of which
        two lie on it those numbers themselves."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            round_numbers = [step * 10.0**power for power in powers for step in STEPS[:3]]
            inside = [tick for tick in round_numbers if self.low <= tick <= self.high]
            if len(inside) > 1:
                return inside[:: max(1, -(-len(inside) // most))]
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        power = 10.0 ** math.floor(math.log10(span / most))
        step = next(power * s for s in STEPS if span / (power * s) <= most)
        first = math.ceil(self.low / step)
        return [k * step for k in range(first, math.floor(self.high / step) + 1)]


def linear_axis(values: Sequence[float], start: float, end: float, margin: float = 0.04) -> Axis:
    """An axis over all values, of which there is at least one, with a margin on both sides."""
    low, high = min(values), max(values)
    room = (high - low or abs(high) or 1.0) * margin
    return Axis(low - room, high + room, start, end)


def log_axis(values: Sequence[float], start: float, end: float, room: float = 3.0) -> Axis:
    """A logarithmic axis over positive values, with room to a factor on both sides."""
    return Axis(min(values) / room, max(values) * room, start, end, log=True)


def tick_label(tick: float) -> str:
    """'0', '0.5', '200', '10k'."""
    if abs(tick) >= 10_000:
        return f"{tick / 1000:g}k"
    return f"{round(tick, 10):g}"


def scale(values: Iterable[float]) -> Axis | None:
    """The common scale of a column; None without values."""
    known = list(values)
    return linear_axis(known, EDGE, WIDTH - EDGE, margin=0.0) if known else None


def strip(
    axis: Axis | None,
    kind: str,
    value: float,
    interval: Interval | None = None,
    seeds: Sequence[float] = (),
    band: Interval | None = None,
    reference: float | None = None,
) -> Markup:
    """The drawing of one number. Screen readers skip it, because the cell says the same in words.

    Args:
        axis: Scale of the column; None draws nothing.
        kind: ``trained``, ``control`` or ``real``.
        value: Mean over seeds, an arrow at the edge where it is off the scale.
        interval: 95 % interval of the mean.
        seeds: Value of each training seed.
        band: Range of real images, shaded.
        reference: Value of the Gaussian control, dashed.
    """
    if axis is None:
        return Markup("")
    parts = []
    if band:
        left, right = axis(band[0]), axis(band[1])
        width = pixels(max(right - left, 2.0))
        parts.append(PATH.format(f"M{pixels(left)} 0h{width}v{HEIGHT}h-{width}z", "floor"))
    if reference is not None:
        parts.append(PATH.format(f"M{pixels(axis(reference))} 2V{HEIGHT - 2}", "gaussian"))
    if not axis.low <= value <= axis.high:
        tip, back = (WIDTH - 1, -7) if value > axis.high else (1, 7)
        parts.append(PATH.format(f"M{tip} {MIDDLE}l{back} -5v10z", "off"))
        return STRIP.format(kind, Markup("").join(parts))
    if interval:
        low, high = pixels(axis(interval[0])), pixels(axis(interval[1]))
        parts.append(PATH.format(f"M{low} {MIDDLE}H{high}M{low} 5v8M{high} 5v8", "whisker"))
    parts.append(MARK.format(kind, pixels(axis(value)), MIDDLE))
    if len(seeds) > 1:
        parts.append(PATH.format("".join(f"M{pixels(axis(v))} {HEIGHT - 3}h0" for v in seeds), "seed"))
    return STRIP.format(kind, Markup("").join(parts))


def legend() -> list[tuple[Markup, str]]:
    """What the drawings in the cells mean, in the same marks."""
    axis = Axis(0, 10, EDGE, WIDTH - EDGE)
    return [
        (
            strip(axis, "trained", 5, (3, 7), seeds=(4.2, 5.8)),
            "trained: mean, 95 % interval, seeds as dots below",
        ),
        (strip(axis, "control", 5, (4, 6)), "control"),
        (strip(axis, "real", 3, (1, 5), band=(1, 5)), "real images; shaded: as good as real"),
        (strip(axis, "trained", 2, (1, 3), reference=7), "dashed: the Gaussian control"),
    ]


def pixels(value: float) -> str:
    """To a tenth of a pixel: '12', '12.3'."""
    return f"{value:.1f}".removesuffix(".0")
