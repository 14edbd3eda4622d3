"""Generators in several stages for mribench: latent diffusion, progressive distillation, cascades."""
