"""What a training is given beside the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mribench.spec import Profile, Split


@dataclass(frozen=True)
class TrainingArguments:
    """Data, budget, seed and folder of a training, and of each of its stages."""

    # images that the network sees; of a variant with conditions a ``conditions.LabelledSplit``, and where it is given a
    # plain one all images have the only label
    train_split: Split
    validation_split: Split  # decides early stopping and the best weights
    profile: Profile  # the budget; of a variant with conditions that for each of its labels
    seed: int  # of initial weights, batches, timesteps and noise
    # gets two diffusers pipelines of a variant, ``best`` (lowest validation loss) and ``last``, a folder with ``best``
    # and ``last`` for each further stage, and ``train.json``
    folder: Path
    title: str  # begins the progress bar
    track: str | None = None  # an Accelerate tracker, such as ``tensorboard``

    @property
    def precision(self) -> str:
        """Of the profile, fp32 where it leaves the choice to the device."""
        return self.profile.precision or "fp32"
