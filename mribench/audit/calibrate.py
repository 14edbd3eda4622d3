"""How often the audit is right: cheats and honest generators with a known answer, over many splits of many organs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench.audit import cheats, losses
from mribench.audit.examine import SPACE, HeldOut, examine, held_out
from mribench.audit.membership import of_losses
from mribench.audit.verdict import FEWEST_SUBJECTS, verdict
from mribench.data import prepare_data
from mribench.features import Extractor
from mribench.seeds import numpy_rng
from mribench.spec import Modality, Prepared, Profile, Split, Variant

# a board that may just be ranked: 40 training subjects beside the fewest test subjects with a verdict
FEW = {"train": 40, "test": FEWEST_SUBJECTS}
FEW_GENERATORS = ("replay", f"{cheats.MIXED_IN:.0%} replay mixed in", "real, other subjects", "gaussian")
UNDERTRAINED = 40  # steps
SLICES = 3  # of a phantom subject, so that a run takes seconds


def runs(
    modality: Modality, data: str, profile: Profile, seed: int, extract: Extractor, network: Variant | None
) -> Iterator[dict[str, Any]]:
    """One record per generator and scene for one seed: what it was, what the audit said, and the numbers behind it.

    seed: of the phantom, of the split by subject and of the generators. The validation split, which no threshold has
    seen, gives the real images of other subjects; an honest generator gives as many images as it has. network: a
    variant that is trained for 40 steps, as another honest generator, with the losses of ``losses.produce``.
    """
    with tempfile.TemporaryDirectory() as folder:
        profile = replace(profile, phantom_slices=SLICES)
        prepared = prepare_data(modality, data, profile, Path(folder), seed)
        known = {**cheats.CHEATS, **cheats.HONEST}
        scene = "all subjects", prepared, extract, held_out(prepared, extract)
        yield from _each(known, *scene, seed)
        if network:
            images, outputs = _undertrained(network, prepared, profile, seed, Path(folder))
            yield _record(f"{network.name}, {UNDERTRAINED} steps", images, *scene, seed, outputs)
        few = replace(
            prepared, train=_few(prepared.train, FEW["train"]), test=_few(prepared.test, FEW["test"])
        )
        chosen = {name: known[name] for name in FEW_GENERATORS}
        yield from _each(chosen, "few subjects", few, extract, held_out(few, extract), seed)


def _each(
    generators: Mapping[str, cheats.Generator],
    scene: str,
    data: Prepared,
    extract: Extractor,
    real: HeldOut,
    seed: int,
) -> Iterator[dict[str, Any]]:
    fresh = data.validation.images
    for name, generate in generators.items():
        images = generate(data.train.images, fresh, len(fresh), numpy_rng("calibrate", name, seed))
        yield _record(name, images, scene, data, extract, real, seed)


def _record(
    name: str,
    images: np.ndarray,
    scene: str,
    data: Prepared,
    extract: Extractor,
    real: HeldOut,
    seed: int,
    outputs: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Any]:
    found = examine(images, data, extract, real)
    said = verdict(found, of_losses(outputs or {}, data), data)
    nearer = found["nearer"]
    return {
        "scene": scene,
        "generator": name,
        "kind": "cheat" if name in cheats.CHEATS else "honest",
        "seed": seed,
        "data": data.name,
        "data_kind": data.kind,
        "subjects": [data.train.n_subjects, data.test.n_subjects],
        "by_distance_alone": nearer["low"] > nearer["false_alarm_high"],
        **{
            word: said[word]
            for word in ("verdict", "copy_rate", "low", "high", "n", "false_alarm_high", "detectable")
        },
        "gap_p": found["gap"].get("p"),
        "auroc": said["findings"]["membership"]["auroc"],
        "reasons": said["reasons"],
    }


def _few(split: Split, most: int) -> Split:
    """The first subjects of a split: which they are was decided by the seed of the split."""
    names = list(dict.fromkeys(split.subjects))[:most]
    rows = [row for row, subject in enumerate(split.subjects) if subject in set(names)]
    return Split(split.images[rows], tuple(split.subjects[row] for row in rows))


def _undertrained(
    variant: Variant, data: Prepared, profile: Profile, seed: int, folder: Path
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    from mribench.device import precision
    from mribench.sample import Trained
    from mribench.samplers import resolve
    from mribench.tasks import to_uint8
    from mribench.train import train

    short = replace(profile, max_steps=UNDERTRAINED, eval_every=UNDERTRAINED, precision=precision(profile))
    weights = folder / "weights"
    weights.mkdir()
    train(variant, data.train, data.validation, short, seed, weights, "train")
    model = Trained(weights / short.keep, variant, *resolve("ddim-5"), short, short.precision)
    images = to_uint8(model.generate(range(len(data.validation)), seed))
    return images, losses.produce(model, data, short, seed)


def extractor(load: Callable[[str, str], Any]) -> Extractor:
    return Extractor({SPACE: load("features", SPACE)})
