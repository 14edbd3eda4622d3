"""How to read the page: what the drawings mean, what a number is made of, and what each metric is."""

from __future__ import annotations

from collections.abc import Sequence

from mribench.board import columns
from mribench.board.boards import Board
from mribench.board.html import strips
from mribench.board.html.axes import Axis
from mribench.board.html.cite import linked
from mribench.board.html.markup import Markup, element, join
from mribench.board.rows import Estimate

BETTER = {"up": "higher", "down": "lower", "zero": "nearer to 0"}
READING = (
    "Each number is a mean over seeds ± the standard deviation between seeds (where there are several), with its "
    "95 % interval over test subjects and seeds in brackets. Rows stand together only where data, split, resolution, "
    "budget, task, metrics, feature spaces and numbers of images are equal.",
    "Ranks are intervals: 1-3 means that the numbers leave the places 1 to 3 open. Controls learn nothing a "
    "diffusion model should and show the scale, as do real images in a model's place; they are not ranked. At floor: "
    "the interval reaches what real training images score, and nothing finer can be said.",
    "Organs are different data: compare within a table, never between two.",
    "Pictures on this page are few and compressed with loss, some grey levels off: look at shapes, not at texture or "
    "noise. All of them, without loss, are the files that the words below each picture lead to.",
)


def reading() -> Markup:
    """What a number and a rank are made of; closed until asked for."""
    said = (element("p", sentence) for sentence in READING)
    return element("details", element("summary", "How to read this"), *said, class_="paper")


def legend() -> Markup:
    """What the drawings in the cells mean, in the drawings' own marks."""
    axis = Axis(0, 10, strips.EDGE, strips.WIDTH - strips.EDGE)

    def entry(value: float, low: float | None = None, high: float | None = None) -> Estimate:
        return Estimate(value, None, low, high, (), 0, None, 0)

    shown = (
        (
            strips.strip(axis, entry(5, 3, 7), "trained", (4.2, 5.8)),
            "trained: mean, 95 % interval, seeds as dots below",
        ),
        (strips.strip(axis, entry(5, 4, 6), "control"), "control"),
        (strips.strip(axis, entry(3, 1, 5), "real", (), (1, 5)), "real images; shaded: as good as real"),
        (
            strips.strip(axis, entry(2, 1, 3), "trained", (), None, [(7, "gaussian")]),
            "dashed: the Gaussian control",
        ),
    )
    return element("ul", *(element("li", drawn, " ", said) for drawn, said in shown), class_="legend")


def glossary(boards: Sequence[Board]) -> Markup:
    """What each metric is, and the paper it comes from."""
    known = {name: about for board in boards for r in board.members for name, about in r.metrics.items()}
    items = [
        join(
            element("dt", f"{name.upper()} {columns.ARROWS[about['direction']]}"),
            element(
                "dd",
                f"{about['title'] or name}; {BETTER[about['direction']]} is better. ",
                linked(about.get("paper") or ""),
            ),
        )
        for name, about in sorted(known.items())
    ]
    more = (
        ("NFE", "Network evaluations for one generated image."),
        ("ᾱ", "Share of the signal's variance left at the noise level from which an image is restored."),
    )
    items += [join(element("dt", name), element("dd", said)) for name, said in more]
    return element(
        "section",
        element("h2", "Words", id="words"),
        element("dl", *(element("div", item) for item in items), class_="words"),
        aria_labelledby="words",
    )
