"""What a training is given beside the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mribench.spec import Profile, Split


@dataclass(frozen=True)
class TrainingArguments:
    """Data, budget, seed and folder of a training, and of each of its stages; ``train`` says what each is for."""

    train_split: Split
    validation_split: Split
    profile: Profile
    seed: int
    folder: Path
    title: str  # begins the progress bar
    track: str | None = None  # an Accelerate tracker

    @property
    def precision(self) -> str:
        """Of the profile, fp32 where it leaves the choice to the device."""
        return self.profile.precision or "fp32"
