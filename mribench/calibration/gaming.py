"""What the kernel distance makes of generators that learn nothing: ``mribench audit gaming``.

Copies, deformed copies and matched textures stand in a model's place. Beside them stand trained rows of the same data,
from a kept board or a run folder: a cheat with the lower distance would be ahead of a network in that feature space.
Whether the memorisation audit sees the copies is the business of ``calibrate``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mribench import files, results
from mribench.data import prepare_data
from mribench.escaping import Markdown
from mribench.features import Extractor
from mribench.metrics.distribution import KD
from mribench.results import Result
from mribench.runner.damage import read_outputs
from mribench.sampling.controls import FittedControl
from mribench.seeds import numpy_rng
from mribench.spec import Control, FeatureSpace, Modality, Prepared, Profile, Score
from mribench.tables import markdown_table
from mribench.tasks import to_uint8
from mribench.tasks.generation import GENERATION
from mribench.variants.controls import GAUSSIAN, GAUSSIAN_MATCHED, TRAIN_REPLAY
from mribench.variants.warp import warped

PAGE = "gaming.md"
TITLE = f"""# What each feature space makes of generators that learn nothing

Made by `mribench audit gaming`: {KD.name} v{KD.version} (1e-3) to the test images. Given is the mean over the seeds,
and in brackets the mean bounds of their 95 % intervals over the test subjects, where these are enough. A number is bold
where it is below those of all trained rows, which are the last of a table: there the space prefers the cheat.
*Recorded* scores are those of a kept board, others are of the images in a run folder.
"""
DIGITS = 4

# uint8 (count, H, W) from the prepared data, a count and a seed
Cheat = Callable[[Prepared, int, int], np.ndarray]


def _of(control: Control) -> Cheat:
    def generate(data: Prepared, count: int, seed: int) -> np.ndarray:
        return to_uint8(FittedControl(control, data.train).generate(range(count), seed))

    return generate


def _upside_down(data: Prepared, count: int, seed: int) -> np.ndarray:
    return _of(TRAIN_REPLAY)(data, count, seed)[:, ::-1].copy()


def _warped(pixels: float) -> Cheat:
    def generate(data: Prepared, count: int, seed: int) -> np.ndarray:
        copies = FittedControl(TRAIN_REPLAY, data.train).generate(range(count), seed)
        rngs = [numpy_rng("gaming", "warp", seed, i) for i in range(count)]
        return to_uint8(warped(copies, pixels, rngs))

    return generate


def _of_test(data: Prepared, count: int, seed: int) -> np.ndarray:
    return data.test.images[numpy_rng("gaming", "test", seed).integers(len(data.test), size=count)]


CHEATS: Mapping[str, Cheat] = {
    "copies of training images": _of(TRAIN_REPLAY),
    "the same, upside down": _upside_down,
    "the same, warped by 3 pixels": _warped(3),
    "the same, warped by 4 pixels": _warped(4),
    "copies of test images": _of_test,
    "Gaussian": _of(GAUSSIAN),
    "Gaussian, histogram and spectrum matched": _of(GAUSSIAN_MATCHED),
}


def play(
    modalities: Iterable[Modality],
    spaces: Mapping[str, FeatureSpace],
    data: str,
    profile: Profile,
    seeds: Sequence[int],
    beside: Sequence[Path],
    out: Path,
) -> Path:
    """Score every cheat in every space and write ``<out>/<kind>/<modality>.json``.

    The images are prepared in a temporary folder, which is removed.

    Args:
        modalities: the organs.
        spaces: the feature spaces.
        data: phantom, a registry id, or a file or folder.
        profile: size of the images, and how many a generator gives.
        seeds: of the cheats.
        beside: kept boards or run folders whose trained rows on the same images are shown.
        out: where the records go.

    Returns:
        The table of all records below ``out``.
    """
    with TemporaryDirectory() as folder:
        for modality in modalities:
            prepared = prepare_data(modality, data, profile, Path(folder))
            extract = Extractor(spaces)
            rows = [
                _row(name, [_scores(make(prepared, profile.n_generated, s), prepared, profile, extract) for s in seeds])
                for name, make in CHEATS.items()
            ]  # fmt: skip
            record = {
                "modality": modality.name,
                "title": modality.title,
                "data": prepared.name,
                "data_key": prepared.key,
                "profile": profile.name,
                "n": profile.n_generated,
                "n_reference": len(prepared.test),
                "test_subjects": prepared.test.n_subjects,
                "seeds": list(seeds),
                "cheats": rows,
                "trained": [
                    row for path in beside for row in _trained(path, modality, prepared, profile, extract)
                ],
            }
            files.write_json(out / prepared.kind / f"{modality.name}.json", record)
            files.write_text(out / PAGE, markdown(out))
    return out / PAGE


def _scores(images: np.ndarray, data: Prepared, profile: Profile, extract: Extractor) -> list[Score]:
    metric = replace(KD, features=tuple(extract.spaces))
    return GENERATION.score({"images": images}, data, profile, {KD.name: metric}, extract, 0)


def _trained(
    path: Path, modality: Modality, data: Prepared, profile: Profile, extract: Extractor
) -> list[dict[str, Any]]:
    """Rows of a board's trained variants on the same images; scored anew where the folder holds what they made."""
    rows: dict[str, list[list[Score]]] = {}
    for result in results.read_all([path]):
        about = result.comparability
        if (
            result.task == GENERATION.name
            and not result.is_control
            and (result.modality, about.get("data_key")) == (modality.name, data.key)
        ):
            images = _images_of(result, path)
            if images is not None:
                name, scores = "", _scores(images, data, profile, extract)
            elif f"{KD.name} v{KD.version}" in about.get("metrics", ()):
                name, scores = ", recorded", [s for s in result.scores if s.metric == KD.name]
            else:
                continue
            drawn_by = f" {result.sampler}" if result.sampler else ""
            rows.setdefault(f"{result.variant}{drawn_by}{name}", []).append(scores)
    return [_row(name, found) for name, found in rows.items()]


