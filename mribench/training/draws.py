"""Random numbers for the losses of a training: of one step, and of the validation set."""

from __future__ import annotations

import torch

from mribench.seeds import numpy_rng, torch_generator


class BatchDraws:
    """A ``mribench.spec.Draws`` for one step.

    It draws for the whole batch in every process and gives the rows of this one: n processes see what one sees.

    Args:
        generator: seeded by (seed, step), on the device.
        size: images of the whole batch.
        mine: the rows of this process.
    """

    def __init__(self, generator: torch.Generator, size: int, mine: slice):
        self._generator, self._size, self._mine = generator, size, mine

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn((self._size, *shape), **self._where)[self._mine]

    def uniform(self, *shape: int) -> torch.Tensor:
        return torch.rand((self._size, *shape), **self._where)[self._mine]

    def integers(self, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(high, (self._size, *shape), **self._where)[self._mine]

    @property
    def _where(self) -> dict:
        return {"generator": self._generator, "device": self._generator.device}


class ValidationDraws:
    """A ``mribench.spec.Draws`` for a part of the validation images: the same numbers at every evaluation.

    Integers and uniform numbers, which choose timesteps and levels, are stratified over the whole set, so that the
    validation loss does not hang on a lucky draw.

    Args:
        n: images of the whole set.
        rows: those of this part.
        where: the device.
    """

    def __init__(self, n: int, rows: slice, where: torch.device):
        self._n, self._rows, self._where = n, rows, where
        self._generator = torch_generator("validation", device=where.type)
        self._orders = 0  # how many have been drawn

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn((self._n, *shape), generator=self._generator, device=self._where)[self._rows]

    def uniform(self, *shape: int) -> torch.Tensor:
        if shape:
            whole = torch.rand((self._n, *shape), generator=self._generator, device=self._where)
            return whole[self._rows]
        return ((self._strata() + 0.5) / self._n)[self._rows]

    def integers(self, high: int, *shape: int) -> torch.Tensor:
        if shape:
            size = (self._n, *shape)
            whole = torch.randint(high, size, generator=self._generator, device=self._where)
            return whole[self._rows]
        return ((self._strata() + 0.5) * high / self._n).long()[self._rows]

    def _strata(self) -> torch.Tensor:
        """0 .. n - 1 in an order that has nothing to do with that of the images."""
        rng = numpy_rng("validation", self._orders) if self._orders else numpy_rng("validation")
        self._orders += 1
        return torch.from_numpy(rng.permutation(self._n)).to(self._where)
