"""What a survey with experiments of its own found of translation between contrasts."""

from mribench.spec import ReportedTable

SURVEY = ReportedTable(
    title="Translation on BraTS 2018",
    source=(
        "Shi et al., Diffusion Models for Medical Image Computing: A Survey, Tsinghua Science and Technology, "
        "doi:10.26599/TST.2024.9010047, table 10"
    ),
    note=(
        "Printed there, not reproduced, and not comparable with the tables above: other images, two contrasts shown; "
        "split, data range, number of images and definition of NMAE are not stated, and no interval is. GDDPM is DDPM "
        "with classifier guidance."
    ),
    columns=(
        "method",
        *(
            f"{shown}, {number}"
            for shown in ("T1w + T2w to FLAIR", "T1w + FLAIR to T2w", "T2w + FLAIR to T1w")
            for number in ("NMAE", "PSNR", "SSIM")
        ),
    ),
    rows=(
        ("A-Unet", "0.075", "25.27", "0.85", "0.068", "27.64", "0.92", "0.081", "24.98", "0.91"),
        ("CycleGAN", "0.080", "24.75", "0.84", "0.084", "23.48", "0.88", "0.081", "23.69", "0.91"),
        ("Pix2pix", "0.075", "25.13", "0.86", "0.072", "26.88", "0.92", "0.069", "26.01", "0.92"),
        ("IDDPM", "0.070", "26.69", "0.89", "0.067", "27.24", "0.93", "0.066", "27.14", "0.93"),
        ("GDDPM", "0.072", "26.01", "0.88", "0.068", "26.96", "0.92", "0.069", "26.85", "0.92"),
    ),
)