def _images_of(result: Result, path: Path) -> np.ndarray | None:
    """What a run folder holds of a result; None for a kept board. ``results.read`` lets only names through."""
    name = result.provenance.get("outputs")
    return (read_outputs(path / "outputs" / name) or {}).get("images") if name and path.is_dir() else None


def _row(name: str, seeds: Sequence[Sequence[Score]]) -> dict[str, Any]:
    """Mean value and mean bounds over the seeds, by space; the values of the seeds besides."""
    spaces: dict[str, dict[str, Any]] = {}
    for space in dict.fromkeys(str(score.space) for scores in seeds for score in scores):
        found = [score for scores in seeds for score in scores if score.space == space]
        numbers = {key: [getattr(score, key) for score in found] for key in ("value", "low", "high")}
        spaces[space] = {key: _mean(values) for key, values in numbers.items()}
        spaces[space]["values"] = [None if v is None else round(v, DIGITS) for v in numbers["value"]]
    return {"name": name, "seeds": len(seeds), "n": seeds[0][0].n, "spaces": spaces}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), DIGITS) if known and len(known) == len(values) else None


def markdown(out: Path) -> str:
    """The records below a folder as tables, one an organ."""
    parts = [TITLE]
    for kind in ("phantom", "real"):
        records = [files.read_json(path) for path in sorted((out / kind).glob("*.json"))]
        if records:
            parts.append(f"## {'Phantoms' if kind == 'phantom' else 'Real images'}\n")
            parts += [_table(record) for record in records]
    return "\n".join(parts)


def _table(record: Mapping[str, Any]) -> str:
    rows = [*record["cheats"], *record["trained"]]
    spaces = list(dict.fromkeys(space for row in rows for space in row["spaces"]))
    least = {space: _least(record["trained"], space) for space in spaces}
    title = (
        f"**{record['title']}** ({record['data']}, profile {record['profile']}): {record['n_reference']} test images "
        f"of {record['test_subjects']} subjects.\n\n"
    )
    lines = [
        [row["name"], str(row["n"]), str(row["seeds"])]
        + [
            _cell(row["spaces"].get(space), least[space] if row in record["cheats"] else None) for space in spaces
        ]
        for row in rows
    ]  # fmt: skip
    return title + markdown_table(["generator", "n", "seeds", *spaces], lines)


def _least(trained: Sequence[Mapping[str, Any]], space: str) -> float | None:
    values = [row["spaces"].get(space, {}).get("value") for row in trained]
    return min((value for value in values if value is not None), default=None)


def _cell(score: Mapping[str, Any] | None, trained: float | None) -> str:
    if score is None or score["value"] is None:
        return ""
    value = f"{score['value']:.1f}"
    if trained is not None and score["value"] < trained:
        value = f"**{value}**"
    return Markdown(value if score["low"] is None else f"{value} [{score['low']:.1f}, {score['high']:.1f}]")
