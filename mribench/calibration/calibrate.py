"""How often the audit is right: cheats and honest generators with a known answer, over many splits of many organs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench.audit import losses
from mribench.audit.examine import SPACE, HeldOut, examine, held_out
from mribench.audit.membership import of_losses
from mribench.audit.verdict import CERTAIN, FEWEST_SUBJECTS, VERSION, verdict
from mribench.calibration import cheats
from mribench.data import prepare_data
from mribench.features import Extractor
from mribench.seeds import numpy_rng
from mribench.spec import Modality, Prepared, Profile, Split, Variant

# a board that may just be ranked: 40 training subjects beside the fewest test subjects with a verdict
FEW = {"train": 40, "test": FEWEST_SUBJECTS}
FEW_GENERATORS = ("replay", f"{cheats.MIXED_IN:.0%} replay mixed in", "real, other subjects", "gaussian")
UNDERTRAINED = 40  # steps
SLICES, SPLITS = 3, 4  # of a phantom subject and of a phantom: drawing takes longer than the audit
HELD_OUT = 0.15
DIGITS = 4


def runs(
    modality: Modality,
    data: str,
    profile: Profile,
    seeds: Iterable[int],
    extract: Extractor,
    network: Variant | None = None,
    networks: int = 0,
) -> Iterator[list[dict[str, Any]]]:
    """For each seed one record per generator and scene: what it was, what the audit said, the numbers behind it.

    A phantom is drawn anew for every four seeds and split by subject anew for each; real images are split anew. The
    subjects of neither train nor test, which no threshold has seen, stand in the generated images' place. network: a
    variant that is trained for 40 steps where the seed is below ``networks``, as another honest generator.
    """
    drawn: dict[int, Prepared] = {}
    for seed in seeds:
        draw = seed // SPLITS if data == "phantom" else 0
        if draw not in drawn:
            drawn = {draw: _drawn(modality, data, replace(profile, phantom_slices=SLICES), draw)}
        prepared = _split(drawn[draw], seed)
        known = {**cheats.CHEATS, **cheats.HONEST}
        scene = "all subjects", prepared, extract, held_out(prepared)
        found = list(_each(known, *scene, seed))
        if network and seed < networks:
            images, outputs = _undertrained(network, prepared, profile, seed)
            found.append(_record(f"{network.name}, {UNDERTRAINED} steps", images, *scene, seed, outputs))
        few = replace(
            prepared, train=_few(prepared.train, FEW["train"]), test=_few(prepared.test, FEW["test"])
        )
        chosen = {name: known[name] for name in FEW_GENERATORS}
        found += _each(chosen, "few subjects", few, extract, held_out(few), seed)
        yield [{"modality": modality.name, **record} for record in found]


def _drawn(modality: Modality, data: str, profile: Profile, seed: int) -> Prepared:
    with tempfile.TemporaryDirectory() as folder:
        return prepare_data(modality, data, profile, Path(folder), seed)


def _split(drawn: Prepared, seed: int) -> Prepared:
    """The same images with other subjects in train, validation and test: 70, 15 and 15 %."""
    parts = drawn.train, drawn.validation, drawn.test
    images = np.concatenate([part.images for part in parts])
    subjects = np.array([subject for part in parts for subject in part.subjects])
    names = numpy_rng("calibrate", "split", seed).permutation(np.unique(subjects))
    aside = round(HELD_OUT * len(names))
    chosen = names[2 * aside :], names[:aside], names[aside : 2 * aside]
    rows = [np.flatnonzero(np.isin(subjects, some)) for some in chosen]
    train, validation, test = (Split(images[some], tuple(subjects[some].tolist())) for some in rows)
    return replace(drawn, train=train, validation=validation, test=test)


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
    numbers = {word: said[word] for word in ("copy_rate", "p", "false_alarm_high", "detectable")}
    numbers |= {f"{sign}_p": said["findings"][sign].get("p") for sign in ("features", "gap", "membership")}
    numbers["auroc"] = said["findings"]["membership"]["auroc"]
    return {
        "audit": VERSION,
        "scene": scene,
        "generator": name,
        "kind": "cheat" if name in cheats.CHEATS else "honest",
        "seed": seed,
        "data": data.name,
        "data_kind": data.kind,
        "subjects": [data.train.n_subjects, data.test.n_subjects],
        "n": said["n"],
        "verdict": said["verdict"],
        "by_distance_alone": found["nearer"]["p"] <= CERTAIN,
        **{word: None if number is None else round(number, DIGITS) for word, number in numbers.items()},
    }


def _few(split: Split, most: int) -> Split:
    """The first subjects of a split: which they are was decided by the seed of the split."""
    names = list(dict.fromkeys(split.subjects))[:most]
    rows = [row for row, subject in enumerate(split.subjects) if subject in set(names)]
    return Split(split.images[rows], tuple(split.subjects[row] for row in rows))


def _undertrained(
    variant: Variant, data: Prepared, profile: Profile, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """uint8 images and the network's losses."""
    from mribench.device import precision
    from mribench.sampling.sample import TrainedModel
    from mribench.sampling.samplers import resolve
    from mribench.tasks import to_uint8
    from mribench.training.train import train

    short = replace(profile, max_steps=UNDERTRAINED, eval_every=UNDERTRAINED, precision=precision(profile))
    with tempfile.TemporaryDirectory() as folder:
        train(variant, data.train, data.validation, short, seed, Path(folder), "train")
        model = TrainedModel(Path(folder) / short.keep, variant, resolve("ddim-5"), short, short.precision)
        images = to_uint8(model.generate(range(len(data.validation)), seed))
        return images, losses.produce(model, data, short, seed)


def extractor(load: Callable[[str, str], Any]) -> Extractor:
    return Extractor({SPACE: load("features", SPACE)})
