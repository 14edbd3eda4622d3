"""``methods.json``: the trials by which learning rates were chosen."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mribench.results.schema.values import LARGEST, Number, Seed, Text, Word

Factor = Annotated[float, Meta(gt=0, le=LARGEST)]
Share = Annotated[float, Meta(gt=0, le=1)]


class TunedProfile(Struct, gc=False):
    name: Text
    lr: Factor


class Trial(Struct, gc=False, kw_only=True):
    """One training, sampled and scored."""

    modality: Word
    factor: Factor  # times the learning rates of profile and model
    lr: Factor
    kd: Number | None  # x 1e3, to the validation subjects; None: no images
    reason: Text | None = None  # why there are none


class Family(Struct, gc=False, kw_only=True):
    """The trials of one model."""

    code: Word
    runs: list[Trial]
    sampler: Text | None = None


class Tuning(Struct, gc=False, kw_only=True):
    schema: int
    profile: TunedProfile
    share: Share
    factors: Annotated[list[Factor], Meta(min_length=1)]
    seed: Seed
    data: dict[Word, Word]  # key of the prepared images by modality
    families: dict[Word, Family]
