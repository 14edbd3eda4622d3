"""The tasks, their solvers and metrics hold to the kit."""

from mribench.testing import conforms

test_registration = conforms("tasks", "registration")

test_voxelmorph = conforms("solvers", "voxelmorph")
test_diffeomorphic = conforms("solvers", "voxelmorph-diff")
test_tvl1 = conforms("solvers", "tv-l1")
test_demons = conforms("solvers", "demons")
test_no_motion = conforms("solvers", "no-motion")
test_true_motion = conforms("solvers", "true-motion")

test_error = conforms("metrics", "registration_error")
test_dice = conforms("metrics", "registration_dice")
test_folding = conforms("metrics", "registration_folding")
test_psnr = conforms("metrics", "registration_psnr")
