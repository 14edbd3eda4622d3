"""The command line in processes that can be killed: forked from one that has imported torch, which takes seconds."""

import multiprocessing
import os
import sys
from pathlib import Path

forking = multiprocessing.get_context("forkserver")
forking.set_forkserver_preload(
    ["datasets", "mribench.cli.app", "mribench.runner.run", "mribench.training.train"]
)


class Command:
    """``mribench`` with these words; what it says is in the file ``said``."""

    def __init__(self, said: Path, *words: object) -> None:
        self._said = said
        self._process = forking.Process(target=_main, args=(str(said), [*map(str, words)]))
        self._process.start()
        self.pid = self._process.pid

    def is_running(self) -> bool:
        return self._process.is_alive()

    def wait(self, seconds: float = 240) -> tuple[int, str]:
        """Exit code (of a signal, its negative number) and what was said on standard error."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, "it does not end"
        return self._process.exitcode, self._said.read_text()


def _main(said: str, words: list[str]) -> None:
    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from mribench.cli import app

    sys.argv = ["mribench", *words]
    app.main()
