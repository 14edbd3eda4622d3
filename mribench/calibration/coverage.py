"""How often a 95 % interval holds the truth: simulated boards with a known answer, ``mribench coverage``.

Each world is a board of two methods on the same test subjects: one of three trainings, and one of a single training,
which borrows the variance between trainings from the other. The kernel distance has five more boards of three trainings
beside it, whose trainings differ by more or by less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files
from mribench.audit.copies import binomial_interval
from mribench.board.borrowed import pooled, with_borrowed_variance
from mribench.board.differences import difference
from mribench.board.rows import Address, Estimate, Row, row
from mribench.calibration.worlds import GENERATED, IMAGES, LEVEL, RELATIVE_SPREAD, KernelWorld, PairedWorld
from mribench.features.hc85 import HC85
from mribench.metrics import significance
from mribench.metrics.distribution import KD
from mribench.metrics.uncertainty import VERSION
from mribench.results import Result
from mribench.seeds import numpy_rng
from mribench.spec import Score
from mribench.tables import markdown_table

SUBJECTS = (5, 10, 20, 30, 100)
RATIOS = (0.0, 1.0)  # standard deviation of a training over the standard error over test subjects
DISTANCES = (0.0, 30.0)  # KD x 1e3 of the simulated models
TRAININGS = 3
OTHER_BOARDS = 5
UNEQUAL = 0.5  # standard deviation, over boards, of the logarithm of what trainings differ by
ASKED = (0.93, 0.97)
VALUE: Address = ("value", None, LEVEL)
DISTANCE: Address = (KD.name, HC85.name, None)
TITLES = {
    "3": "3",
    "1": "1",
    "1 of six": "1, of six boards",
    "1 alone": "1, no other row",
}  # trainings of a row
METRICS: dict[str, dict[str, Any]] = {
    "value": {"direction": "up", "kind": "paired", "range": [None, None]},
    KD.name: {"direction": KD.direction, "kind": KD.kind, "range": [None, None]},
}


def paired(worlds: Sequence[PairedWorld], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """One record for each world, number of subjects and ratio."""
    for world in worlds:
        for n in SUBJECTS:
            for ratio in RATIOS:
                rng = numpy_rng("coverage", world.name, n, ratio, seed)
                luck = ratio * world.deviation / np.sqrt(n)
                tally = _Tally(world.truth, VALUE)
                for _ in range(count):
                    scores = world.scores(rng, n, (luck * rng.standard_normal(TRAININGS + 1)).tolist())
                    tally.add(_board(scores))
                yield {"kind": "paired", "world": world.name, "n": n, "ratio": ratio, **tally.record()}


def kernel(worlds: Sequence[KernelWorld], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """One record for each world and number of subjects, with the bias of both versions of KD."""
    for world in worlds:
        for n in SUBJECTS:
            rng = numpy_rng("coverage", world.name, n, seed)
            tally, errors = _Tally(world.mean_truth, DISTANCE), []
            for _ in range(count):
                reference, subjects = world.reference(rng, n)
                own, *others = world.spread * np.exp(UNEQUAL * rng.standard_normal(1 + OTHER_BOARDS))
                luck = (own * rng.standard_normal(TRAININGS + 1)).tolist()
                made = [world.generated(rng, moved) for moved in luck]
                scores = [world.score(generated, reference, subjects) for generated in made]
                values = scores[-1].value, world.of_all_pairs(made[-1], reference)
                errors.append(np.array(values, float) - world.truth(luck[-1]))
                elsewhere = [_another_board(world, spread, rng) for spread in others] if world.spread else []
                tally.add(_board(scores, elsewhere))
            bias, error = np.mean(errors, axis=0), np.std(errors, axis=0) / np.sqrt(count)
            numbers = {"bias": bias[0], "bias_error": error[0], "bias_v1": bias[1], "bias_v1_error": error[1]}
            numbers = {name: round(float(number), 2) for name, number in numbers.items()}
            yield {"kind": "kd", "world": world.name, "n": n, **tally.record(), **numbers}


class _Tally:
    """Counts over the worlds of one kind how often each interval holds the truth."""

    def __init__(self, truth: float, address: Address):
        self.truth, self.address, self.worlds = truth, address, 0
        self.held: Counter[str] = Counter()
        self.apart = 0

    def add(self, rows: Mapping[str, Row]) -> None:
        self.worlds += 1
        for name, made in rows.items():
            self.held[name] += _holds(made.estimates[self.address], self.truth)
        found = difference(rows["3"], rows["1"], self.address)
        self.apart += found is not None and found.p < significance.LEVEL

    def record(self) -> dict[str, Any]:
        return {"worlds": self.worlds, "held": dict(self.held), "told_apart": self.apart}


def _holds(estimate: Estimate, truth: float) -> bool:
    return estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high


def _board(scores: Sequence[Score], elsewhere: Sequence[Row] = ()) -> dict[str, Row]:
    """By what it is called in ``TITLES``: the row of all scores but the last, and that of the last, which borrows."""
    three = row([_result("three", seed, score) for seed, score in enumerate(scores[:-1])])
    alone = row([_result("one", 0, scores[-1])])
    lends = pooled([three], METRICS)
    _, one = with_borrowed_variance([three, alone], lends)
    rows = {"3": three, "1": one, "1 alone": alone}
    if elsewhere:
        others = [pooled([other], METRICS) for other in elsewhere]
        _, rows["1 of six"] = with_borrowed_variance([three, alone], lends, others)
    return rows


def _another_board(world: KernelWorld, spread: float, rng: np.random.Generator) -> Row:
    """A row of three trainings on other data. Only its values are borrowed from, so they are taken without error."""
    values = [world.truth(spread * float(moved)) for moved in rng.standard_normal(TRAININGS)]
    scores = [Score(KD.name, v, GENERATED, 20, 0.9 * v, 1.1 * v, GENERATED, HC85.name) for v in values]
    return row([_result("three", seed, score) for seed, score in enumerate(scores)])


def _result(variant: str, seed: int, score: Score) -> Result:
    return Result(
        modality="simulated",
        variant=variant,
        sampler=None,
        seed=seed,
        task="simulated",
        is_control=False,
        scores=(score,),
        comparability={},
        data={},
        provenance={},
        metrics=METRICS,
    )


def write(folder: Path, records: Sequence[dict[str, Any]], command: str) -> list[Path]:
    """``coverage.json`` and ``coverage.md``; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    record, page = folder / "coverage.json", folder / "coverage.md"
    versions = {"intervals": VERSION, "kd": KD.version}
    files.write_json(record, {**versions, "command": command, "records": list(records)})
    files.write_text(page, markdown(records, command))
    return [record, page]


