"""Can the denoising loss of an image tell whether the network was trained on it?

Membership inference by a threshold on the loss (Yeom et al. 2018, arXiv:1709.01604; for diffusion models Matsumoto et
al. 2023, arXiv:2302.03262): AUROC 0.5 where members and others are alike, above where members have the lower loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mribench.audit.losses import LEVELS
from mribench.audit.permutation import permutation_test
from mribench.spec import Prepared

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
NO_NETWORK = "no network: nothing was trained, so no loss tells members from others"


def membership_inference(outputs: Mapping[str, np.ndarray], data: Prepared) -> dict[str, Any]:
    """AUROC of train against test images, from their losses at every level.

    Losses of different levels differ by orders of magnitude, so an image's score is its mean rank over the levels.

    Args:
        outputs: what ``losses.produce`` made.
        data: the prepared set that its rows point into.

    Returns:
        ``auroc`` with ``low`` and ``high``, a 95 % interval over the subjects of both splits; ``p`` of the rank sum of
        the training subjects under permutation; ``by_level``, [[alpha_bar, auroc], ...]; ``n`` and ``subjects``, of
        train and of test. Only ``auroc`` None and a ``reason`` where there are no finite losses.
    """
    if "train_loss" not in outputs:
        return {"auroc": None, "reason": NO_NETWORK}
    groups = [
        [getattr(data, name).subjects[row] for row in outputs[f"{name}_rows"]] for name in ("train", "test")
    ]
    losses = np.concatenate([outputs["train_loss"], outputs["test_loss"]], axis=1).astype(np.float64)
    if not np.isfinite(losses).all():
        return {"auroc": None, "reason": "a loss is not finite"}
    member = np.arange(losses.shape[1]) < len(groups[0])
    scores = _ranks(losses).mean(0)
    low, high = _interval(scores, member, groups)
    return {
        "auroc": auroc(scores[member], scores[~member]),
        "low": low,
        "high": high,
        "p": _p_value(scores, member, groups),
        "by_level": [
            [level, auroc(of_level[member], of_level[~member])]
            for level, of_level in zip(LEVELS, losses, strict=True)
        ],
        "n": [int(member.sum()), int((~member).sum())],
        "subjects": [len(set(group)) for group in groups],
    }


def auroc(members: np.ndarray, others: np.ndarray) -> float:
    """P(loss of a member < loss of another) + P(equal) / 2, in [0, 1]: the Mann-Whitney statistic."""
    ranks = _ranks(np.concatenate([members, others]))
    n, m = len(members), len(others)
    return float(1 - (ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def _p_value(scores: np.ndarray, member: np.ndarray, groups: Sequence[Sequence[str]]) -> float | None:
    """Wilcoxon's rank sum of the subjects' mean scores, by permutation; None where a split has one subject."""
    means = []
    for part, group in zip((scores[member], scores[~member]), groups, strict=True):
        _, which, counts = np.unique(np.asarray(group), return_inverse=True, return_counts=True)
        means.append(np.bincount(which, part) / counts)
    if min(map(len, means)) < 2:
        return None
    ranks = _ranks(np.concatenate(means))
    return permutation_test(-ranks, np.arange(len(ranks)) < len(means[0]), "membership")["p"]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 along the last axis, float64; equal values share their mean rank."""
    # takes a second to import, which audits without losses need not wait for
    from scipy.stats import rankdata

    return rankdata(values, axis=-1)


def _interval(
    scores: np.ndarray, member: np.ndarray, groups: Sequence[Sequence[str]], seed: int = 0
) -> tuple[float, float] | tuple[None, None]:
    """95 % percentile bootstrap over the subjects of both splits; None where a split has one subject."""
    train, test = (np.unique(group, return_inverse=True)[1] for group in groups)
    if min(train.max(), test.max()) < 1:
        return None, None
    ours, theirs = scores[member][:, None], scores[~member]
    wins = (ours < theirs) + (ours == theirs) / 2
    # summed per pair of subjects first: a resample is then two small products
    of_train, of_test = np.eye(train.max() + 1)[train], np.eye(test.max() + 1)[test]
    won = of_train.T @ wins @ of_test
    rng = np.random.default_rng(seed)
    times = [
        rng.multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(np.float64) for n in (len(won), won.shape[1])
    ]
    pairs = (times[0] @ of_train.sum(0)) * (times[1] @ of_test.sum(0))
    low, high = np.percentile(((times[0] @ won) * times[1]).sum(1) / pairs, PERCENTILES)
    return float(low), float(high)
