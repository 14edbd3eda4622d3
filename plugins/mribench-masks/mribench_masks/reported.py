"""What a survey with experiments of its own found of segmentation."""

from mribench.spec import ReportedTable

SURVEY = ReportedTable(
    title="Segmentation on MSD, BraTS 2021 and ROSE",
    source=(
        "Shi et al., Diffusion Models for Medical Image Computing: A Survey, Tsinghua Science and Technology, "
        "doi:10.26599/TST.2024.9010047, table 11"
    ),
    note=(
        "Printed there, not reproduced, and not comparable with the tables above: other images and structures, which "
        "are not stated, nor are split, number of images and intervals. GDDPM is DDPM with classifier guidance."
    ),
    columns=(
        "method",
        *(
            f"{data}, {number}"
            for data in ("MSD", "BraTS 2021", "ROSE")
            for number in ("Dice", "HD95", "IoU")
        ),
    ),
    rows=(
        ("nnU-Net", "0.91", "4.73", "0.84", "0.88", "13.46", "0.79", "0.96", "3.91", "0.92"),
        ("VT-UNet", "0.91", "6.29", "0.85", "0.87", "13.87", "0.77", "0.92", "3.98", "0.85"),
        ("SegNet", "0.81", "9.20", "0.68", "0.83", "16.74", "0.71", "0.88", "7.62", "0.79"),
        ("IDDPM", "0.90", "6.31", "0.81", "0.83", "16.79", "0.71", "0.90", "5.59", "0.81"),
        ("GDDPM", "0.86", "5.79", "0.75", "0.82", "17.21", "0.69", "0.86", "6.47", "0.76"),
    ),
)
