"""The spine modality of mribench: sagittal T2-weighted slices of the lumbar spine."""

from mribench import Modality, ReportedRow
from mribench_spine.phantom import FIELDS, draw

MODALITY = Modality(
    name="spine",
    title="Lumbar spine",
    contrast="T2w turbo spin echo, sagittal",
    phantom=draw,
    fields=FIELDS.fields,
    draw_fields=FIELDS,
    cards=("spider",),
    reported=ReportedRow(
        source=(
            "Annem, Exploring Diffusion Model for Diverse MRI Modalities: An Experimental Study on Brain, "
            "Chromatin, Lung, Kidney, Spine & Heart"
        ),
        psnr=43.01,
        ssim=0.50,
        mse=2.11,
        mae=0.64,
        fid=52.90,
    ),
)
