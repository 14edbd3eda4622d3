"""``mribench plugin draw``: subjects of a phantom in rows, slices in columns."""

from dataclasses import replace

import numpy as np
import pytest

from mribench import figures
from mribench.errors import InputError
from mribench.phantom import PhantomSlice
from mribench.plugins import lookup
from mribench.testing.contact_sheet import contact_sheet

ORGAN = lookup.load("modalities", lookup.names("modalities")[0])


def test_a_phantom_is_shown_subjects_in_rows_slices_in_columns(monkeypatch):
    def coordinates(seed, subject, slice, size=64):
        return PhantomSlice(
            np.full((size, size), (10 * subject + slice) / 255, np.float32),
            np.zeros((size, size), np.uint8),
            {},
        )

    shown = contact_sheet(replace(ORGAN, phantom=coordinates), size=128)[figures.MARGIN :]
    step = 128 + figures.GAP
    assert shown[step * 3 + 5, step * 2 + 5] == 32 and shown[step * 5 + 5, 5] == 50
    for phantom, size, said in ((ORGAN.phantom, 4, "--size is 4"), (loud, 32, "draws")):
        with pytest.raises(InputError, match=said):
            contact_sheet(replace(ORGAN, phantom=phantom), size)


def loud(seed, subject, slice, size=64):
    return PhantomSlice(np.full((size, size), 2, np.float32), np.zeros((size, size), np.uint8), {})


def test_a_picture_of_a_phantom_is_written_where_it_is_asked_for(mribench, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert mribench("plugin", "draw", ORGAN.name, "--size", 16).out == f"{ORGAN.name}.png\n"
    first = (tmp_path / f"{ORGAN.name}.png").read_bytes()
    assert mribench("plugin", "draw", ORGAN.name, "--size", 16, "--seed", 1, "--out", "b.png").code == 0
    assert first[:4] == b"\x89PNG" and (tmp_path / "b.png").read_bytes() != first
    assert "unknown modality 'ddpm'" in refused("plugin", "draw", "ddpm")
