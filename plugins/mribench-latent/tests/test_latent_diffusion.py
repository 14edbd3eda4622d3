"""The autoencoders of latent diffusion: their losses in closed form, and the kit."""

from mribench.testing import conforms

test_ldm_kl = conforms("variants", "ldm-kl")
test_ldm_vq = conforms("variants", "ldm-vq")
