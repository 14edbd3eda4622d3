"""Areas under the ROC curve between images of the own organ and of others, by what they are told by."""

from dataclasses import replace

from mribench.metrics.detection import AUROC

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
