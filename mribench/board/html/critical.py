"""The critical-difference diagram: methods by average rank, bars across those that are not told apart (Demsar 2006).

``critical.svg`` prints it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mribench.board.html.strips import Axis
from mribench.board.over_organs import OverOrgans, sentences

WIDTH, SIDE = 860, 250  # pixels of the drawing, and of the names on each side
TOP, LINE, BAR = 70, 18, 8  # of the axis, of a name, of a bar


@dataclass(frozen=True)
class Method:
    """A method at its average rank."""

    name: str
    rank: float
    x: float  # on the axis
    y: float  # of its name
    left: bool  # side of its name


@dataclass(frozen=True)
class Bar:
    """Methods that are not told apart."""

    start: float
    end: float
    y: float


@dataclass(frozen=True)
class Diagram:
    id: str
    about: str
    caption: str
    sentences: list[str]
    found: OverOrgans
    methods: list[Method]
    bars: list[Bar]
    ticks: list[tuple[float, int]]
    ruler: Bar | None  # as long as the critical difference
    height: int
    width, left, right, top = WIDTH, SIDE, WIDTH - SIDE, TOP

    @property
    def text(self) -> str:
        """What the drawing shows, in words."""
        said = "; ".join(f"{m.name}: {m.rank:.2f}" for m in self.methods)
        apart = "; ".join(f"{first} to {last}" for first, last in self.found.groups)
        difference = self.found.difference
        rule = "" if difference is None else f" Critical difference {difference:.2f}."
        return f"Average rank over {len(self.found.organs)} organs. {said}.{rule} Not told apart: {apart or 'none'}."


def diagram(found: OverOrgans, anchor: str) -> Diagram:
    """The drawing of one comparison; ``anchor`` is its id on the page."""
    names = list(found.average)
    axis = Axis(1, max(2, len(names)), SIDE + 20, WIDTH - SIDE - 20)
    bars = [
        Bar(axis(found.average[first]) - 3, axis(found.average[last]) + 3, TOP + 12 + BAR * place)
        for place, (first, last) in enumerate(found.groups)
    ]
    below = TOP + 24 + BAR * len(bars)
    half = math.ceil(len(names) / 2)
    methods = []
    for place, name in enumerate(names):
        left = place < half
        level = place if left else len(names) - 1 - place
        rank = found.average[name]
        methods.append(Method(name, rank, axis(rank), below + LINE * level, left))
    ruler = None
    if found.difference is not None:
        end = min(axis(1 + found.difference), axis.end)
        ruler = Bar(axis.start, end, TOP - 42)
    step = max(1, round(len(names) / 12))
    organs = len(found.organs)
    return Diagram(
        id=anchor,
        about=found.about,
        caption=f"Average rank of {len(names)} methods over {organs} organs ({found.about}); 1 is best",
        sentences=sentences(found),
        found=found,
        methods=methods,
        bars=bars,
        ticks=[(axis(rank), rank) for rank in range(1, len(names) + 1, step)],
        ruler=ruler,
        height=below + LINE * half,
    )
