"""The knee modality of mribench: sagittal proton-density-weighted slices."""

from mribench.spec import Modality
from mribench_knee.phantom import draw

KNEE = Modality(
    name="knee",
    title="Knee",
    contrast="PDw spin echo, sagittal",
    phantom=draw,
    cards=("fastmri_knee", "skm_tea", "mrnet", "oaizib_cm"),
)
