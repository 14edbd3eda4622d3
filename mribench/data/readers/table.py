"""Which installed reader takes which file: mribench's own and those of plugins, by suffix."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from mribench.errors import DataError, InputError
from mribench.plugins import lookup
from mribench.spec import Reader

GROUP = "readers"
OWN = "mribench"
OWN_FORMATS = "NPZ, PNG, JPEG, TIFF, NIfTI (.nii, .nii.gz), MetaImage (.mha), HDF5 (.h5, .mat) or DICOM"
# reads a single file with an unknown suffix: Pillow recognises many formats by content
BY_CONTENT = "image"
# images that a folder may well hold and mribench does not read: silence would lose subjects
UNREAD = (".nrrd", ".npy", ".pkl", ".gif", ".webp", ".czi", ".lif")

log = logging.getLogger(__name__)


class ReaderTable:
    """The readers that the files of one data set are looked up in."""

    def __init__(self, readers: Iterable[tuple[Reader, str]], chosen: Reader | None = None) -> None:
        """
        Args:
            readers: Each with the distribution that brings it.
            chosen: The one that a dataset card names; files of other formats are no images then.
        """
        pairs = [(reader, owner) for reader, owner in readers if chosen in (None, reader)]
        self._chosen = chosen
        self._owners = {reader.name: owner for reader, owner in pairs}
        self._readers = [reader for reader, _ in pairs]
        self._by_suffix: dict[str, list[Reader]] = {}
        for reader in self._readers:
            for suffix in reader.suffixes:
                self._by_suffix.setdefault(suffix, []).append(reader)

    @property
    def formats(self) -> str:
        """The formats that are read, for messages."""
        if self._chosen:
            return f"{self._chosen.title} ({', '.join(self._chosen.suffixes)})"
        return " or ".join([OWN_FORMATS, *sorted(r.title for r in self._readers if self.is_foreign(r))])

    def is_foreign(self, reader: Reader) -> bool:
        """Whether a plugin brings it."""
        return self._owners[reader.name] != OWN

    def reader_of(self, file: Path, label: str) -> Reader | None:
        """The reader that takes a file, None for a file that is no image.

        Args:
            file: What is looked at: its name, and its first bytes where the name says nothing.
            label: The file as messages call it.

        Raises:
            DataError: For a broken link, a format that is known and not read, and one that two plugins claim.
        """
        name = file.name.lower()
        found = next((self._by_suffix[end] for end in _endings(name) if end in self._by_suffix), [])
        if not found and self._chosen is None and name.endswith(UNREAD):
            raise DataError(f"{label} has a format that is not read; convert it to {self.formats}.")
        if found and not file.exists():
            raise DataError(
                f"{label} is a broken link; fetch what it points to (`git annex get`) or remove it."
            )
        if found:
            return self._one(found, label)
        # scanners name files IM0001 or after a UID, 1.2.840.113619
        if file.exists() and (not file.suffix or file.suffix[1:].isdigit()):
            return next((r for r in self._readers if r.recognises and r.recognises(file)), None)
        return None

    def reader_of_any(self, file: Path, label: str) -> Reader:
        """The same for a file that somebody named, which is an image whatever it is called."""
        by_content = next((reader for reader in self._readers if reader.name == BY_CONTENT), None)
        reader = self.reader_of(file, label) or self._chosen or by_content
        if reader is None:
            raise DataError(f"{label} has a format that is not read; convert it to {self.formats}.")
        return reader

    def foreign(self, readers: Iterable[Reader]) -> list[str]:
        """Name and version of those that plugins bring: they decide the pixels beside mribench's own version."""
        return sorted(
            {f"{r.name} {r.version} of {self._owners[r.name]}" for r in readers if self.is_foreign(r)}
        )

    def _one(self, readers: Sequence[Reader], label: str) -> Reader:
        """mribench's own reader is never displaced by a plugin's, unless a card names that."""
        best = [reader for reader in readers if not self.is_foreign(reader)] or readers
        if len(best) > 1:
            claims = " and ".join(sorted(f"{reader.name} ({self._owners[reader.name]})" for reader in best))
            raise DataError(
                f"{label} is claimed by the readers {claims}; uninstall one, or name one in a dataset card."
            )
        return best[0]


def table(name: str | None = None) -> ReaderTable:
    """The installed readers, or the one that a card names. One that is broken is left out with a warning.

    Raises InputError where the named one is not installed or broken.
    """
    return _table(name, tuple(lookup.entries(GROUP)))


def names() -> list[str]:
    """The names of the installed readers."""
    return lookup.names(GROUP)


@lru_cache(maxsize=8)
def _table(name: str | None, entries: tuple[lookup.PluginEntry, ...]) -> ReaderTable:
    chosen = lookup.load(GROUP, name) if name else None
    found = []
    for entry in entries:
        try:
            found.append((lookup.load(GROUP, entry.name), entry.distribution))
        except InputError as error:
            log.warning("%s. Files of its format are passed over.", str(error).rstrip("."))
    return ReaderTable(found, chosen)


def _endings(name: str) -> list[str]:
    """'.nii.gz', '.gz' of 'sub-1.nii.gz': the longest first."""
    return [name[at:] for at, letter in enumerate(name) if letter == "."]
