"""Grey images from a plain ``UNet2DModel``, by the sampler that the model card's scores are of.

This file is published beside the weights and needs diffusers alone. The U-Net may see patches: ``patch`` x ``patch``
pixels as the channels of one (Shi et al. 2016, arXiv 1609.05158).
"""

from inspect import signature
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import DiffusionPipeline, ImagePipelineOutput, SchedulerMixin, UNet2DModel
from diffusers.utils.torch_utils import randn_tensor


class GreyImagePipeline(DiffusionPipeline):
    """Unconditional generation of grey images.

    Args:
        unet: ``patch**2`` channels in and out; its sides are those of the images over ``patch``.
        scheduler: Of the sampler.
        patch: Side of the patches, 1 for pixels.
        num_inference_steps: Of the sampler.
        timesteps: Those that the sampler visits, where they are not the scheduler's own.
    """

    def __init__(
        self,
        unet: UNet2DModel,
        scheduler: SchedulerMixin,
        patch: int = 1,
        num_inference_steps: int = 50,
        timesteps: list[int] | None = None,
    ):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
        self.register_to_config(patch=patch, num_inference_steps=num_inference_steps, timesteps=timesteps)

    @torch.no_grad()
    def __call__(
        self,
        batch_size: int = 1,
        num_inference_steps: int | None = None,
        generator: torch.Generator | list[torch.Generator] | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
    ) -> Any:
        """``images``: PIL images, or with ``output_type="np"`` float32 (batch_size, H, W, 1) in [0, 1].

        Args:
            batch_size: Number of images.
            num_inference_steps: None visits the timesteps of the sampler, a number those of the scheduler.
            generator: One, or one for each image.
            output_type: ``pil`` or ``np``.
            return_dict: False returns a tuple.
        """
        patch, side, device = self.config.patch, self.unet.config.sample_size, self._execution_device
        shape = (batch_size, 1, side * patch, side * patch)
        x = F.pixel_unshuffle(randn_tensor(shape, generator, device, self.unet.dtype), patch)
        x = x * self.scheduler.init_noise_sigma
        own = num_inference_steps is None
        timesteps = set_timesteps(
            self.scheduler,
            self.config.num_inference_steps if own else num_inference_steps,
            self.config.timesteps if own else None,
        )
        draws = {"generator": generator} if "generator" in signature(self.scheduler.step).parameters else {}
        for t in self.progress_bar(timesteps):
            output = self.unet(self.scheduler.scale_model_input(x, t), t).sample
            x = self.scheduler.step(output, t, x, **draws).prev_sample
        pixels = F.pixel_shuffle(x, patch).float().clamp(-1, 1) / 2 + 0.5
        images = pixels.permute(0, 2, 3, 1).cpu().numpy()
        if output_type == "pil":
            images = self.numpy_to_pil(images)
        return ImagePipelineOutput(images=images) if return_dict else (images,)


def set_timesteps(scheduler: Any, steps: int, timesteps: list[int] | None = None) -> Any:
    """Prepare a scheduler for a run; returns the timesteps to visit, ``timesteps`` where they are given."""
    if timesteps is not None and "timesteps" in signature(scheduler.set_timesteps).parameters:
        scheduler.set_timesteps(timesteps=timesteps)
    else:
        scheduler.set_timesteps(steps)
    return scheduler.timesteps if timesteps is None else timesteps
