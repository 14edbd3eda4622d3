"""Every family holds to the kit: also that it learns a toy."""

from mribench.testing import conforms

test_cosine = conforms("variants", "cosine")
test_min_snr = conforms("variants", "min-snr")
test_p2 = conforms("variants", "p2")
test_x0 = conforms("variants", "x0")
test_edm = conforms("variants", "edm")
test_ve = conforms("variants", "ve")
test_sub_vp = conforms("variants", "sub-vp")
test_iddpm = conforms("variants", "iddpm")
test_iddpm_sampler = conforms("samplers", "iddpm")
test_masked = conforms("variants", "masked")
test_coarse = conforms("variants", "coarse")
test_octaves = conforms("variants", "octaves")
