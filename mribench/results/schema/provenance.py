"""What made a record: machine, packages, training, sampling, budget."""

from __future__ import annotations

from msgspec import Struct

from mribench.results.schema.values import Count, Name, Number, Positive, Text, Word


class Machine(Struct, gc=False):
    device: Text
    threads: Count | None


class Environment(Struct, gc=False, kw_only=True):
    machine: Machine | None = None
    versions: dict[str, Text | None] | None = None
    git_commit: Text | None = None

    def __post_init__(self) -> None:
        for name in ("mribench", "torch", "diffusers"):
            if self.machine and self.versions and name not in self.versions:
                raise ValueError(f"versions lacks {name}, expected the version of each package")


class Condition(Struct, gc=False, kw_only=True):
    """What a network was told about its images: a label."""

    labels: list[Word]
    images: list[Count] = []  # training images of each label


class Privacy(Struct, gc=False, kw_only=True):
    """(epsilon, delta) of differential privacy; None: nothing is promised."""

    epsilon: Positive | None = None
    delta: Positive | None = None
    unit: Text | None = None  # what two neighbouring training sets differ by
    accountant: Text | None = None

    def __post_init__(self) -> None:
        if (self.epsilon is None) != (self.delta is None):
            raise ValueError("of epsilon and delta one is missing, expected both or neither")


class Training(Struct, gc=False, kw_only=True):
    """Also ``train.json``."""

    steps: Count = 0
    images_seen: Count = 0
    seconds: Positive = 0
    parameters: Count | None = None
    prediction: Text | None = None
    precision: Text | None = None
    tflop: Positive | None = None
    conditions: dict[str, Condition] = {}
    privacy: Privacy | None = None
    made_with: Environment | None = None


class Produced(Struct, gc=False, kw_only=True):
    """Also ``made.json``."""

    nfe: list[Count] | None = None
    seconds: Positive | None = None
    seconds_scoring: Positive | None = None
    seconds_per_answer: Positive | None = None
    train_images: Count | None = None
    train_seconds: Positive | None = None
    gflops_per_evaluation: Positive | None = None
    made_with: Environment | None = None


class Profile(Struct, gc=False, kw_only=True):
    batch_size: Count
    prediction: Text
    keep: Name
    name: Text
    optimizer: Text
    lr: Number
    ema_decay: Number | None
    precision: Text | None


class Spec(Struct, gc=False, kw_only=True):
    profile: Text
    features: list[Text] = []
    train_steps: Count | None = None
    size: Count | None = None
    precision: Text | None = None


class Source(Struct, gc=False, kw_only=True):
    """Of a model that was trained elsewhere."""

    kind: Text
    sha256: Text | None = None
    images: Count | None = None  # of which those that are scored were taken
    steps: Count | None = None  # of a pipeline; None: its own
    repository: Text | None = None
    commit: Text | None = None


class Tuned(Struct, gc=False, kw_only=True):
    """How the learning rate was chosen."""

    factor: Positive
    lr: Positive
    trials: Count
    share: Positive
    modalities: list[Word]
    sha256: Text


class Provenance(Environment, gc=False, kw_only=True):
    training: Training | None = None
    produced: Produced | None = None
    profile: Profile | None = None
    spec: Spec | None = None
    plugins: dict[str, Text] = {}
    checkpoint: Name | None = None
    outputs: Name | None = None
    reads: Name | None = None
    data_key: Text | None = None
    checkpoint_sha256: Text | None = None
    outputs_sha256: Text | None = None
    reads_sha256: Text | None = None
    # of a model that was trained elsewhere; ``trained_on``: key of what its audit compares with, None where unknown
    source: Source | None = None
    trained_on: Text | None = None
    tuned: Tuned | None = None  # None: the profile's learning rate
