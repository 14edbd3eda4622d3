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
from mribench.audit.membership import membership_inference
from mribench.audit.verdict import COPIES_LEVEL, VERSION, verdict
from mribench.calibration import cheats
from mribench.data import prepare_data
from mribench.data.source import is_own_files
from mribench.features import Extractor
from mribench.metrics.significance import FEW_SUBJECTS
from mribench.seeds import numpy_rng
from mribench.spec import Modality, Prepared, Profile, Split, Variant

# the scene "few subjects": a board that may just be ranked, with the fewest test subjects that allow a verdict
FEW_TRAIN_SUBJECTS = 40
FEW_GENERATORS = (
    "replay",
    "10% replay mixed in",
    "replay of test",
    "real, other subjects",
    "real, other subjects, blurred by 2 px",
    "collapsed to 16 real images",
    "gaussian",
)
UNDERTRAINED_STEPS = 40
SLICES_PER_SUBJECT = 3  # of a phantom: drawing takes longer than the audit
SPLITS_PER_PHANTOM = 4
HELD_OUT_SHARE = 0.15  # of the subjects, in validation, in test, and outside all splits
DIGITS = 4
OWN_IMAGES = "own-images"  # what the tables call a file or folder


def runs(
    modality: Modality,
    data: str,
    profile: Profile,
    seeds: Iterable[int],
    extract: Extractor,
    network: Variant | None = None,
    networks: int = 0,
    with_cheats: int | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """For each seed one record per generator and scene: the generator, the verdict and the numbers behind it.

    A phantom is drawn anew for every four seeds and split by subject anew for each; real images are split anew.
    Generators that need real images of other subjects take those outside all splits, which no threshold has seen.

    Args:
        modality: the organ.
        data: phantom, a registry id, or a file or folder.
        profile: size and numbers of images and subjects.
        seeds: one after the other.
        extract: features by space.
        network: a variant to train for 40 steps, as another honest generator.
        networks: for how many of the first seeds ``network`` is trained.
        with_cheats: for how many of the first seeds the cheats are run; None is all. Honest generators are run for all.

    Yields:
        The JSON-serialisable records of one seed.
    """
    phantoms: dict[int, Prepared] = {}
    for seed in seeds:
        phantom_seed = seed // SPLITS_PER_PHANTOM if data == "phantom" else 0
        if phantom_seed not in phantoms:
            short = replace(profile, phantom_slices=SLICES_PER_SUBJECT)
            phantoms = {phantom_seed: _prepare(modality, data, short, phantom_seed)}
        prepared, fresh = _split(phantoms[phantom_seed], seed)
        generators = dict(cheats.HONEST)
        if with_cheats is None or seed < with_cheats:
            generators |= {**cheats.CHEATS, **cheats.TEST_CHEATS}
        scene = "all subjects", prepared, extract, held_out(prepared)
        records = list(_records(generators, fresh, *scene, seed))
        if network and seed < networks:
            images, outputs = _undertrained(network, prepared, profile, seed)
            title = f"{network.name}, {UNDERTRAINED_STEPS} steps"
            records.append(_record(title, images, *scene, seed, outputs))
        few = replace(
            prepared,
            train=_first_subjects(prepared.train, FEW_TRAIN_SUBJECTS),
            validation=_first_subjects(prepared.validation, FEW_SUBJECTS),
            test=_first_subjects(prepared.test, FEW_SUBJECTS),
        )
        chosen = {name: generators[name] for name in FEW_GENERATORS if name in generators}
        records += _records(chosen, fresh, "few subjects", few, extract, held_out(few), seed)
        yield [{"modality": modality.name, **record} for record in records]


def _prepare(modality: Modality, data: str, profile: Profile, seed: int) -> Prepared:
    with tempfile.TemporaryDirectory() as folder:
        # one name over all organs and seeds: each split has a content of its own
        name = OWN_IMAGES if is_own_files(data) else None
        return prepare_data(modality, data, profile, Path(folder), seed, name=name)


def _split(prepared: Prepared, seed: int) -> tuple[Prepared, Split]:
    """The same images with other subjects in train, validation and test, 55, 15 and 15 %, and 15 % in none of them."""
    old = prepared.train, prepared.validation, prepared.test
    images = np.concatenate([split.images for split in old])
    subjects = np.array([subject for split in old for subject in split.subjects])
    names = numpy_rng("calibrate", "split", seed).permutation(np.unique(subjects))
    n = round(HELD_OUT_SHARE * len(names))
    chosen = names[3 * n :], names[:n], names[n : 2 * n], names[2 * n : 3 * n]
    rows = [np.flatnonzero(np.isin(subjects, group)) for group in chosen]
    train, validation, test, fresh = (Split(images[group], tuple(subjects[group].tolist())) for group in rows)
    return replace(prepared, train=train, validation=validation, test=test), fresh


def _records(
    generators: Mapping[str, cheats.Generator],
    fresh: Split,
    scene: str,
    data: Prepared,
    extract: Extractor,
    real: HeldOut,
    seed: int,
) -> Iterator[dict[str, Any]]:
    for name, generate in generators.items():
        images = generate(data, fresh, len(fresh), numpy_rng("calibrate", name, seed))
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
    findings = examine(images, data, extract, real)
    judged = verdict(findings, membership_inference(outputs or {}, data), data)
    numbers = {key: judged[key] for key in ("copy_rate", "p", "test_p", "false_alarm_high", "least_share")}
    numbers |= {f"{sign}_p": judged["findings"][sign].get("p") for sign in ("features", "gap", "membership")}
    numbers["auroc"] = judged["findings"]["membership"]["auroc"]
    return {
        "audit": VERSION,
        "scene": scene,
        "generator": name,
        "kind": _kind(name),
        "seed": seed,
        "data": data.name,
        "data_kind": data.kind,
        "subjects": [data.train.n_subjects, data.test.n_subjects],
        "n": judged["n"],
        "distinct": judged["distinct"],
        "verdict": judged["verdict"],
        "by_distance_alone": findings["nearer"]["p"] <= COPIES_LEVEL,
        **{key: None if number is None else round(number, DIGITS) for key, number in numbers.items()},
    }


def _kind(name: str) -> str:
    """What the audit should find: copies of train, copies of the test subjects, or nothing."""
    if name in cheats.TEST_CHEATS:
        return "test"
    return "train" if name in cheats.CHEATS else "honest"


def _first_subjects(split: Split, n: int) -> Split:
    """The first n subjects of a split; the seed of the split has shuffled them."""
    names = set(list(dict.fromkeys(split.subjects))[:n])
    rows = [row for row, subject in enumerate(split.subjects) if subject in names]
    return Split(split.images[rows], tuple(split.subjects[row] for row in rows))


def _undertrained(
    variant: Variant, data: Prepared, profile: Profile, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """uint8 images of a variant trained for 40 steps, and its losses."""
    from mribench.device import precision
    from mribench.sampling.sample import TrainedModel
    from mribench.sampling.samplers import resolve
    from mribench.tasks import to_uint8
    from mribench.training.arguments import TrainingArguments
    from mribench.training.train import train

    short = replace(
        profile, max_steps=UNDERTRAINED_STEPS, eval_every=UNDERTRAINED_STEPS, precision=precision(profile)
    )
    with tempfile.TemporaryDirectory() as folder:
        train(variant, TrainingArguments(data.train, data.validation, short, seed, Path(folder), "train"))
        model = TrainedModel(Path(folder) / short.keep, variant, resolve("ddim-5"), short, short.precision)
        images = to_uint8(model.generate(range(len(data.validation)), seed))
        return images, losses.produce(model, data, short, seed)


def extractor(load: Callable[[str, str], Any]) -> Extractor:
    return Extractor({SPACE: load("features", SPACE)})
