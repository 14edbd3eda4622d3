"""Distances between two sets of feature vectors.

Features are float64 (n, d) of one ``FeatureSpace``. ``train`` (real training features) sets the scale of a
space whose kernel is ``rbf`` (``kernels.standardise``) and is never compared with; a ``cubic`` space takes
features as they are and ``train`` may be None. The order of rows does not matter.
``InputError``: not two-dimensional, different d, or a value that is not finite. ``Unavailable``: too few
images, so the score stays blank with that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from mribench.errors import InputError, Unavailable
from mribench.features.inception import DIM
from mribench.metrics.kernels import cubic, median_distance, pair_sums, rbf, standardise
from mribench.metrics.subsets import on_all_images
from mribench.spec import FeatureSpace, Metric


def kernel_distance(
    generated: np.ndarray,
    reference: np.ndarray,
    train: np.ndarray | None,
    space: FeatureSpace,
    reference_subjects: Sequence[str] | None = None,
    generated_subjects: Sequence[str] | None = None,
) -> float:
    """Unbiased squared maximum mean discrepancy, as a U-statistic; ``Metric.scale`` (1e3) is not yet applied.

    0 on average for equal distributions, so it may be negative. Gretton et al. 2012, JMLR 13:723, eq. 3; with the
    cubic kernel and without subjects this is KID in one subset (Bińkowski et al. 2018, arXiv:1801.01401). The kernel
    is the space's own: ``cubic``, or ``rbf`` with the scale of ``train``.

    Images of one subject are alike: their pairs would add to the distance whatever the model, the more the fewer
    subjects there are. Of a side whose subjects are given, pairs of images of one subject are left out, every subject
    has the same weight, and so has every image of a subject. With one image per subject nothing changes.

    Args:
        generated: features, float64 (n, d).
        reference: features, float64 (m, d).
        train: features, float64 (k, d); None for a ``cubic`` space.
        space: the feature space.
        reference_subjects: m ids; None takes each image for a subject.
        generated_subjects: n ids, where real images stand in a model's place; None as above.

    Raises:
        Unavailable: fewer than two images, or fewer than two subjects, on a side.
        InputError: not as many ids as images, or as at the head of this module.
    """
    subjects = reference_subjects, generated_subjects
    return on_all_images(kernel_distance_on_subsets, generated, reference, train, space, *subjects)


def kernel_distance_on_subsets(
    generated: np.ndarray,
    reference: np.ndarray,
    train: np.ndarray | None,
    space: FeatureSpace,
    reference_subjects: Sequence[str] | None = None,
    generated_subjects: Sequence[str] | None = None,
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The kernel distance on many subsets at once: blocks of the kernel are made once and summed for all of them.

    Subsets may also be counts (how often an image is there), as of a set that holds copies. Copies of one image are
    pairs, unless subjects are given for their side: then they weigh within their subject. NaN for a subset of fewer
    than two images or subjects.
    """
    g, r, scale = scaled(generated, reference, train, space, at_least=2)
    kernel = cubic if scale is None else partial(rbf, bandwidth=median_distance(scale))
    g_subject, r_subject = _ordinals(generated_subjects, len(g)), _ordinals(reference_subjects, len(r))

    def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
        a, n = _weights(in_generated, g_subject)
        b, m = _weights(in_reference, r_subject)
        with np.errstate(divide="ignore", invalid="ignore"):
            within = pair_sums(kernel, g, a, group=g_subject) / (n * (n - 1))
            within += pair_sums(kernel, r, b, group=r_subject) / (m * (m - 1))
            return within - 2 * pair_sums(kernel, g, a, r, b) / (n * m)

    return statistic


def _ordinals(subjects: Sequence[str] | None, images: int) -> np.ndarray | None:
    """The subject of each image as a number, int (n,)."""
    if subjects is None:
        return None
    if len(subjects) != images:
        raise InputError(f"{len(subjects)} subject ids came with {images} images: give one id per image.")
    names, which = np.unique(np.asarray(subjects), return_inverse=True)
    if len(names) < 2:
        raise Unavailable("all images are of one subject: a kernel distance needs pairs of two subjects.")
    return which


