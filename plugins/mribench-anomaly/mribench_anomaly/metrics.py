"""Metrics of both tasks: how well images of other organs are told, and how well the pixels of a lesion are."""

from dataclasses import replace

from mribench.metrics.detection import AUROC
from mribench.spec import Metric
from mribench_anomaly.pixels import average_precision, best_dice, dice, false_area

OOD_AUROC = replace(
    AUROC,
    name="ood_auroc",
    title="AUROC against other organs, by denoising losses that are unusual either way",
    paper="Graham et al. 2023, arXiv 2211.07740; two-sided after Nalisnick et al. 2019, arXiv 1906.02994",
)
OOD_AUROC_LEAST = replace(
    OOD_AUROC, name="ood_auroc_least", title="The same against the organ it is least for"
)
OOD_AUROC_ERROR = replace(
    OOD_AUROC,
    name="ood_auroc_error",
    title="AUROC against other organs, by denoising losses that are large",
    paper="Graham et al. 2023, arXiv 2211.07740",
    headline=False,
)
OOD_AUROC_PCA = replace(
    OOD_AUROC,
    name="ood_auroc_pca",
    title="Baseline: AUROC against other organs, by what 32 principal components of the training images leave over",
    paper="Jackson & Mudholkar 1979, doi:10.1080/00401706.1979.10489779",
)
OOD_AUROC_GREY = replace(
    OOD_AUROC,
    name="ood_auroc_grey",
    title="Baseline: AUROC against other organs, by the mean grey level",
    paper="Nalisnick et al. 2019, arXiv 1906.02994",
)

ANOMALY_AP = Metric(
    name="anomaly_ap",
    title="Average precision of the lesion's pixels",
    unit="",
    direction="up",
    range=(0.0, 1.0),
    kind="detection",
    compute=average_precision,
    version=1,
    paper="Davis & Goadrich 2006, doi:10.1145/1143844.1143874",
)
ANOMALY_AP_SMALL = replace(
    ANOMALY_AP, name="anomaly_ap_small", title="The same, the smaller half of the lesions", headline=False
)
ANOMALY_AP_LARGE = replace(
    ANOMALY_AP, name="anomaly_ap_large", title="The same, the larger half of the lesions", headline=False
)
ANOMALY_AP_FAINT = replace(
    ANOMALY_AP, name="anomaly_ap_faint", title="The same, the half of lower contrast", headline=False
)
ANOMALY_AP_STRONG = replace(
    ANOMALY_AP, name="anomaly_ap_strong", title="The same, the half of higher contrast", headline=False
)
ANOMALY_AUROC = replace(AUROC, name="anomaly_auroc", title="AUROC of the lesion's pixels", headline=False)
ANOMALY_DICE_BEST = replace(
    ANOMALY_AP,
    name="anomaly_dice_best",
    title="Dice at the best threshold of each image (a ceiling)",
    compute=best_dice,
    paper="Dice 1945, doi:10.2307/1932409",
    headline=False,
)
ANOMALY_DICE = replace(
    ANOMALY_AP,
    name="anomaly_dice",
    title="Dice at the threshold of the validation subjects",
    kind="paired",
    compute=dice,
    paper="Dice 1945, doi:10.2307/1932409",
)
ANOMALY_FALSE_AREA = replace(
    ANOMALY_DICE,
    name="anomaly_false_area",
    title="Share of a healthy body that is flagged at that threshold",
    direction="down",
    compute=false_area,
    paper="1 - specificity over the pixels of a healthy person: Altman & Bland 1994, doi:10.1136/bmj.308.6943.1552",
)
ANOMALY_IMAGE_AUROC = replace(
    AUROC, name="anomaly_image_auroc", title="AUROC of people with a lesion against their healthy twins"
)
