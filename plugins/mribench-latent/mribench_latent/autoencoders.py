"""diffusers' autoencoders, called as their losses need them: one call is one pass of training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
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
    """diffusers' ``VQModel`` with latents and codes of length 1; a call gives what the loss of a codebook needs.

    Without that length a few codes soon take all latents (Yu et al. 2022, arXiv 2110.04627, section 3.2).
    """

    def latents(self, x: torch.Tensor) -> torch.Tensor:
        """z_e(x) of length 1, before quantisation, float32 (N, 4, H / 4, W / 4); x as of ``forward``."""
        return F.normalize(self.encode(x).latents.float(), dim=1)

    def nearest(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The code at the smallest angle to each latent, float32 like z, and its index, int64 (N, h, w)."""
        codes = F.normalize(self.quantize.embedding.weight.float(), dim=1)
        index = torch.einsum("nchw,kc->nkhw", z.float(), codes).argmax(dim=1)
        return codes[index].movedim(-1, 1), index

    def images(self, codes: torch.Tensor) -> torch.Tensor:
        """What the decoder makes of codes, (N, 1, H, W)."""
        return self.decode(codes, force_not_quantize=True).sample

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The image decoded from the codes, the latents and the codes.

        The gradient passes from the codes to the latents as if nothing was between them (van den Oord et al., section
        3.2).

        Args:
            x: Images in [-1, 1], float32 (N, 1, H, W).
        """
        z = self.latents(x)
        codes, _ = self.nearest(z)
        return self.images(z + (codes - z).detach()), z, codes
