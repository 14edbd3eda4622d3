"""The task, its solvers and metrics hold to the kit."""

from mribench.testing import conforms

test_translation = conforms("tasks", "translation")

test_palette = conforms("solvers", "palette")
test_channel_inpainting = conforms("solvers", "channel-inpainting")
test_dual_bridge = conforms("solvers", "dual-bridge")
test_sdedit = conforms("solvers", "sdedit")
test_unet = conforms("solvers", "translation-unet")
test_pix2pix = conforms("solvers", "pix2pix")
test_identity = conforms("solvers", "identity")
test_histogram_matching = conforms("solvers", "histogram-matching")
test_intensity_map = conforms("solvers", "intensity-map")
test_patch_regression = conforms("solvers", "patch-regression")
test_signal_equation = conforms("solvers", "signal-equation")
test_target_mean = conforms("solvers", "target-mean")

test_nmae = conforms("metrics", "nmae")
test_nmae_fg = conforms("metrics", "nmae_fg")
test_nmae_mean = conforms("metrics", "nmae_mean")
test_ssim_mean = conforms("metrics", "ssim_mean")
