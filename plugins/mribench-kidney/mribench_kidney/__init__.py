"""The kidney modality of mribench: coronal T2-weighted abdomen."""

from mribench import Modality, ReportedRow
from mribench_kidney.phantom import FIELDS, draw

MODALITY = Modality(
    name="kidney",
    title="Kidney",
    contrast="T2w single-shot fast spin echo (HASTE), fat-saturated, coronal abdomen",
    phantom=draw,
    fields=FIELDS.fields,
    draw_fields=FIELDS,
    cards=("ukrin_kidney_t2",),
    reported=ReportedRow(
        source=(
            "Annem, Exploring Diffusion Model for Diverse MRI Modalities: An Experimental Study on Brain, "
            "Chromatin, Lung, Kidney, Spine & Heart"
        ),
        psnr=31.42,
        ssim=0.36,
        mse=5.21,
        mae=1.34,
        fid=79.43,
    ),
)
