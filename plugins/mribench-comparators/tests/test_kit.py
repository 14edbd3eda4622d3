"""The conformance kit, with its own toys, on every family."""

from mribench.testing import conforms

test_vae = conforms("variants", "vae")
test_gan = conforms("variants", "gan")
test_adversarial_diffusion = conforms("variants", "adversarial-diffusion")
test_flow_nf = conforms("variants", "flow-nf")
test_dae = conforms("variants", "dae")
