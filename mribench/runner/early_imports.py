"""Imports of seconds, made in a thread while something else is waited for."""

from __future__ import annotations

import contextlib
import threading

from mribench.runner import worker


class EarlyImports:
    """Imports what training needs in a thread, while data are prepared."""

    def __init__(self, needed: bool) -> None:
        self._thread = threading.Thread(target=self._import)
        self._needed = needed

    def begin(self) -> None:
        if self._needed and self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()

    @staticmethod
    def _import() -> None:
        # an error is raised again by the import where it is needed
        with contextlib.suppress(Exception):
            worker.warm_up()
