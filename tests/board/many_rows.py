"""Records of many rows on the boards of six organs; nothing was trained."""

from mribench.results import Result
from mribench.speed import made_records
from mribench.speed.made_records import CONTROLS, LEVELS, PAIRED, SPACES

__all__ = ["CONTROLS", "LEVELS", "PAIRED", "SPACES", "records"]
ORGANS = ("brain", "chromatin", "heart", "kidney", "lung", "spine")


def records(rows: int, organs: int = 1, seeds: int = 3) -> list[Result]:
    """Every result of ``rows`` trained variants and the controls, on boards of the first ``organs``."""
    return made_records.records(rows, ORGANS[:organs], seeds)
