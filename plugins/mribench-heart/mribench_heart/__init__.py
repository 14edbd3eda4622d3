"""The heart modality of mribench: short-axis bSSFP slices."""

from mribench import Modality, ReportedRow
from mribench_heart.beat import HeartFields
from mribench_heart.phantom import FIELDS, draw

DRAW = HeartFields(FIELDS)

MODALITY = Modality(
    name="heart",
    title="Heart",
    contrast="bSSFP cine, short axis",
    phantom=draw,
    fields=DRAW.fields,
    draw_fields=DRAW,
    cards=("shefpah179", "acdc", "scd"),
    reported=ReportedRow(
        source=(
            "Annem, Exploring Diffusion Model for Diverse MRI Modalities: An Experimental Study on Brain, "
            "Chromatin, Lung, Kidney, Spine & Heart"
        ),
        psnr=41.70,
        ssim=0.29,
        mse=6.94,
        mae=1.89,
        fid=55.71,
    ),
)