def markdown(records: Sequence[dict[str, Any]], command: str) -> str:
    """Tables of coverage by number of test subjects, and a list of what lies outside 93 to 97 %."""
    kinds = {kind: [r for r in records if r["kind"] == kind] for kind in ("paired", "kd")}
    parts = [
        f"# Coverage of 95 % intervals, v{VERSION}\n",
        f"Made by `{command}`. Per cent of simulated worlds whose interval holds the truth, by number of test "
        f"subjects. Every world is a board of two equal methods: one of {TRAININGS} trainings, and one of a single "
        "training whose interval borrows the variance between trainings from the other. *1, of six boards*: from "
        f"{OTHER_BOARDS} boards of other data besides. *1, no other row*: nothing "
        "to borrow from; such a row has its rank in brackets. *told apart*: worlds in which the paired difference of "
        "the two equal methods has p < 0.05.\n",
    ]
    if kinds["paired"]:
        parts += [
            f"## Paired metrics\n\n{_counts(kinds['paired'])}. *Luck*: standard deviation of a training over the "
            "standard error over test subjects.\n",
            _table(
                kinds["paired"], ("world", "luck", "trainings"), lambda r: (r["world"], f"{r['ratio']:g}")
            ),
        ]
    if kinds["kd"]:
        parts += [
            f"## Kernel distance\n\n{_counts(kinds['kd'])}; {GENERATED} generated images, {IMAGES} images per test "
            "subject. Features have the random effects (ICC: share of the variance between subjects) of hc85-v1 on "
            "the training subjects of a phantom; models miss them by a shift that gives the KD (1e-3) named, at KD 0 "
            f"by none; KD varies by {RELATIVE_SPREAD:.0%} between trainings, at KD 0 not; times a "
            f"factor of each board, whose logarithm has standard deviation {UNEQUAL}.\n".replace("%", " %"),
            _table(kinds["kd"], ("world", "trainings"), lambda r: (r["world"],)),
            "Bias of the value ± its standard error, 1e-3:\n",
            _bias_table(kinds["kd"]),
        ]
    outside = _outside(records)
    parts.append("## Outside 93 to 97 %\n\nBy more than the 95 % binomial interval over worlds allows:\n")
    parts.append("\n".join(f"- {line}" for line in outside) + "\n" if outside else "None.\n")
    return "\n".join(parts)


def _counts(records: Sequence[dict[str, Any]]) -> str:
    return " and ".join(f"{n:,}" for n in sorted({r["worlds"] for r in records})) + " worlds a number"


def _lines(
    records: Sequence[dict[str, Any]], about: Callable[[dict[str, Any]], tuple[str, ...]]
) -> Iterator[list[str]]:
    """What each line of a table is about, and its per cents by number of subjects."""
    for head in dict.fromkeys(map(about, records)):
        found = [r for r in records if about(r) == head]
        counts = {
            title: [r["held"][name] for r in found]
            for name, title in TITLES.items()
            if name in found[0]["held"]
        }
        counts["told apart"] = [r["told_apart"] for r in found]
        for title, held in counts.items():
            shares = [100 * k / r["worlds"] for k, r in zip(held, found, strict=True)]
            yield [*head, title, *(f"{share:.1f}" for share in shares)]


def _table(
    records: Sequence[dict[str, Any]],
    heads: tuple[str, ...],
    about: Callable[[dict[str, Any]], tuple[str, ...]],
) -> str:
    return markdown_table([*heads, *(f"n = {n}" for n in SUBJECTS)], _lines(records, about))


def _bias_table(records: Sequence[dict[str, Any]]) -> str:
    rows = []
    for world in dict.fromkeys(r["world"] for r in records):
        found = [r for r in records if r["world"] == world]
        for title, name in ((f"kd v{KD.version}", "bias"), ("all pairs of images (kd v1)", "bias_v1")):
            rows.append([world, title, *(f"{r[name]:+.1f} ± {r[f'{name}_error']:.1f}" for r in found)])
    return markdown_table(["world", "of", *(f"n = {n}" for n in SUBJECTS)], rows)


def _outside(records: Sequence[dict[str, Any]]) -> list[str]:
    """Rows with several trainings, or that borrow, whose coverage is not what is asked."""
    said = []
    for r in records:
        luck = f", luck {r['ratio']:g}" if "ratio" in r else ""
        for name in ("3", "1", "1 of six"):
            if name not in r["held"]:
                continue
            low, high = binomial_interval(r["held"][name], r["worlds"])
            if high < ASKED[0] or low > ASKED[1]:
                share = 100 * r["held"][name] / r["worlds"]
                said.append(f"{r['world']}{luck}, trainings: {TITLES[name]}, n = {r['n']}: {share:.1f}")
    return said
