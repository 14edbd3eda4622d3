"""``mribench trust``: feature spaces over several organs, as JSON records and one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mribench import files
from mribench.data import prepare_data
from mribench.escaping import Markdown
from mribench.spec import FeatureSpace, Modality, Profile
from mribench.tables import markdown_table
from mribench.trust.changes import CHOSEN, HALVES, INVISIBLE, REPORTED, UPSIDE_DOWN, VISIBLE
from mribench.trust.examine import examine_prepared

TABLE = "trust.md"


def survey(
    modalities: Iterable[Modality],
    spaces: Sequence[FeatureSpace],
    data: str,
    profile: Profile,
    out: Path,
) -> Path:
    """Examine every space on every modality's images and write ``<out>/<kind>/<modality>.json``.

    What such a file says of other spaces stays where it was said of the same images. The images are prepared in a
    temporary folder, which is removed.

    Args:
        modalities: the organs.
        spaces: the feature spaces.
        data: phantom, a registry id, or a file or folder.
        profile: size and number of the images.
        out: where the records go.

    Returns:
        The table of all records below ``out``.
    """
    with TemporaryDirectory() as folder:
        for modality in modalities:
            prepared = prepare_data(modality, data, profile, Path(folder))
            path = out / prepared.kind / f"{modality.name}.json"
            examined = [examine_prepared(space, prepared, Path(folder)) for space in spaces]
            record = {
                "modality": modality.name,
                "title": modality.title,
                "data": prepared.name,
                "data_key": prepared.key,
                "size": profile.size,
                "spaces": _beside_others(path, prepared.key, examined),
            }
            files.write_json(path, record)
    files.write_text(out / TABLE, markdown(out))
    return out / TABLE


def _beside_others(path: Path, data_key: str, examined: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Spaces that the file holds of the same images, then new ones; one examined again takes its own place."""
    known = files.read_json(path) if path.is_file() else {}
    kept = known["spaces"] if known.get("data_key") == data_key else []
    return list({space["space"]: space for space in [*kept, *examined]}.values())


def markdown(out: Path) -> str:
    """The records below a folder as tables, phantoms and real images apart."""
    parts = [
        "# Which feature spaces may rank\n",
        "Made by `mribench trust`. The subjects of a real set are halved 100 times; KD (1e-3) of one half to the "
        "other is the floor, given as its mean and, in brackets, its 97.5 % quantile. One half is then changed. Each "
        "number is by how much the mean KD rises above the mean floor, in units of the distance from there to the "
        "quantile: above 1 the change is noticed. A space is trusted where it notices none of the three changes that "
        "no eye can see, and all four that any eye can; what speaks against it is bold. With few subjects the floor "
        "is wide and hides what is visible; below 20 nothing is said.\n",
        "The five changes after those are local or of the layout. They are reported and decide nothing: a space that "
        "misses one (bold) is blind to it on these images, and a board on which it ranks says so. *No up*: the images "
        "do not differ from themselves upside down.\n",
    ]
    for kind in ("phantom", "real"):
        records = [files.read_json(path) for path in sorted((out / kind).glob("*.json"))]
        if records:
            parts += [f"## {'Phantoms' if kind == 'phantom' else 'Real images'}\n", _table(records)]
    return "\n".join(parts)


def _table(records: Sequence[dict[str, Any]]) -> str:
    changes = [*INVISIBLE, *VISIBLE, *CHOSEN, *REPORTED, HALVES]
    titles = ["organ", "data", "images", "subjects", "space", "floor", *changes, "trusted"]
    lines = [_line(record, space, changes) for record in records for space in record["spaces"]]
    return markdown_table(titles, lines)


def _line(record: dict[str, Any], found: dict[str, Any], changes: Sequence[str]) -> list[str]:
    about = [record["title"], record["data"]]
    if found["trusted"] is None:
        return [
            *about,
            "",
            "",
            found["space"],
            *[""] * (len(changes) + 1),
            f"not known: {found['reason']}",
        ]
    by_change = {response["change"]: response for response in found["responses"]}
    ratios = [_ratio(by_change[c]) if c in by_change else "" for c in changes]
    if found.get("no_up"):
        ratios[changes.index(UPSIDE_DOWN)] = "no up"
    floor = f"{found['floor']:.1f} [{found['floor_high']:.1f}]"
    counts = [str(found["images"]), str(found["subjects"])]
    return [*about, *counts, found["space"], floor, *ratios, "yes" if found["trusted"] else "no"]


def _ratio(response: dict[str, Any]) -> str:
    return f"{response['ratio']:.1f}" if response["passed"] else Markdown(f"**{response['ratio']:.1f}**")
