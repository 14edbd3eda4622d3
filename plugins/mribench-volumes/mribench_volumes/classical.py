"""Registration without a network, by well-kept libraries; and the two ends of the board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mribench.spec import Draws, Expected, Measurement, Solver
from mribench_volumes.motion import KIND, TRUTH, as_answer, pair

if TYPE_CHECKING:
    import torch

DEMONS_STEPS = 100


def each(m: Measurement, register: Any) -> torch.Tensor:
    """An answer of every pair. register: Of fixed and moving image (H, W), (2, H, W) in pixels."""
    import torch

    fixed, moving = (part[:, 0].cpu().numpy() for part in pair(m.y))
    found = [register(*images) for images in zip(fixed, moving, strict=True)]
    return as_answer(torch.from_numpy(np.stack(found).astype(np.float32)).to(m.y.device))


def by_tvl1(known: None, m: Measurement, draws: Draws, attachment: float = 15.0) -> torch.Tensor:
    """scikit-image's TV-L1 optical flow. attachment: Weight of the images beside the smoothness of the motion."""
    from skimage.registration import optical_flow_tvl1

    return each(m, lambda fixed, moving: optical_flow_tvl1(fixed, moving, attachment=attachment))


def by_demons(known: None, m: Measurement, draws: Draws, smoothing: float = 1.0) -> torch.Tensor:
    """SimpleITK's diffeomorphic demons. smoothing: Of the motion, standard deviation in pixels."""
    import SimpleITK

    def register(fixed: np.ndarray, moving: np.ndarray) -> np.ndarray:
        demons = SimpleITK.DiffeomorphicDemonsRegistrationFilter()
        demons.SetNumberOfThreads(1)
        demons.SetNumberOfIterations(DEMONS_STEPS)
        demons.SetStandardDeviations(smoothing)
        images = (SimpleITK.GetImageFromArray(image.astype(np.float64)) for image in (fixed, moving))
        # vectors are (right, down)
        return SimpleITK.GetArrayFromImage(demons.Execute(*images)).transpose(2, 0, 1)[::-1].copy()

    return each(m, register)


def by_no_motion(known: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """Everything stays where it is."""
    return as_answer(m.y.new_zeros(len(m.y), 2, *m.shape))


def _solver(name: str, title: str, paper: str, solve: Any, **more: Any) -> Solver:
    return Solver(name, title, paper, solve, needs=(), kinds=(KIND,), samples=False, **more)


TVL1 = _solver(
    "tv-l1",
    "TV-L1 optical flow",
    "Wedel et al. 2009, doi:10.1007/978-3-642-03061-1_2; Sanchez Perez et al. 2013, doi:10.5201/ipol.2013.26",
    by_tvl1,
    search=tuple({"attachment": weight} for weight in (5.0, 15.0, 50.0)),
)
DEMONS = _solver(
    "demons",
    "diffeomorphic demons",
    "Vercauteren et al. 2009, doi:10.1016/j.neuroimage.2008.10.040",
    by_demons,
    search=tuple({"smoothing": width} for width in (0.7, 1.0, 1.5, 2.0)),
)
NO_MOTION = _solver(
    "no-motion",
    "no motion",
    "control: the moving image as it is",
    by_no_motion,
    expected=Expected("last", "an answer that moves nothing must be the worst"),
)
TRUE_MOTION = _solver(
    "true-motion",
    "true motion",
    "control: the motion by which the phantom was drawn",
    by_no_motion,
    fields=(TRUTH,),
    expected=Expected("ahead of last", "the true motion must be nearer to itself than no motion is"),
)
