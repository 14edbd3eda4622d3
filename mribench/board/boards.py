"""From results to boards: groups of comparable results, and what their numbers allow to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from mribench.board.against_control import Against, Outcome, against_control, judged, opposite
from mribench.board.control_checks import Landed, control_violations, landed
from mribench.board.doubts import doubts
from mribench.board.eligibility import why_no_ranks
from mribench.board.group import ALPHA_BAR, HEADLINE_LEVEL, Group, differ_in_data_alone, groups
from mribench.board.ranks import Ranking, RankInterval, ranking
from mribench.board.rows import Address
from mribench.results import Result, metric_label
from mribench.spec import Score


class Board(Group):
    """A judged group. Each judgement is made once, when it is first asked for; what shows a board only prints it."""

    @cached_property
    def landed(self) -> list[Landed]:
        """Where each seed of each control landed."""
        return landed(self)

    @cached_property
    def control_violations(self) -> list[str]:
        """One sentence for each control that lands where it must not; with any the board is invalid."""
        return control_violations(self, self.landed)

    @cached_property
    def why_unranked(self) -> str | None:
        """Why nothing is ranked: unknown or few subjects, a profile for tests, no controls, no space to trust, or a
        control where it must not be."""
        return why_no_ranks(self) or ("the board is invalid" if self.control_violations else None)

    @cached_property
    def ranking(self) -> Ranking:
        """The ranks, and the claims that they rest on."""
        return ranking(self, self.why_unranked)

    @property
    def ranks(self) -> Mapping[str, RankInterval]:
        """The rank interval of every row, by its name."""
        return self.ranking.places

    @cached_property
    def doubts(self) -> list[str]:
        """What speaks against single records or claims, a sentence each."""
        return doubts(self, self.ranking, self.landed)

    @cached_property
    def against(self) -> dict[str, Against]:
        """Trained rows against the Gaussian control, and by which number; by the name of the row."""
        return judged(self, self.why_unranked)

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """Of trained rows: ahead of the Gaussian control, behind it, or neither; by the name of the row."""
        return {name: one.outcome for name, one in self.against.items()}

    @cached_property
    def against_control(self) -> list[str]:
        """The outcomes as sentences."""
        return against_control(self, self.against)

    @cached_property
    def opposite(self) -> dict[str, list[Address]]:
        """Paired numbers that say the opposite of an outcome; by the name of the row."""
        return opposite(self, self.outcomes)


def boards(found: Iterable[Result]) -> list[Board]:
    """Results sorted into boards, by modality and data; the order of the results does not matter."""
    made = [Board(g.modality, g.comparability, g.members, g.differs) for g in groups(found)]
    for board in made:
        board.elsewhere = [b for b in made if differ_in_data_alone(board.comparability, b.comparability)]
    return made


def cell_in_one_line(found: Iterable[Result]) -> str:
    """What matters most of each task of a cell: 'kd[hc85-v1] 152, psnr@0.52 24.1, audit: not detected'."""
    said = []
    for result in found:
        name = result.primary or next((s.metric for s in result.scores), None)
        ranking = [s for s in result.scores if s.metric == name]
        if result.audit:
            said.append(f"audit: {result.audit['verdict']}")
        elif ranking:
            nearest = min(ranking, key=lambda s: abs((s.level or HEADLINE_LEVEL) - HEADLINE_LEVEL))
            said.append(_told(result, nearest))
    return ", ".join(said) or "nothing to score"


def in_one_line(result: Result) -> str:
    """The scores of one result that are in a headline, for the progress of a run."""
    shown = (s for s in result.scores if result.metrics[s.metric].get("headline", True))
    return ", ".join(_told(result, s) for s in shown)


def _told(result: Result, score: Score) -> str:
    """'kd[hc85-v1] 152', 'psnr@0.52 24.1', 'psnr@R 4 24.1'."""
    label = metric_label(score.metric, score.space)
    if score.level is not None:
        is_noise = result.level_name == ALPHA_BAR
        label += f"@{score.level:.2f}" if is_noise else f"@{result.level_name} {score.level:g}"
    return f"{label} {'blank' if score.value is None else format(score.value, '.4g')}"
