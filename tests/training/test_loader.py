"""Batches from the device and batches streamed from the host are the same batches."""

import gc
import threading

import numpy as np
import pytest
import torch
from tiny import blobs, equal, fit, weights

from mribench import device
from mribench.training import loader
from mribench.training.step import batches

CPU = torch.device("cpu")
ROWS = batches(24, 8, 12, seed=0)


def filled(source, steps):
    pixels, found = torch.zeros(source.shape, dtype=torch.uint8), []
    for step in steps:
        source.fill(pixels, step)
        found.append(pixels.numpy().copy())
    return np.stack(found)


@pytest.fixture(params=["memory", "file"])
def images(request, tmp_path):
    whole = blobs(24).images
    if request.param == "memory":
        return whole
    mapped = np.memmap(tmp_path / "images", np.uint8, "w+", shape=whole.shape)
    mapped[:] = whole
    return mapped


@pytest.mark.parametrize("kind", [loader.InMemory, loader.Prefetched])
@pytest.mark.parametrize("steps", [range(12), range(5, 12), [0, 1, 2, 0, 1, 2], [11, 3, 4, 9]], ids=str)
def test_a_feed_gives_the_batches_that_are_asked_for(images, kind, steps):
    """From the start, after a resume, again from the start, and in any order."""
    assert np.array_equal(filled(kind(images, ROWS, CPU), steps), images[ROWS[list(steps)]])


def test_the_next_batch_is_read_while_a_step_computes():
    streamed = loader.Prefetched(blobs(24).images, ROWS, CPU)
    filled(streamed, [0])
    step, reading = streamed._ahead
    assert step == 1 and reading.result(timeout=10) is not None
    before = threading.active_count()
    del streamed, reading
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("batches"):
            thread.join(timeout=10)
    assert threading.active_count() < before


def test_what_fails_in_the_thread_is_raised_in_the_step():
    streamed = loader.Prefetched(blobs(24).images[:, :8], ROWS, CPU)
    streamed._images = blobs(24).images
    with pytest.raises(ValueError, match="output array"):
        filled(streamed, [0])


@pytest.mark.parametrize(("free", "kind"), [(2.01, loader.InMemory), (1.99, loader.Prefetched)])
def test_the_free_memory_chooses(monkeypatch, capsys, free, kind):
    images = blobs(24).images
    monkeypatch.setattr(device, "free_gib", lambda: free * images.nbytes / 2**30)
    assert type(loader.choose_loader(images, ROWS, CPU, "train tiny")) is kind
    assert ("train tiny: " in capsys.readouterr().err) == (kind is loader.Prefetched)


def test_a_model_trained_on_streamed_images_is_the_one_trained_on_resident_ones(tmp_path, monkeypatch):
    fit(tmp_path / "resident")
    with monkeypatch.context() as patch:
        patch.setattr(loader, "MEMORY_SHARE", 0.0)
        patch.setattr(loader, "InMemory", None)
        fit(tmp_path / "streamed")
    assert equal(weights(tmp_path / "resident"), weights(tmp_path / "streamed"))
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("resident", "streamed")]
    assert logs[0] == logs[1]
