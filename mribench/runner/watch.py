"""What a suite shows while it runs: how much of it is left, and the boards as soon as an organ is finished."""

from __future__ import annotations

from collections import Counter

from mribench import results
from mribench.board import publish
from mribench.board.boards import boards
from mribench.progress import CellProgress, say_done
from mribench.runner.plan import Plan

# a training takes about as long as so many controls (quick on two cores: 120 s and 6 to 10 s)
CONTROLS_OF_A_TRAINING = 15


class Watch:
    """Told of every cell of a suite, or of all cells of a joint training, once.

    ``submitted`` and ``organ_submitted`` may be called from another thread than ``done``.
    """

    def __init__(self, plan: Plan, trainings: int, untrained: int):
        self._plan = plan
        self._cells, self._cells_done = trainings + untrained, 0
        self._total, self._share = trainings * CONTROLS_OF_A_TRAINING + untrained, 0
        self._left: Counter[str] = Counter()  # cells of each organ that were submitted and are not done
        self._whole: set[str] = set()  # organs of which every cell was submitted

    def finished_before(self, trains: bool) -> None:
        """A cell that an earlier run has finished."""
        self._cells -= 1
        self._total -= CONTROLS_OF_A_TRAINING if trains else 1

    def submitted(self, organ: str) -> None:
        self._left[organ] += 1

    def organ_submitted(self, organ: str) -> None:
        """Every cell of the organ was submitted, or was finished before."""
        self._whole.add(organ)

    def done(self, organ: str, trains: bool) -> None:
        """A cell is done. Writes the boards where it was the last of its organ and other organs are left."""
        self._left[organ] -= 1
        self._cells_done += 1
        self._share += CONTROLS_OF_A_TRAINING if trains else 1
        finished = self._whole - set(+self._left)
        if organ in finished and len(finished) < len(self._plan.modalities):
            write_boards(self._plan, organ)

    def show(self, display: CellProgress) -> None:
        """The whole suite as one step; its time left is at the rate so far."""
        if self._cells > 1 and self._share:
            note = f"{self._cells_done} of {self._cells} cells"
            display.show("", "suite", self._share, max(self._total, 1), note)


def write_boards(plan: Plan, organ: str) -> None:
    """The boards of what is there when an organ is finished, long before the last one is."""
    if found := results.read_all([plan.out], lambda sentence: None):
        publish.write(boards(found), plan.out)
        say_done(f"{organ} is finished: {plan.out / 'leaderboard.html'}")