def _weights(taken: np.ndarray, subject: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the images of each subset (B, n), and their sum (B,): the number of its images, or of its subjects."""
    taken = taken.astype(np.float64)
    if subject is None:
        return taken, taken.sum(1)
    # reduceat sums runs of columns: the images of a subject must be side by side
    order = np.argsort(subject, kind="stable")
    starts = np.searchsorted(subject[order], np.arange(subject.max() + 1))
    images = np.add.reduceat(taken[:, order], starts, axis=1)
    return taken / np.maximum(images, 1)[:, subject], np.count_nonzero(images, axis=1).astype(np.float64)


def frechet_distance(
    generated: np.ndarray, reference: np.ndarray, train: np.ndarray | None, space: FeatureSpace
) -> float:
    """``frechet`` of both sets, >= 0, in standardised features where the kernel of the space is ``rbf``.

    ``Unavailable`` unless both sets hold more than d images: below that a covariance is singular and the
    value is mostly the bias of the sample size (Chong & Forsyth 2020, arXiv:1911.07023). In the ``inception``
    space two are enough, as everywhere where FID is printed; ``fid_note`` says then what it is worth.
    """
    g, r, _ = scaled(generated, reference, train, space, _fewest(space, generated.shape[-1]))
    return frechet(g, r)


def least_images(metric: Metric, space: FeatureSpace) -> int:
    """How many generated and how many reference images ``metric`` needs in ``space``, before that is loaded.

    1 for a metric of a plugin, which tells by ``Unavailable``.
    """
    if metric.compute is frechet_distance:
        return _fewest(space, space.dim)
    return 2 if metric.compute is kernel_distance else 1


def fid_note(n: int, n_reference: int) -> str | None:
    """What a reader of FID between ``n`` and ``n_reference`` images must know; None where both are above 2,048."""
    if min(n, n_reference) > DIM:
        return None
    return f"FID of {n} against {n_reference} images is biased upward: compare it within this board only."


def _fewest(space: FeatureSpace, dim: int) -> int:
    return 2 if space.name == "inception" else dim + 1


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """|mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^1/2) of features (n, d) and (m, d), n and m above 1.

    Unbiased covariances (Heusel et al. 2017, arXiv:1706.08500, eq. 6). (S_a S_b)^1/2 has the trace of
    (S_a^1/2 S_b S_a^1/2)^1/2, which is symmetric: real eigenvalues, no square root of a non-normal product.
    Where a set has no more than d images it is the sum of the singular values of A B^T, with S_a = A^T A and
    S_b = B^T B: (n, m) numbers in place of (d, d), and no square roots of rounding errors.
    """
    if min(len(a), len(b)) <= a.shape[1]:
        x, y = ((part - part.mean(0)) / np.sqrt(len(part) - 1) for part in (a, b))
        traces = np.square(x).sum() + np.square(y).sum()
        cross = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    else:
        s_a, s_b = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (a, b))
        values, vectors = np.linalg.eigh(s_a)
        # rounding leaves eigenvalues of a covariance just below 0
        root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
        traces = np.trace(s_a) + np.trace(s_b)
        cross = np.sqrt(np.linalg.eigvalsh(root @ s_b @ root).clip(min=0)).sum()
    return float(max(np.square(a.mean(0) - b.mean(0)).sum() + traces - 2 * cross, 0.0))


def scaled(
    generated: np.ndarray,
    reference: np.ndarray,
    train: np.ndarray | None,
    space: FeatureSpace,
    at_least: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The sets, checked, and ``train``: standardised by ``train`` for an rbf space, else as they are, and None."""
    if space.kernel == "rbf" and (train is None or len(train) == 0):
        raise InputError(f"{space.name} needs real training features for its scale but got none: pass train.")
    parts = (generated, reference) if space.kernel == "cubic" else (generated, reference, train)
    shapes = [part.shape for part in parts]
    if any(len(shape) != 2 for shape in shapes) or len({shape[1] for shape in shapes}) != 1:
        raise InputError(f"features have shapes {shapes}: give (n, d) arrays of one feature space.")
    if not all(np.isfinite(part).all() for part in parts):
        raise InputError("a feature is NaN or infinite: the images must be finite and in [0, 1].")
    if min(len(generated), len(reference)) < at_least:
        raise Unavailable(
            f"{len(generated)} generated and {len(reference)} reference images are too few: "
            f"at least {at_least} of each are needed."
        )
    if space.kernel == "cubic":
        return generated, reference, None
    return standardise(generated, train), standardise(reference, train), standardise(train, train)


KD = Metric(
    name="kd",
    title="Kernel distance",
    unit="1e-3",
    direction="down",
    range=(-float("inf"), float("inf")),
    kind="distribution",
    compute=kernel_distance,
    version=2,
    paper="Bińkowski et al. 2018, arXiv:1801.01401; Gretton et al. 2012, JMLR 13:723",
    scale=1e3,
    on_subsets=kernel_distance_on_subsets,
)
FD = Metric(
    name="fd",
    title="Fréchet distance",
    unit="",
    direction="down",
    range=(0.0, float("inf")),
    kind="distribution",
    compute=frechet_distance,
    version=1,
    paper="Dowson & Landau 1982, doi:10.1016/0047-259X(82)90077-X",
    headline=False,
)
FID = Metric(
    name="fid",
    title="Fréchet Inception distance",
    unit="",
    direction="down",
    range=(0.0, float("inf")),
    kind="distribution",
    compute=frechet_distance,
    version=1,
    paper="Heusel et al. 2017, arXiv:1706.08500",
    features=("inception",),
)
