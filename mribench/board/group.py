"""Which results may be compared: all whose comparability fields are equal. A difference is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from mribench.board.agreement import Agreement, agree, majority
from mribench.board.borrowed import Pooled, pooled, with_borrowed_variance
from mribench.board.differences import Difference, difference
from mribench.board.identity import same_training
from mribench.board.rows import Address, Row, row, versions, with_not_applicable
from mribench.board.task_names import AUDIT, tasks_apart
from mribench.metrics.significance import FEW_SUBJECTS
from mribench.results import Result, metric_label, sort_key
from mribench.spec import Score

ALPHA_BAR = "ᾱ"  # the level of a score, unless its task says otherwise
KERNEL_DISTANCE: Address = ("kd", "hc85-v1", None)
HEADLINE_LEVEL = 0.52409  # alpha_bar at t = 250 of the linear schedule: half signal, half noise
# fields that belong to one task; the others are of the data and the budget, and hold for every task
OF_TASK = {"task", "metrics", "feature_spaces", "fields", "n_generated", "n_reference", "uncertainty"}
# versions that stand on one board: both audits accuse at the same level, and a row says by which it was audited
ALIKE = {"audit v4": "audit v5"}
OF_DATA = {"modality", "data", "data_key", "n_reference"}


@dataclass
class Group:
    """Results of one modality that may be compared, as rows."""

    modality: str
    comparability: dict[str, Any]
    members: list[Result] = field(default_factory=list)
    differs: dict[str, Any] = field(
        default_factory=dict
    )  # what sets it apart from the modality's first group
    # groups of other data under the same budget, which say too how much another training moves a number
    elsewhere: Sequence[Group] = ()

    @cached_property
    def records(self) -> list[Result]:
        """The members, where a number that two tasks report is named by its task: no mean is over two tasks."""
        return tasks_apart(self.members)

    @cached_property
    def agreed(self) -> Agreement:
        """What most records say of the data, the floor, the metrics and the feature spaces."""
        return agree(self.records)

    @cached_property
    def rows(self) -> list[Row]:
        """Trained variants first, controls after; by name, then version: no mean is over two versions.

        A training that is filed under several seeds counts once.
        """
        return with_borrowed_variance(self._rows, self.lends, [group.lends for group in self.elsewhere])

    @cached_property
    def lends(self) -> dict[Address, Pooled]:
        """How much another training moves each number, as far as rows of several seeds say."""
        return pooled(self._rows, self.metrics)

    @cached_property
    def _rows(self) -> list[Row]:
        """Each row by itself: rows of one seed have borrowed nothing."""
        groups: dict[tuple[bool, str, str, tuple[int, int]], list[Result]] = {}
        for result in self.records:
            key = result.is_control, result.variant, result.sampler or "", versions(result)
            groups.setdefault(key, []).append(result)
        made = []
        for key in sorted(groups):
            kept, seeds = (groups[key], ()) if key[0] else same_training(groups[key])
            made.append(replace(row(kept), same_training=seeds))
        of_task: dict[str, dict[Address, None]] = {}
        for result in self.records:
            found = of_task.setdefault(result.task, {})
            found.update(dict.fromkeys((s.metric, s.space, s.level) for s in result.scores))
        return [with_not_applicable(row, of_task) for row in made]

    @property
    def trained(self) -> list[Row]:
        return [row for row in self.rows if not row.is_control]

    def row(self, variant: str) -> Row | None:
        """The first row of a variant, in its newest version; of a control in the version with most seeds, and never
        a trained row of its name: who files one record must not choose what others are held against."""
        found = [row for row in self.rows if row.variant == variant]
        controls = [row for row in found if row.is_control]
        if controls:
            return max(controls, key=lambda row: (len(row.seeds), row.versions[0]))
        return max(found, key=lambda row: row.versions[0], default=None)

    @cached_property
    def addresses(self) -> list[Address]:
        """Metric, space and level of every number: those of generated images first, those of a level after them."""
        found = dict.fromkeys(address for row in self.rows for address in row.estimates)
        return sorted(found, key=lambda address: address[2] is not None)

    @cached_property
    def metrics(self) -> dict[str, Mapping[str, Any]]:
        """Title, unit and direction of every metric."""
        return dict(self.agreed.metrics)

    @cached_property
    def level_names(self) -> dict[float, str]:
        """What each level is a number of: ``Task.level_name``."""
        return {s.level: r.level_name for r in self.records for s in r.scores if s.level is not None}

    @cached_property
    def primary(self) -> Address | None:
        """What trained rows are ranked by: the primary metric of a task, the kernel distance before any other.

        Its space is the primary one, else the first there is; one that is not trusted with these images only where no
        other is, and one in which no row has a value only where none has. Its level is the one of the headline.
        """
        of_task = self.agreed.primary
        named = dict.fromkeys(metric for metric in of_task.values() if metric)
        for metric in sorted(named, key=lambda name: name != KERNEL_DISTANCE[0]):
            # another task may report the same metric at other levels
            scores = [s for r in self.records if of_task.get(r.task) == metric for s in r.scores]
            found = {(s.metric, s.space, s.level) for s in scores if s.metric == metric}
            # a space whose package or weights are missing everywhere is blank, and nothing was found against it
            given = {
                (s.metric, s.space, s.level) for s in scores if s.metric == metric and s.value is not None
            }
            if found and self.metrics[metric]["direction"] != "zero":
                return min((a for a in self.addresses if a in (given or found)), key=self._preference)
        return None

    @cached_property
    def claim_addresses(self) -> list[Address]:
        """The primary number in every feature space that may rank, the one of ``primary`` first."""
        if self.primary is None:
            return []
        metric, _, level = self.primary
        same = [a for a in self.addresses if (a[0], a[2]) == (metric, level)]
        trusted = [a for a in same if self.untrusted(a[1]) is None]
        return sorted(trusted, key=lambda address: address != self.primary)

    def _preference(self, address: Address) -> tuple[bool, bool, float]:
        distance = 0.0 if address[2] is None else abs(address[2] - HEADLINE_LEVEL)
        return self.untrusted(address[1]) is not None, address != KERNEL_DISTANCE, distance

    def sign(self, address: Address) -> int:
        """1 where less is better, -1 where more is: times this, the smaller of two numbers is the better one."""
        return -1 if self.metrics[address[0]]["direction"] == "up" else 1

    def untrusted(self, space: str | None) -> str | None:
        """Why a feature space must not rank these images; None where nothing speaks against it."""
        said = self.agreed.trust.get(space or "", {})
        return (said.get("reason") or "not trusted") if said.get("trusted") is False else None

    def blind_to(self, space: str | None) -> tuple[str, ...]:
        """Local changes and changes of the layout that a feature space misses on these images, as most records say."""
        found = ((result, result.spaces.get(space or "", {}).get("blind_to")) for result in self.records)
        said = [(result, tuple(map(str, changes))) for result, changes in found if changes is not None]
        return majority(said)[0] if said else ()

    @property
    def poses_problem(self) -> bool:
        """Whether its rows are answers to one inverse problem: solvers with their priors, and baselines."""
        return bool(self.comparability.get("problem"))

    @property
    def organ(self) -> str:
        """The title of the modality."""
        return self.agreed.title

    @property
    def test_subjects(self) -> int:
        return self.agreed.test_subjects

    @property
    def subjects_known(self) -> bool:
        """False where one person may be in train and in test; then nothing is ranked."""
        return self.agreed.subjects_known

    @property
    def why_no_inference(self) -> str | None:
        """Why intervals over the test subjects carry no claim: who they are is unknown, or they are few."""
        if not self.subjects_known:
            return "subjects unknown"
        n = self.test_subjects
        return f"only {n} test subject{'' if n == 1 else 's'}" if n < FEW_SUBJECTS else None

    @cached_property
    def floor(self) -> dict[str, dict[str, Any]]:
        """What real images score in a model's place, by ``metric_label`` (``mribench.metrics.floor``)."""
        return {name: dict(floor) for name, floor in self.agreed.floor.items()}

    def floor_of(self, address: Address) -> dict[str, Any]:
        """The noise floor of one metric and space; empty where the records hold none."""
        return self.floor.get(metric_label(*address[:2]), {})

    @cached_property
    def real_train(self) -> Row | None:
        """The real training images as a row, to compare rows with; it is none of ``rows`` and is not ranked."""
        scores = tuple(
            _floor_score(name, floor, self.test_subjects)
            for name, floor in self.floor.items()
            if floor.get("train_test") is not None
        )
        real = replace(
            self.members[0],
            variant="real train",
            sampler=None,
            seed=0,
            is_control=True,
            scores=scores,
            audit=None,
            expected=None,
            versions={},
        )
        return row([real]) if scores else None

    @cached_property
    def from_real(self) -> dict[str, Difference]:
        """Each row minus the real training images in ``primary``, by what the test subjects alone can tell; by name of
        the row. A row is absent where the records hold no values of single subjects."""
        if self.primary is None or self.real_train is None:
            return {}
        found = (difference(row, self.real_train, self.primary, over_seeds=False) for row in self.rows)
        return {one.first: one for one in found if one}


