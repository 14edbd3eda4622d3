"""What the records of a board say of the board itself. The majority decides; who differs is named and not ranked.

A board may hold records of several people, so no single one may decide who the test subjects are, what real images
score, or which space is trusted. One trained network has one vote, however many records it has.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mribench.results import Result

T = TypeVar("T")
CLOSE = 0.01  # of the width of the floor's interval: what two machines may differ by


@dataclass(frozen=True)
class Agreement:
    """What most records say."""

    title: str  # of the modality
    test_subjects: int
    subjects_known: bool
    trust: Mapping[str, Mapping[str, Any]]  # of each feature space: ``trusted`` and ``reason``
    floor: Mapping[str, Mapping[str, Any]]  # of each metric and space, by ``metric_label``
    metrics: Mapping[str, Mapping[str, Any]]  # title, unit and direction of each metric
    primary: Mapping[str, str | None]  # of each task: the metric that ranks
    # (record, what it says differently: "floor", "test subjects", ...)
    differing: Sequence[tuple[Result, str]]

    def differences(self, results: Iterable[Result]) -> list[str]:
        """What any of the records says differently than most."""
        ours = {id(result) for result in results}
        return list(dict.fromkeys(what for result, what in self.differing if id(result) in ours))


def is_edited(result: Result) -> bool:
    """Whether the digest of a record does not match what it holds."""
    return result.edited is True


def voter(result: Result) -> Hashable:
    """Whose vote a record is: of one trained network, or of one draw of a control."""
    network = result.provenance.get("checkpoint_sha256")
    return str(network) if network else (result.name, result.seed)


def majority(
    said: Sequence[tuple[Result, T]],
    alike: Callable[[T, T], bool] = lambda a, b: a == b,
    gravity: Callable[[T], float] = lambda value: 0,
) -> tuple[T, list[Result]]:
    """What most voters say, and the records that say something else.

    Args:
        said: records and what each of them says; at least one.
        alike: whether two values count as one.
        gravity: where as many say one thing as another, the value with the largest gravity counts.
    """
    camps: list[tuple[T, list[Result]]] = []
    for result, value in said:
        camp = next((held for known, held in camps if known is value or alike(known, value)), None)
        if camp is None:
            camps.append((value, [result]))
        else:
            camp.append(result)
    largest = max(camps, key=lambda camp: (len({voter(r) for r in camp[1]}), gravity(camp[0])))
    return largest[0], [result for camp in camps if camp is not largest for result in camp[1]]


def agree(members: Sequence[Result]) -> Agreement:
    """What most of the records say; those whose digest does not match have no vote."""
    voters = [result for result in members if not is_edited(result)] or list(members)
    differing: list[tuple[Result, str]] = []

    def decide(
        what: str, said: Sequence[tuple[Result, T]], default: T, ranks: bool = True, **rules: Any
    ) -> T:
        if not said:
            return default
        value, others = majority(said, **rules)
        differing.extend((result, what) for result in others if ranks)
        return value

    def named(field: str) -> list[str]:
        return list(dict.fromkeys(name for result in voters for name in getattr(result, field)))

    def of(field: str, name: str) -> list[tuple[Result, Any]]:
        return [(r, held[name]) for r in voters if name in (held := getattr(r, field))]

    # early records name a primary metric also where the task does not report it
    primary = {
        task: decide(
            "primary metric",
            [(r, r.primary if r.primary in r.metrics else None) for r in voters if r.task == task],
            None,
        )
        for task in dict.fromkeys(result.task for result in voters)
    }
    # a metric that edited records alone report is shown too, under the title that they give it
    last = {name: about for result in members for name, about in result.metrics.items()}
    metrics = {
        name: decide(f"direction of {name}", of("metrics", name), about, alike=_same_direction)
        for name, about in last.items()
    }
    trust = {
        space: decide(f"trust in {space}", of("spaces", space), {}, alike=_same_trust, gravity=_distrust)
        for space in named("spaces")
    }
    ranking = set(primary.values())
    floor = {}
    for label in named("floor"):
        metric = label.partition("[")[0]
        up = metrics.get(metric, {}).get("direction") == "up"
        rules = {"alike": close, "gravity": lambda floor, up=up: _height(floor) * (-1 if up else 1)}
        floor[label] = decide("floor", of("floor", label), {}, ranks=metric in ranking, **rules)
    said = [(r, r.data["subjects_known"]) for r in voters if "subjects_known" in r.data]
    return Agreement(
        title=decide("organ", [(r, str(r.data["title"])) for r in voters], "", ranks=False),
        test_subjects=_test_subjects(voters, differing),
        subjects_known=decide("whether subjects are known", said, True, gravity=lambda known: not known),
        trust=trust,
        floor=floor,
        metrics=metrics,
        primary=primary,
        differing=differing,
    )


def _test_subjects(voters: Sequence[Result], differing: list[tuple[Result, str]]) -> int:
    """Counted in the kept values of single subjects, where there are any of all test images; else what most say."""
    said = [(r, int(r.data["subjects"]["test"])) for r in voters]
    counted = [
        (r, len(s.per_subject))
        for r in voters
        for s in r.scores
        if s.per_subject and s.n == r.data["images"]["test"]
    ]
    n, _ = majority(counted or said, gravity=lambda n: -n)
    differing.extend((result, "number of test subjects") for result, other in said if other != n)
    return n


def close(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two floors are the same numbers, as two machines compute them."""
    if a == b:
        return True
    if set(a) != set(b):
        return False
    low, high = a.get("train_low"), a.get("train_high")
    width = 0.0 if low is None or high is None else abs(high - low)
    return all(_near(a[name], b[name], CLOSE * width) for name in a)


def _near(a: Any, b: Any, margin: float) -> bool:
    if a == b:
        return True
    if isinstance(a, str) and isinstance(b, str):  # subsamples, as a line of numbers
        ours, theirs = a.split(), b.split()
        return len(ours) == len(theirs) and all(
            abs(float(x) - float(y)) <= margin for x, y in zip(ours, theirs, strict=True)
        )
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    return numbers and abs(a - b) <= margin


def _same_direction(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return bool(a.get("direction") == b.get("direction"))


def _same_trust(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return a.get("trusted") is b.get("trusted")


def _distrust(said: Mapping[str, Any]) -> float:
    return {True: 0.0, None: 1.0, False: 2.0}.get(said.get("trusted"), 1.0)


def _height(floor: Mapping[str, Any]) -> float:
    """What real images score: the higher, the less a row can claim."""
    height = floor.get("train_test")
    return float("-inf") if height is None else float(height)
