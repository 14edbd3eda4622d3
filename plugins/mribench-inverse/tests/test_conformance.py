"""Every solver and task holds to the kit."""

from mribench.testing import conforms

test_dds = conforms("solvers", "dds")
test_diffpir = conforms("solvers", "diffpir")
test_dps = conforms("solvers", "dps")
test_langevin = conforms("solvers", "langevin-posterior")
test_moment_matching = conforms("solvers", "moment-matching")
test_pigdm = conforms("solvers", "pigdm")
test_pnp = conforms("solvers", "pnp")
test_replacement = conforms("solvers", "replacement")
test_bicubic = conforms("solvers", "bicubic")
test_biharmonic = conforms("solvers", "biharmonic")
test_nlm = conforms("solvers", "nlm")
test_sense = conforms("solvers", "sense")
test_tv = conforms("solvers", "tv")
test_zero_filled = conforms("solvers", "zero-filled")

test_mri = conforms("tasks", "mri")
test_mri_4_coils = conforms("tasks", "mri-4-coils")
test_superres = conforms("tasks", "superres")
test_inpaint_box = conforms("tasks", "inpaint-box")
test_inpaint_random = conforms("tasks", "inpaint-random")
test_denoise_gaussian = conforms("tasks", "denoise-gaussian")
test_denoise_rician = conforms("tasks", "denoise-rician")
