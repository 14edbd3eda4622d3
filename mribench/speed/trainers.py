"""What users would train with in place of mribench, each at its own defaults: 64 x 64, one channel, in fp32.

The images lie in memory and nothing is logged or saved, which favours them; what augmentation each has stands in its
``settings``. Images are drawn by each library's own DDIM sampler.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Protocol

import numpy as np
import torch
import torch.nn.functional as F

from mribench import profiles
from mribench.errors import InputError
from mribench.variants.ddpm import DDPM

SAMPLE_BATCH = 16


class Trainer(Protocol):
    """A training loop that was given its images, uint8 (n, H, W), and the seed of everything that it draws."""

    name: ClassVar[str]
    settings: ClassVar[str]
    batch: ClassVar[int]
    net: torch.nn.Module

    def __init__(self, images: np.ndarray, seed: int): ...

    def step(self) -> None:
        """One update of the weights."""

    def sample(self, n: int, steps: int) -> np.ndarray:
        """float32 (n, H, W) in [0, 1], drawn by DDIM in ``steps`` steps."""


class Diffusers:
    """diffusers' ``examples/unconditional_image_generation/train_unconditional.py``."""

    name = "diffusers"
    settings = "train_unconditional.py: 114 M parameters, batch 16, AdamW 1e-4, EMA, epsilon, no augmentation"
    batch = 16

    def __init__(self, images: np.ndarray, seed: int):
        from mribench.speed.reference import ReferenceLoop

        torch.manual_seed(seed)
        self.scheduler = DDPM.scheduler(profiles.PAPER)
        net = DDPM.network(profiles.PAPER)
        self.loop = ReferenceLoop(net, self.scheduler, images, self.batch, flip=False)  # the script's default
        self.net = self.loop.net

    def step(self) -> None:
        self.loop(1)

    def sample(self, n: int, steps: int) -> np.ndarray:
        from diffusers import DDIMPipeline, DDIMScheduler

        self.loop.ema.copy_to(self.net.parameters())
        pipeline = DDIMPipeline(self.net.eval(), DDIMScheduler.from_config(self.scheduler.config))
        pipeline.set_progress_bar_config(disable=True)
        parts = [
            pipeline(size, num_inference_steps=steps, output_type="np").images[..., 0] for size in _sizes(n)
        ]
        return np.concatenate(parts).astype(np.float32)


class Lucidrains:
    """``Trainer`` of denoising-diffusion-pytorch, with the network of its README."""

    name = "denoising-diffusion-pytorch"
    settings = "Trainer: Unet of width 64, batch 16, Adam 1e-4, EMA 0.995 every 10, v, flips"
    batch = 16

    def __init__(self, images: np.ndarray, seed: int):
        from denoising_diffusion_pytorch import GaussianDiffusion, Unet
        from ema_pytorch import EMA

        torch.manual_seed(seed)
        self.net = Unet(dim=64, dim_mults=(1, 2, 4, 8), channels=1)
        self.diffusion = GaussianDiffusion(self.net, image_size=images.shape[1])
        self.optimizer = torch.optim.Adam(self.diffusion.parameters(), lr=1e-4, betas=(0.9, 0.99))
        self.ema = EMA(self.diffusion, beta=0.995, update_every=10)
        self.batches = _batches(images, self.batch)

    def step(self) -> None:
        x = next(self.batches)
        x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(-1), x)
        self.optimizer.zero_grad()
        self.diffusion(x).backward()
        torch.nn.utils.clip_grad_norm_(self.diffusion.parameters(), 1.0)
        self.optimizer.step()
        self.ema.update()

    def sample(self, n: int, steps: int) -> np.ndarray:
        model = self.ema.ema_model.eval()
        model.sampling_timesteps, model.is_ddim_sampling = steps, True
        with torch.no_grad():
            return torch.cat([model.sample(batch_size=size) for size in _sizes(n)])[:, 0].numpy()


class Monai:
    """MONAI's tutorial ``2d_ddpm``, for 64 x 64 images of MedNIST; its small random affine maps are left out."""

    name = "MONAI"
    settings = "tutorial 2d_ddpm: channels 128, 256, 256, batch 128, Adam 2.5e-5, epsilon, no augmentation"
    batch = 128

    def __init__(self, images: np.ndarray, seed: int):
        from monai.inferers import DiffusionInferer
        from monai.networks.nets import DiffusionModelUNet
        from monai.networks.schedulers import DDPMScheduler

        torch.manual_seed(seed)
        self.net = DiffusionModelUNet(
            spatial_dims=2,
            in_channels=1,
            out_channels=1,
            channels=(128, 256, 256),
            attention_levels=(False, True, True),
            num_res_blocks=1,
            num_head_channels=256,
        )
        self.inferer = DiffusionInferer(DDPMScheduler(num_train_timesteps=1000))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=2.5e-5)
        self.side = images.shape[1]
        self.batches = _batches(images, self.batch)

    def step(self) -> None:
        x = next(self.batches)
        noise, t = torch.randn_like(x), torch.randint(0, 1000, (len(x),))
        self.optimizer.zero_grad(set_to_none=True)
        found = self.inferer(inputs=x, diffusion_model=self.net, noise=noise, timesteps=t)
        F.mse_loss(found.float(), noise).backward()
        self.optimizer.step()

    def sample(self, n: int, steps: int) -> np.ndarray:
        from monai.networks.schedulers import DDIMScheduler

        scheduler = DDIMScheduler(num_train_timesteps=1000)
        scheduler.set_timesteps(num_inference_steps=steps)
        self.net.eval()
        with torch.no_grad():
            parts = [
                self.inferer.sample(
                    input_noise=torch.randn(size, 1, self.side, self.side),
                    diffusion_model=self.net,
                    scheduler=scheduler,
                    verbose=False,
                )
                for size in _sizes(n)
            ]
        return torch.cat(parts)[:, 0].clamp(0, 1).numpy()


TRAINERS: tuple[type[Trainer], ...] = (Diffusers, Lucidrains, Monai)


def check() -> None:
    """Raises InputError where a library is missing."""
    from importlib.util import find_spec

    needed = ("denoising_diffusion_pytorch", "monai")
    if missing := [name for name in needed if find_spec(name) is None]:
        raise InputError(
            f"--quality trains with {' and '.join(missing)}, which this environment has not; "
            "pip install mribench[trainers]"
        )


def _batches(images: np.ndarray, size: int) -> Iterator[torch.Tensor]:
    """float32 (size, 1, H, W) in [0, 1], without end, every image once in each round."""
    pixels = torch.from_numpy(images).unsqueeze(1)
    while True:
        order = torch.randperm(len(pixels))
        for start in range(0, len(order) - size + 1, size):
            yield pixels[order[start : start + size]].float() / 255


def _sizes(n: int) -> Iterator[int]:
    """Of batches of at most ``SAMPLE_BATCH`` that make n."""
    for start in range(0, n, SAMPLE_BATCH):
        yield min(SAMPLE_BATCH, n - start)
