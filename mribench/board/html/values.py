"""What templates and drawings print: plain values, without a way back to the boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from mribench.board.html import strips
from mribench.board.rows import Address
from mribench.results import Result
from mribench.spec import ReportedTable

NOTHING = Markup("")


@dataclass(frozen=True)
class Number:
    """One number of one row, or the reason why there is none."""

    text: str = ""  # '60.5 ± 0.7 [50.1, 70.2]', as in every other table of a board
    value: float | None = None  # None: there is none
    interval: strips.Interval | None = None  # 95 %
    seeds: tuple[float, ...] = ()  # value of each training seed
    reason: str = "no number"
    applies: bool = True  # False where the task was not asked of the variant: a grey cell
    drawing: Markup = NOTHING
    record: str = ""  # anchor of the record that holds it

    @property
    def mean(self) -> str:
        return self.text.partition(" ")[0]

    @property
    def spread(self) -> str:
        """What follows the mean: standard deviation between seeds, and interval."""
        return self.text.partition(" ")[2]

    @property
    def extent(self) -> list[float]:
        """The values that a scale must hold."""
        return [] if self.value is None else [self.value, *(self.interval or ())]

    def drawn(
        self,
        axis: strips.Axis | None,
        kind: str,
        band: strips.Interval | None,
        reference: float | None = None,
    ) -> Number:
        """The same with its drawing, see ``strips.strip``."""
        if self.value is None:
            return self
        drawing = strips.strip(axis, kind, self.value, self.interval, self.seeds, band, reference)
        return replace(self, drawing=drawing)


BLANK = Number()


@dataclass(frozen=True)
class MetricColumn:
    """One metric in one feature space at one noise level."""

    title: str  # 'KD[hc85-v1] (1e-3) ↓'
    help: str  # 'Kernel distance, in the feature space hc85-v1; lower is better'
    numbers: Mapping[str, Number]  # by name of the row
    real_train: Number  # real training images in a model's place
    halves: Number  # one half of the test subjects against the other; its interval is shaded in every line
    task: str = ""  # that reports it

    @property
    def name(self) -> str:
        """'KD[hc85-v1]'."""
        return self.title.partition(" ")[0]


@dataclass(frozen=True)
class RealRow:
    """Real images in a model's place, in the columns of one table."""

    name: str  # 'real train' or 'half against half'
    numbers: tuple[Number, ...]
    is_band: bool = False  # its interval is shaded in every line


@dataclass(frozen=True)
class MetricTable:
    """Some columns of a board."""

    caption: str
    columns: tuple[MetricColumn, ...]
    real_rows: tuple[RealRow, ...] = ()
    drawn_by_script: bool = False  # whether the script draws the intervals, from the text of the cells


@dataclass(frozen=True)
class Cell:
    """What a row says in a column that is no metric."""

    title: str
    help: str
    text: str
    value: float | str | None

    @property
    def key(self) -> str:
        """What the script sorts by; empty where it reads the same from the text."""
        key = f"{self.value:.6g}" if isinstance(self.value, int | float) else self.value or ""
        return "" if key == self.text.replace(",", "") else key


@dataclass(frozen=True)
class Note:
    text: str
    is_grave: bool = False


@dataclass(frozen=True)
class RowView:
    """A trained variant or a control."""

    id: str  # anchor of the block that says how it was made
    name: str  # 'ddpm dpm-solver-16 v2'
    method: str  # 'ddpm': the variant in its version
    sampler: str  # 'dpm-solver-16', or empty
    help: str  # 'variant ddpm, sampler dpm-solver-16, version 2'
    kind: str  # trained or control
    off_scale: bool  # so far from all others that it decides no scale
    rank: str  # '1', '1-3', or empty
    best: int | None  # best place of the rank interval
    unranked: str  # why it has no rank
    memorises: str  # verdict of the memorisation audit where it found copies, else empty
    notes: tuple[Note, ...]
    against: str  # 'ahead', 'behind' ... of the Gaussian control; empty where a number is missing
    against_by: str  # 'by KD[shape156-v1]' where the number that ranks is on the other side, else empty
    cells: tuple[Cell, ...]  # seeds and cost
    summary_cells: tuple[Cell, ...]  # of those what the summary shows
    results: tuple[Result, ...]


@dataclass(frozen=True)
class BoardView:
    """One board: results of one organ that may be compared."""

    id: str  # anchor: 'board-brain-phantom-quick'
    modality: str
    organ: str  # 'Brain'
    data: str
    profile: str
    title: str  # 'Brain, phantom, profile quick'
    about: tuple[str, ...]  # what the board is of
    cautions: tuple[str, ...]  # what takes something back of what the numbers seem to say
    violations: tuple[str, ...]  # controls that scored where they must not: the board is invalid
    notes: tuple[str, ...]  # below the numbers
    test_subjects: int
    rows: tuple[RowView, ...]
    columns: Mapping[Address, MetricColumn]  # all of them
    primary: Address | None  # what ranks
    less_is_better: bool  # in what ranks
    headline: MetricTable
    more: MetricTable  # metrics that the headline leaves out
    levels: tuple[MetricTable, ...]  # paired metrics, a table for each level
    levels_title: str
    headline_addresses: tuple[Address, ...]
    gaussian: str  # name of the row of the Gaussian control, or empty
    fields: tuple[tuple[str, str], ...]  # what is equal in all results
    results: tuple[Result, ...]
    poses_problem: bool = False  # whether its rows are answers to an inverse problem
    many: bool = False  # whether its page has so many rows that the script makes the drawings

    @property
    def trained(self) -> list[RowView]:
        return [row for row in self.rows if row.kind == "trained"]

    def column(self, address: Address | None) -> MetricColumn | None:
        return self.columns.get(address) if address else None


@dataclass(frozen=True)
class Reported:
    """Numbers that a study printed and that are not reproduced here."""

    sources: Sequence[str]
    note: str
    titles: Sequence[str]
    rows: Sequence[tuple[str, Sequence[float]]]  # organ, and its numbers in the order of the titles
    tables: Sequence[ReportedTable]  # those of tasks


@dataclass(frozen=True)
class Metric:
    """An entry of the glossary."""

    name: str  # 'PSNR ↑'
    text: str  # 'Peak signal-to-noise ratio; higher is better.'
    paper: str
