"""Where a step's images come from: the whole set on the device, or one batch after another from the host.

Both give the same batches in the same order; ``choose_loader`` decides by the memory that is free.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch

from mribench import device
from mribench.progress import say

MEMORY_SHARE = 0.5  # of the free memory, for the images; gradients and activations need the rest
SLOTS = 4  # batches that the host may be ahead of the device


class InMemory:
    """The whole set in the device's memory. On a CPU it stays where it is, also where it is memory-mapped.

    images: uint8 (n, H, W), in memory or memory-mapped. rows: int32 (steps, batch), indices into them.
    """

    def __init__(self, images: np.ndarray, rows: np.ndarray, where: torch.device):
        self.shape, self.device = (rows.shape[1], *images.shape[1:]), where
        self._images = torch.from_numpy(images).to(where)
        self._rows = torch.from_numpy(rows).to(where)

    def fill(self, pixels: torch.Tensor, step: int) -> None:
        """Put batch ``step`` into ``pixels``, uint8 (batch, H, W) on the device; nothing is waited for."""
        torch.index_select(self._images, 0, self._rows[step], out=pixels)


class Prefetched:
    """A set that stays on the host: while a step computes, a thread gathers the next batch and sends it ahead.

    Arguments and ``fill`` as of ``InMemory``. Steps are expected in order; another one is right too, but waited for. On
    a GPU batches go through pinned memory on a stream of their own.
    """

    def __init__(self, images: np.ndarray, rows: np.ndarray, where: torch.device):
        self.shape, self.device = (rows.shape[1], *images.shape[1:]), where
        self._images, self._rows = images, rows
        # high priority: such streams are a pool of their own, and a thread must not meet one that is being recorded
        self._side = torch.cuda.Stream(where, priority=-1) if where.type == "cuda" else None
        self._slots = cycle([_slot(self.shape, self._side) for _ in range(SLOTS)])
        self._reader = ThreadPoolExecutor(1, "batches")  # its thread ends when this object is gone
        self._ahead: tuple[int, Future[_Slot]] | None = None

    def fill(self, pixels: torch.Tensor, step: int) -> None:
        if self._ahead is None or self._ahead[0] != step:
            self._prefetch(step)
        slot = self._ahead[1].result()
        if self._side is None:
            pixels.copy_(slot.host)
        else:
            now = torch.cuda.current_stream(self.device)
            now.wait_event(slot.sent)
            pixels.copy_(slot.device)
            slot.taken.record(now)
            slot.device.record_stream(now)
        self._ahead = None
        if step + 1 < len(self._rows):
            self._prefetch(step + 1)

    def _prefetch(self, step: int) -> None:
        self._ahead = step, self._reader.submit(self._read, step, next(self._slots))

    def _read(self, step: int, slot: _Slot) -> _Slot:
        """In the thread: batch ``step`` into the slot, and on its way to the device."""
        if self._side is not None:
            slot.sent.synchronize()  # what was in this slot before
        # with "raise" numpy would gather into a buffer and copy that
        np.take(self._images, self._rows[step], axis=0, out=slot.host.numpy(), mode="clip")
        if self._side is not None:
            with torch.cuda.stream(self._side):
                self._side.wait_event(slot.taken)
                slot.device.copy_(slot.host, non_blocking=True)
                slot.sent.record(self._side)
        return slot


@dataclass(frozen=True)
class _Slot:
    """Memory for one batch."""

    host: torch.Tensor
    device: torch.Tensor | None = None
    sent: torch.cuda.Event | None = None  # the batch has left ``host``
    taken: torch.cuda.Event | None = None  # the batch has been copied out of ``device``


def _slot(shape: tuple[int, ...], side: torch.cuda.Stream | None) -> _Slot:
    host = torch.empty(shape, dtype=torch.uint8, pin_memory=side is not None)
    if side is None:
        return _Slot(host)
    with torch.cuda.stream(side):
        device = torch.empty(shape, dtype=torch.uint8, device=side.device)
    return _Slot(host, device, torch.cuda.Event(), torch.cuda.Event())


def choose_loader(
    images: np.ndarray, rows: np.ndarray, where: torch.device, title: str
) -> InMemory | Prefetched:
    """``InMemory`` where the images take at most ``MEMORY_SHARE`` of the free memory, else ``Prefetched``."""
    room = MEMORY_SHARE * _free_bytes(where)
    if images.nbytes <= room:
        return InMemory(images, rows, where)
    say(
        f"{title}: {images.nbytes / 2**30:.3g} GiB of images are streamed, for they may take {room / 2**30:.3g} GiB"
    )
    return Prefetched(images, rows, where)


def _free_bytes(where: torch.device) -> float:
    """Free memory of the device; of a CPU that of the machine."""
    if where.type == "cpu":
        return device.free_gib() * 2**30
    # memory that PyTorch's allocator holds but does not use is free as well
    cached = torch.cuda.memory_reserved(where) - torch.cuda.memory_allocated(where)
    return torch.cuda.mem_get_info(where)[0] + cached
