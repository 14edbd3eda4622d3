"""The brain modality of mribench: axial T1-weighted slices, skull-stripped."""

from mribench import Modality, ReportedRow
from mribench_brain.phantom import FIELDS, draw

MODALITY = Modality(
    name="brain",
    title="Brain",
    contrast="T1w inversion-prepared (MPRAGE-like), axial, skull-stripped",
    phantom=draw,
    fields=FIELDS.fields,
    draw_fields=FIELDS,
    cards=("ixi_t1", "neurite_oasis2d"),
    reported=ReportedRow(
        source=(
            "Annem, Exploring Diffusion Model for Diverse MRI Modalities: An Experimental Study on Brain, "
            "Chromatin, Lung, Kidney, Spine & Heart"
        ),
        psnr=55.51,
        ssim=0.70,
        mse=0.18,
        mae=0.05,
        fid=50.54,
    ),
)
