"""The tasks, their solvers and metrics hold to the kit."""

from mribench.testing import conforms

test_registration = conforms("tasks", "registration")

test_voxelmorph = conforms("solvers", "voxelmorph")
test_diffeomorphic = conforms("solvers", "voxelmorph-diff")
test_diffusemorph = conforms("solvers", "diffusemorph")
test_tvl1 = conforms("solvers", "tv-l1")
test_demons = conforms("solvers", "demons")
test_no_motion = conforms("solvers", "no-motion")
test_true_motion = conforms("solvers", "true-motion")

test_error = conforms("metrics", "registration_error")
test_still = conforms("metrics", "registration_still")
test_dice = conforms("metrics", "registration_dice")
test_folding = conforms("metrics", "registration_folding")
test_psnr = conforms("metrics", "registration_psnr")

test_neighbours = conforms("tasks", "neighbours")

test_diffusion = conforms("solvers", "neighbour-diffusion")
test_unet = conforms("solvers", "neighbour-unet")
test_closest = conforms("solvers", "closest-subject")
test_repeated = conforms("solvers", "repeated-slice")
test_shuffled = conforms("solvers", "another-subject")
test_true_slices = conforms("solvers", "true-slices")

test_score = conforms("metrics", "neighbours_score")
test_gap = conforms("metrics", "neighbours_gap")
test_slice_psnr = conforms("metrics", "neighbours_psnr")