def groups(found: Iterable[Result]) -> list[Group]:
    """Each result joins the first group whose every shared field is equal to its own.

    The order of the results does not matter. Records of an older version of a task, which a folder keeps, come after
    those of a newer one: what other tasks found joins the newest. Of two audits of a cell the newer one counts.
    """
    made: list[Group] = []
    audits: dict[tuple[Any, ...], Any] = {}
    for result in sorted(found, key=_newest_first):
        fields = _flat(result)
        same = [group for group in made if group.modality == result.modality]
        home = next((group for group in same if not conflicts(group.comparability, fields)), None)
        if home is None:
            home = Group(result.modality, {})
            made.append(home)
        home.comparability |= fields | home.comparability
        if result.task == AUDIT:
            cell = id(home), result.is_control, result.name, versions(result), result.seed
            if audits.setdefault(cell, fields[f"{AUDIT}.task"]) != fields[f"{AUDIT}.task"]:
                continue
        home.members.append(result)
    made.sort(key=lambda g: (g.modality, str(g.comparability["data_kind"]), str(g.comparability["data"])))
    first: dict[str, Group] = {}
    for group in made:
        group.differs = conflicts(first.setdefault(group.modality, group).comparability, group.comparability)
    return made


def conflicts(group: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with different values: name -> (the group's, the other's), a missing one being None.

    Fields of a task that only one side has are no conflict.
    """
    tasks = _tasks(group) & _tasks(fields)
    shared = [k for k in sorted({*group, *fields}) if "." not in k or k.partition(".")[0] in tasks]
    return {
        k: (group.get(k), fields.get(k)) for k in shared if _newest(group.get(k)) != _newest(fields.get(k))
    }


def _newest(value: Any) -> Any:
    """A field as it is compared."""
    return ALIKE.get(value, value) if isinstance(value, str) else value


def differ_in_data_alone(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two groups' fields are of the same kind of data, budget, metrics and tasks, of different images."""
    found = {name.rpartition(".")[2] for name in conflicts(one, other)}
    return bool(found) and found <= OF_DATA and bool(_tasks(one) & _tasks(other))


def _tasks(fields: Mapping[str, Any]) -> set[str]:
    return {name.partition(".")[0] for name in fields if "." in name}


def _flat(result: Result) -> dict[str, Any]:
    """Comparability fields, those that belong to one task under its name."""
    fields = result.comparability.items()
    return {(f"{result.task}.{k}" if k in OF_TASK else k): v for k, v in fields}


def _newest_first(result: Result) -> tuple[Any, ...]:
    modality, task, *rest = sort_key(result)
    version = str(result.comparability.get("task")).rpartition(" v")[2]
    return modality, task, -int(version) if version.isdecimal() else 0, *rest


def _floor_score(name: str, floor: Mapping[str, Any], subjects: int) -> Score:
    """The floor of a metric, named by ``metric_label``, as the score of the training images."""
    metric, _, space = name.rstrip("]").partition("[")
    return Score(
        metric=metric,
        value=floor["train_test"],
        n=floor["n"],
        subjects=subjects,
        low=floor["train_low"],
        high=floor["train_high"],
        n_reference=floor["n_reference"],
        space=space or ("inception" if metric == "fid" else None),
        subsamples=tuple(map(float, floor["subsamples"].split())),
    )
