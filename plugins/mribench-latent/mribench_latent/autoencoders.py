"""diffusers' autoencoder, called as its loss needs it: one call is one pass of training."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL


class KLAutoencoder(AutoencoderKL):
    """diffusers' ``AutoencoderKL``; a call gives what the ELBO needs."""

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The image decoded from z = mu + std noise, and KL(q(z|x) || N(0, 1)) in nats, (N,).

        Args:
            x: Images in [-1, 1], float32 (N, 1, H, W).
            noise: Standard normal, float32 (N, 4, H / 4, W / 4).
        """
        posterior = self.encode(x).latent_dist
        return self.decode(posterior.mean + posterior.std * noise).sample, posterior.kl()
