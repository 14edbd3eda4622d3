"""The task, its solvers and metrics hold to the kit."""

from mribench.testing import conforms

test_delineation = conforms("tasks", "delineation")

test_gaussian = conforms("solvers", "gaussian-mask-diffusion")
test_bernoulli = conforms("solvers", "bernoulli-diffusion")
test_dynunet = conforms("solvers", "dynunet")
test_unet = conforms("solvers", "segmentation-unet")
test_ensemble = conforms("solvers", "unet-ensemble")
test_otsu = conforms("solvers", "multi-otsu")
test_atlas = conforms("solvers", "probabilistic-atlas")
test_majority = conforms("solvers", "label-majority")
test_truth = conforms("solvers", "true-labels")

test_dice = conforms("metrics", "delineation_dice")
test_dice_draw = conforms("metrics", "delineation_dice_draw")
test_hd95 = conforms("metrics", "delineation_hd95")
test_ged = conforms("metrics", "delineation_ged")
test_overconfidence = conforms("metrics", "delineation_overconfidence")
