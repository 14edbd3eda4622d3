"""The images that a record is of: found in the run folder, or prepared again."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from mribench import data as datasets
from mribench.audit import training_set
from mribench.data.cards import terms
from mribench.data.globs import Globs
from mribench.data.source import noted_sources
from mribench.data.store import dataset
from mribench.errors import InputError
from mribench.results import Result
from mribench.spec import Modality, Prepared, Profile


def find(
    out: Path,
    result: Result,
    modality: Modality,
    profile: Profile,
    data: str | None,
    globs: Globs,
    fields: tuple[str, ...] = (),
    without_which: tuple[str, ...] = (),
) -> Prepared:
    """The prepared data of the recorded content key: found in the run folder, or prepared again.

    Args:
        out: The run folder, or the folder of a kept board.
        result: The record.
        modality: Its organ.
        profile: Its profile.
        data: The source, should the prepared set be gone; None takes the one on record.
        globs: Which files of ``data`` the run read.
        fields: Those to be read.
        without_which: Those of them that found data must have.

    Raises:
        InputError: the source gives other images than those on record, or is needed and not given.
    """
    # one content may have been prepared under several names
    key, recorded = result.provenance["data_key"], result.comparability["data"]
    of_fields = result.comparability.get("fields", {})
    for manifest in sorted((out / "data").glob("*/manifest.json")):
        if dataset.read_manifest(manifest.parent)["key"] == key:
            found = datasets.load(manifest.parent, modality, fields)
            is_whole = bool(result.not_applicable) or {*without_which} <= {*found.fields}
            if is_whole and found.field_keys.items() >= of_fields.items():
                return replace(found, name=recorded)
    name = data or recorded
    # a record may come from anybody: it names no folder of this machine
    is_path = name != "phantom" and (os.sep in name or Path(name).exists())
    is_own = name.startswith(("local:", "local-")) or any(map(terms.is_own, terms.of_result(result)))
    if data is None and (is_own or is_path):
        read_from = noted_sources(out / "data").get(name)
        raise InputError(
            f"the prepared images of {name} are not in {out}/data; give their source with --data"
            + (f", which was {read_from}" if read_from else "")
        )
    skip_broken = bool(result.provenance["spec"].get("skip_broken"))
    prepared = _prepared(modality, name, profile, globs, skip_broken, fields)
    if prepared.key != key:
        raise InputError(
            f"{name} gives images with key {prepared.key[:12]}, the record is of {key[:12]}; give the data on record"
            + (", with the --include and --exclude that the run had" if data else "")
        )
    for field, field_key in of_fields.items():
        if prepared.field_keys.get(field) != field_key:
            raise InputError(
                f"{name} gives another field {field} than the one on record; give the data on record"
            )
    return replace(prepared, name=recorded)


def audited(out: Path, result: Result, data: Prepared, modality: Modality) -> Prepared | None:
    """What the audit of a model that was trained elsewhere compared with; None for all others."""
    if result.provenance.get("source") is None:
        return None
    wanted = result.provenance.get("trained_on")
    if wanted is None:
        return training_set.unknown(data)
    kept = (manifest.parent for manifest in sorted((out / "data").glob("*/manifest.json")))
    found = (training_set.named(data, datasets.load(folder, modality)) for folder in kept)
    for one in (data, *found):
        if one.key == wanted:
            return one
    raise InputError(
        f"the training images that {result.name} was audited with are not in {out}/data; score it again with "
        "--trained-on"
    )


@lru_cache(maxsize=1)
def _prepared(
    modality: Modality, name: str, profile: Profile, globs: Globs, skip_broken: bool, fields: tuple[str, ...]
) -> Prepared:
    """Prepared where it leaves nothing behind: a published board holds no images."""
    with tempfile.TemporaryDirectory() as folder:
        return datasets.prepare_data(
            modality, name, profile, Path(folder), globs=globs, skip_broken=skip_broken, fields=fields
        )
