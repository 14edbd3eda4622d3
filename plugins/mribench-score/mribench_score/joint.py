"""One DDPM for all organs of a run, told which organ it draws, and classifier-free guidance.

Ho & Salimans, Classifier-Free Diffusion Guidance, arXiv 2207.12598. One network is trained with labels, a tenth of
which are replaced by the null label (algorithm 1); guidance combines what it says with and without (equation 6).
mribench does both: it gives each image its label, drops it, and binds it to the network before the loss is called.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mribench.spec import Profile
from mribench.variants.ddpm import DDPM

# the paper's w = 0.3, which it counts from 0: with w = 0.1 and 0.3 its FID was best (section 4.1)
GUIDANCE = 1.3


def network(profile: Profile, labels: int = 1) -> Any:
    """The profile's U-Net with an embedding of ``labels`` labels and the null label, added to that of the timestep."""
    from mribench.networks import LabelledPatchUNet2DModel

    plain = DDPM.network(profile)
    kind = type(plain) if profile.network.patch == 1 else LabelledPatchUNet2DModel
    shape = {name: value for name, value in plain.config.items() if not name.startswith("_")}
    return kind.from_config({**shape, "num_class_embeds": labels + 1})


JOINT = replace(
    DDPM,
    name="joint",
    title="DDPM, one for all organs",
    paper="Ho & Salimans 2022, arXiv 2207.12598, algorithm 1",
    network=network,
    conditions=("modality",),
)
JOINT_CFG = replace(
    JOINT,
    name="joint-cfg",
    title="DDPM, one for all organs, guided",
    paper="Ho & Salimans 2022, arXiv 2207.12598, equation 6",
    guidance=GUIDANCE,
    trained_as="joint",
)
