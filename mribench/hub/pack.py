"""The folders of ``push`` as one file with checksums, for sites that may not upload."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mribench import files, hashing
from mribench._version import __version__
from mribench.data.download import archive
from mribench.errors import InputError
from mribench.hub import layout, staging
from mribench.hub.staging import PushRequest
from mribench.results import schema

CONTENTS = "pack.json"
SCHEMA = 1


def pack(request: PushRequest, out: Path) -> tuple[Path, str]:
    """Write the trained cells of a run to one tar file, under the rules of ``push``.

    The same run gives the same bytes. Returns the file and its sha256. Raises InputError where a cell must not leave;
    then there is no file.
    """
    with tempfile.TemporaryDirectory(prefix="mribench-pack-") as temporary:
        place = Path(temporary)
        staging.stage_cells(request, place)
        names = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
        contents = {
            "schema": SCHEMA,
            "mribench": __version__,
            "files": {name: hashing.file_sha256(place / name) for name in names},
        }
        with files.new_file(out) as temporary_file, open(temporary_file, "wb") as file:
            _write(file, contents, place, names)
    return out, hashing.file_sha256(out)


def unpack(file: Path, out: Path) -> Path:
    """Make the run folder of a packed file at ``out``, whole or not at all.

    Raises InputError (DataError) for another file, for a member that is missing, added or changed, and for an archive
    that reaches outside its folder, holds links, or unpacks to far more than its size.
    """
    if not file.is_file():
        raise InputError(f"no file {file}; expected what `mribench pack` wrote")
    if not tarfile.is_tarfile(file):
        raise InputError(f"{file.name} is no file of `mribench pack`; ask for it again, it may be cut short")
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty; choose another --out")
    with files.new_folder(out) as folder:
        shared = folder / f"{files.TEMPORARY}shared"
        shared.mkdir()
        archive.unpack(file, shared)
        for cell in _checked(shared, file.name):
            layout.restore(cell, folder, f"{file.name}: {cell.name}")
        shutil.rmtree(shared)
    return out


def _write(file: io.BufferedWriter, contents: dict, place: Path, names: list[str]) -> None:
    """The list of contents first; no times, owners or modes of this machine."""
    # uncompressed: weights hardly shrink, and gzip writes a time into its header
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        text = json.dumps(contents, indent=1, sort_keys=True).encode()
        entry = tarfile.TarInfo(CONTENTS)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = (place / name).stat().st_size
            with open(place / name, "rb") as content:
                tar.addfile(entry, content)


def _checked(shared: Path, source: str) -> Iterator[Path]:
    """The cells of an unpacked file, after every checksum has been compared."""
    try:
        contents = schema.decode((shared / CONTENTS).read_bytes())
        schema.check(contents, schema.Contents)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{source} has no readable {CONTENTS} ({error}); expected what `mribench pack` wrote"
        ) from error
    if contents["schema"] != SCHEMA:
        raise InputError(
            f"{source} has layout {contents['schema']!r}, expected {SCHEMA}; use the mribench that made it"
        )
    expected = contents["files"]
    members = {
        p.relative_to(shared).as_posix(): p for p in shared.rglob("*") if p.is_file() and p.name != CONTENTS
    }
    if wrong := sorted(set(members) ^ set(expected)):
        raise InputError(f"{source}: {wrong[0]!r} is missing or was added; ask for the file again")
    for name, digest in sorted(expected.items()):
        if hashing.file_sha256(members[name]) != digest:
            raise InputError(
                f"{source}: {name!r} was changed or damaged (another sha256); ask for the file again"
            )
    return (manifest.parent for manifest in sorted(shared.glob(f"*/{layout.MANIFEST}")))
