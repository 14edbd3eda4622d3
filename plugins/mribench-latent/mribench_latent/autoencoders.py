"""diffusers' autoencoders, called as their losses need it: one call is one pass of training."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL, VQModel


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


class VQAutoencoder(VQModel):
    """diffusers' ``VQModel``; a call gives what the loss of a codebook needs."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The image decoded from quantised latents, the latents z_e(x) and their codes z_q(x), each (N, 4, H/4, W/4).

        x: Images in [-1, 1], float32 (N, 1, H, W). The decoder's gradient passes the quantisation straight through;
        that of the codes is the codebook's.
        """
        z = self.encode(x).latents
        _, _, (_, _, chosen) = self.quantize(z)
        n, channels, height, width = z.shape
        codes = self.quantize.get_codebook_entry(chosen, (n, height, width, channels))
        straight = z + (codes - z).detach()
        return self.decode(straight, force_not_quantize=True).sample, z, codes
