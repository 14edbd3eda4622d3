"""Generative models that are no diffusion, to compare with: each file is one family, with its paper's equations."""
