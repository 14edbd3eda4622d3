"""The chromatin modality of mribench: single cell nuclei in fluorescence microscopy. It is no MRI."""

from mribench import Modality, ReportedRow
from mribench_chromatin.fields import FIELDS, draw_fields
from mribench_chromatin.phantom import draw

MODALITY = Modality(
    name="chromatin",
    title="Chromatin (cell nuclei)",
    contrast="DAPI fluorescence, optical sections, single nucleus on black",
    phantom=draw,
    fields=FIELDS,
    draw_fields=draw_fields,
    is_mri=False,
    cards=("dsb2018",),
    reported=ReportedRow(
        source=(
            "Annem, Exploring Diffusion Model for Diverse MRI Modalities: An Experimental Study on Brain, "
            "Chromatin, Lung, Kidney, Spine & Heart"
        ),
        psnr=62.70,
        ssim=0.89,
        mse=0.11,
        mae=0.02,
        fid=30.09,
    ),
)
