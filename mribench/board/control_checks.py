"""Where the controls must land. A board on which one lands elsewhere measures something else than it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mribench.board.group import Group
from mribench.board.rows import Address, Estimate, Row, oriented
from mribench.results import metric_label
from mribench.spec import AuditVerdict, Expected


def control_violations(group: Group) -> list[str]:
    """One sentence for each control that lands where it must not (``spec.Expected``).

    Two things hold on any board: what must be last is last, and an audit that can say something sees a control that
    copies. The others need test subjects enough to tell images apart: of fewer than 20, or unknown ones, nothing is
    ranked and a control that cannot be told apart says only that they are few. Intervals are those over the test
    subjects, because two or three seeds of a control that learns nothing would only widen them.
    """
    address = group.primary
    if address is None:
        return []
    controls = {row.variant: row for row in group.rows if row.is_control}
    asked = [(row, row.expected) for row in controls.values() if row.expected]
    known = {name: row.estimates[address] for name, row in controls.items() if row.value(address) is not None}
    said = [s for row, e in asked if e.place == "last" for s in _not_last(row, e, known, group, address)]
    if group.why_no_inference is None:
        for row, expected in asked:
            if expected.place == "behind real" and row.variant in known:
                said += _not_behind_real(row, expected, group, address)
        for row, expected in asked:
            if expected.place == "like real" and row.variant in known:
                said += _worse_than_real(row, expected, group, address)
    return said + [sentence for row, expected in asked if expected.copies for sentence in _unseen_copies(row)]


def ceiling(group: Group, address: Address) -> float | None:
    """The most that real images score in a model's place, with their interval: training images, or a half of the
    test subjects against the other."""
    floor = group.floor_of(address)
    numbers = [floor.get(name) for name in ("train_high", "half_high")]
    return max((n for n in numbers if n is not None), default=None)


def _not_last(
    last: Row, expected: Expected, known: Mapping[str, Estimate], group: Group, address: Address
) -> Iterator[str]:
    worst, sign = last.value(address), group.sign(address)
    if worst is None:
        return
    for name, estimate in known.items():
        if name != last.variant and estimate.value is not None and sign * estimate.value >= sign * worst:
            yield (
                f"{name} ({estimate.value:.4g}) is not better than {last.variant} ({worst:.4g}) in "
                f"{metric_label(*address[:2])}, but {expected.because}"
            )


def _not_behind_real(control: Row, expected: Expected, group: Group, address: Address) -> Iterator[str]:
    if group.real_train is None or address not in group.real_train.estimates:
        return
    ours, real = control.estimates[address], group.real_train.estimates[address]
    if not _behind(ours, real, control.name, group, address):
        yield (
            f"{control.variant} ({_interval(ours)}) cannot be told apart from real training images "
            f"({_interval(real)}) in {metric_label(*address[:2])}, but {expected.because}"
        )


def _behind(ours: Estimate, real: Estimate, name: str, group: Group, address: Address) -> bool:
    """Is a control told apart from real training images? True also where the records cannot tell."""
    sign = group.sign(address)
    if found := group.from_real.get(name):
        return oriented(found.low, found.high, sign)[0] > 0
    if ours.within_low is None or ours.within_high is None or real.low is None or real.high is None:
        return True
    return oriented(ours.within_low, ours.within_high, sign)[0] > oriented(real.low, real.high, sign)[1]


def _worse_than_real(control: Row, expected: Expected, group: Group, address: Address) -> Iterator[str]:
    ours, most = control.estimates[address], ceiling(group, address)
    if most is not None and ours.within_low is not None and ours.within_low > most:
        yield (
            f"{control.variant} ({_interval(ours)}) is worse than real images (up to {most:.4g}) in "
            f"{metric_label(*address[:2])}, but {expected.because}"
        )


def _unseen_copies(control: Row) -> Iterator[str]:
    if control.audit and AuditVerdict(control.audit) is AuditVerdict.NOT_DETECTED:
        yield (
            f"{control.variant} copies its training images, but the memorisation audit says {control.audit!r} of it"
        )


def _interval(estimate: Estimate) -> str:
    low, high = estimate.within_low, estimate.within_high
    bounds = "" if low is None else f" [{low:.4g}, {high:.4g}]"
    return f"{estimate.value:.4g}{bounds}"
