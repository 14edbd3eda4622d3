"""The reference loop: diffusers' ``examples/unconditional_image_generation/train_unconditional.py``.

It behaves as that script does at its defaults: images are decoded from PNG by a ``DataLoader`` without workers and
transformed one by one by torchvision; fp32; AdamW in its default implementation; ``EMAModel``; gradient clipping at 1;
the loss is read once per step. There are two differences. Images are grey (the script forces RGB), so that the network
is the same. Nothing is logged or saved, which favours the reference.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from mribench import device


def _dataset(images: np.ndarray, size: int, flip: bool) -> Any:
    """A Hugging Face data set of PNG images that transforms what it gives, as the script's does."""
    from datasets import Dataset, Features, Image
    from PIL import Image as Pillow
    from torchvision import transforms

    def png(image: np.ndarray) -> dict[str, Any]:
        buffer = io.BytesIO()
        Pillow.fromarray(image).save(buffer, "png")
        return {"bytes": buffer.getvalue(), "path": None}

    augment = transforms.Compose(
        [
            transforms.Resize(size, interpolation=transforms.InterpolationMode.BILINEAR),
            transforms.CenterCrop(size),
            transforms.RandomHorizontalFlip() if flip else transforms.Lambda(lambda image: image),
            transforms.ToTensor(),
            transforms.Normalize([0.5], [0.5]),
        ]
    )
    data = Dataset.from_dict(
        {"image": [png(image) for image in images]}, features=Features({"image": Image()})
    )
    data.set_transform(lambda rows: {"input": [augment(image.convert("L")) for image in rows["image"]]})
    return data


class ReferenceLoop:
    """Called with a number of steps, which it trains. Images are uint8 (n, H, W).

    flip: the script's ``--random_flip``, which is off by default.
    """

    def __init__(
        self, net: torch.nn.Module, scheduler: Any, images: np.ndarray, batch: int, flip: bool = True
    ):
        from diffusers.optimization import get_scheduler
        from diffusers.training_utils import EMAModel

        self.accelerator = device.accelerator("fp32")
        self.scheduler = scheduler
        self.ema = EMAModel(net.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6)
        loader = torch.utils.data.DataLoader(
            _dataset(images, images.shape[1], flip),
            batch_size=batch,
            shuffle=True,
            num_workers=0,
            drop_last=True,
        )
        rate = get_scheduler("cosine", optimizer, num_warmup_steps=500, num_training_steps=100_000)
        self.net, self.optimizer, self.loader, self.rate = self.accelerator.prepare(
            net, optimizer, loader, rate
        )
        self.ema.to(self.accelerator.device)
        self.batches = self._endless_batches()

    def _endless_batches(self) -> Iterator[torch.Tensor]:
        while True:
            yield from (batch["input"] for batch in self.loader)

    def __call__(self, steps: int) -> None:
        self.net.train()
        for _ in range(steps):
            clean = next(self.batches)
            noise = torch.randn(clean.shape, device=clean.device)
            t = torch.randint(
                0, self.scheduler.config.num_train_timesteps, (len(clean),), device=clean.device
            )
            noisy = self.scheduler.add_noise(clean, noise, t)
            target = noise
            if self.scheduler.config.prediction_type == "v_prediction":
                target = self.scheduler.get_velocity(clean, noise, t)
            loss = F.mse_loss(self.net(noisy, t).sample.float(), target.float())
            self.accelerator.backward(loss)
            self.accelerator.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optimizer.step()
            self.rate.step()
            self.optimizer.zero_grad()
            self.ema.step(self.net.parameters())
            loss.detach().item()
