"""Where a step's images come from: the whole set on the device, or one batch after another from the host.

Both give the same batches in the same order; ``fitting`` chooses by the memory that is free.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch

from mribench import device
from mribench.progress import say

SHARE = 0.5  # of the free memory that the images may take; gradients and activations come on top
SLOTS = 4  # batches between the host and the device: so far may the host run ahead


class Resident:
    """The set in the device's memory, gathered there. On a CPU it stays where it is, also a memory-mapped one.

    images: uint8 (n, H, W), in memory or memory-mapped. rows: int32 (steps, batch), indices into them.
    """

    def __init__(self, images: np.ndarray, rows: np.ndarray, where: torch.device):
        self.shape, self.device = (rows.shape[1], *images.shape[1:]), where
        self._images = torch.from_numpy(images).to(where)
        self._rows = torch.from_numpy(rows).to(where)

    def fill(self, pixels: torch.Tensor, step: int) -> None:
        """Put batch ``step`` into ``pixels``, uint8 (batch, H, W) on the device; nothing is waited for."""
        torch.index_select(self._images, 0, self._rows[step], out=pixels)


class Streamed:
    """A set that stays on the host: while a step computes, a thread gathers the next batch and sends it ahead.

    Arguments and ``fill`` as of ``Resident``. Steps are expected one after the other; any other is right, but waited
    for. On a GPU batches go through pinned memory on a stream of their own.
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
            self._begin(step)
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
            self._begin(step + 1)

    def _begin(self, step: int) -> None:
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
    """Memory for one batch. sent: it has left ``host``; taken: it has been copied out of ``device``."""

    host: torch.Tensor
    device: torch.Tensor | None = None
    sent: torch.cuda.Event | None = None
    taken: torch.cuda.Event | None = None


def _slot(shape: tuple[int, ...], side: torch.cuda.Stream | None) -> _Slot:
    host = torch.empty(shape, dtype=torch.uint8, pin_memory=side is not None)
    if side is None:
        return _Slot(host)
    with torch.cuda.stream(side):
        device = torch.empty(shape, dtype=torch.uint8, device=side.device)
    return _Slot(host, device, torch.cuda.Event(), torch.cuda.Event())


def fitting(images: np.ndarray, rows: np.ndarray, where: torch.device, title: str) -> Resident | Streamed:
    """``Resident`` where the images take no more than ``SHARE`` of the memory that is free now, else ``Streamed``."""
    room = SHARE * _free(where)
    if images.nbytes <= room:
        return Resident(images, rows, where)
    say(
        f"{title}: {images.nbytes / 2**30:.3g} GiB of images are streamed, for they may take {room / 2**30:.3g} GiB"
    )
    return Streamed(images, rows, where)


def _free(where: torch.device) -> float:
    """Bytes that are free on the device, of a CPU in the machine's memory."""
    if where.type == "cpu":
        return device.free_gib() * 2**30
    # what earlier trainings have left to the allocator is free as well
    kept = torch.cuda.memory_reserved(where) - torch.cuda.memory_allocated(where)
    return torch.cuda.mem_get_info(where)[0] + kept
