"""The lung modality of mribench: coronal thorax scouts."""

from mribench import Modality, ReportedRow
from mribench_lung.phantom import FIELDS, draw

MODALITY = Modality(
    name="lung",
    title="Lung",
    contrast="T2/T1w balanced SSFP scout, coronal thorax",
    phantom=draw,
    fields=FIELDS.fields,
    draw_fields=FIELDS,
    cards=("totalseg_mr",),
    reported=ReportedRow(
        source=(
            "Annem, Exploring Diffusion Model for Diverse MRI Modalities: An Experimental Study on Brain, "
            "Chromatin, Lung, Kidney, Spine & Heart"
        ),
        psnr=28.90,
        ssim=0.41,
        mse=6.85,
        mae=1.57,
        fid=65.22,
    ),
)
