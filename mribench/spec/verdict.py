"""What the memorisation audit may say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class AuditVerdict(StrEnum):
    """What the memorisation audit says of a model, from the mildest to the gravest.

    ``AuditVerdict(text)`` reads the text of a record, which may go on after the verdict ('cannot say: only 3 test
    subjects'). A text that begins with none of the verdicts is of a later version, and counts as the gravest.
    """

    NOT_DETECTED = "not detected"
    CANNOT_SAY = "cannot say"  # test subjects are few or unknown
    NOT_AUDITED = "not audited"
    SUSPECT = "suspect"
    MEMORISES = "MEMORISES"  # it gives back images of its training subjects
    SAW_THE_TEST = "SAW THE TEST"  # it knows the subjects that its scores are measured on
    UNKNOWN = "unknown to this version"

    @classmethod
    def _missing_(cls, value: object) -> AuditVerdict:
        return next((known for known in cls if str(value).startswith(known.value)), cls.UNKNOWN)

    @property
    def gravity(self) -> int:
        """0 for the mildest."""
        return list(AuditVerdict).index(self)

    @property
    def grave(self) -> bool:
        """Whether it speaks against a model; samples are shown only of the others."""
        return self.gravity >= AuditVerdict.SUSPECT.gravity

    @property
    def memorises(self) -> bool:
        """Whether the model counts as one that gives back images it should not, and is not ranked."""
        return self.gravity >= AuditVerdict.MEMORISES.gravity


def verdict_and_power(audit: Mapping[str, Any]) -> str:
    """The verdict of a record's audit as it is shown, with the least share of copies that it could have seen.

    'not detected, sees 9.1% copies or more'. Where copies were found, where nothing can be said, and in records from
    before the share was recorded, it is the verdict alone.
    """
    verdict, share = str(audit["verdict"]), audit.get("least_share")
    milder = AuditVerdict(verdict) in (AuditVerdict.NOT_DETECTED, AuditVerdict.SUSPECT)
    return f"{verdict}, sees {share:.1%} copies or more" if milder and isinstance(share, float) else verdict
