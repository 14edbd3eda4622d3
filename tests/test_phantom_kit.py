"""The drawing kit that all organs share."""

from __future__ import annotations

import numpy as np
import pytest

from mribench.errors import InputError
from mribench.phantom import (
    Canvas,
    SpinEcho,
    Tissue,
    fields,
    shapes,
    slice_rng,
    stamps,
    station,
    subject_rng,
)


@pytest.mark.parametrize("seed, subject, slice", [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, 0, 0.5)])
def test_a_negative_or_broken_index_is_refused(seed, subject, slice):
    with pytest.raises(InputError, match="whole number"):
        slice_rng(seed, subject, slice)
    if slice == 0:
        with pytest.raises(InputError, match="whole number"):
            subject_rng(seed, subject)


def test_a_tiny_image_is_refused():
    with pytest.raises(InputError, match="at least 8"):
        Canvas(7)


def test_a_field_on_axes_is_the_field_on_full_arrays():
    canvas = Canvas(16)
    for field in (fields.smooth_field, fields.waves):
        fast = field(np.random.default_rng(1), *canvas.axes, 0.2, 8, 0.3)
        slow = field(np.random.default_rng(1), canvas.x, canvas.y, 0.2, 8, 0.3)
        assert fast.dtype == slow.dtype == np.float32
        np.testing.assert_allclose(fast, slow, atol=2e-5)


@pytest.mark.parametrize("field", [fields.smooth_field, fields.waves])
def test_a_field_has_unit_variance_and_changes_slowly_with_z(field):
    axes = Canvas(16).axes
    drawn = [field(np.random.default_rng(i), *axes, 0.1) for i in range(60)]
    assert np.var(drawn) == pytest.approx(1, abs=0.1)
    at = [field(np.random.default_rng(0), *axes, 0.1, z=z) for z in (0.0, 0.01, 2.0)]
    near, far = (np.corrcoef(at[0].ravel(), other.ravel())[0, 1] for other in at[1:])
    assert near > 0.95 > abs(far)


def test_stations_fill_the_stack_evenly_and_never_repeat():
    places = [station(i) for i in range(30)]
    assert places[:5] == [0, 1, 2, 3, 4]
    assert min(places) >= 0 and max(places) <= 4
    assert len({round(p, 3) for p in places}) == 30


def test_a_stamp_paints_what_the_whole_canvas_would_and_only_over_what_it_may():
    whole, part = Canvas(32), Canvas(32)
    for canvas in (whole, part):
        canvas.paint("fat", canvas.x)
    shape = shapes.ellipse(whole.x, whole.y, 0.1, -0.2, 0.5, 0.2, 30)
    whole.paint("muscle", shape, over=("fat",))
    stamps.ellipse(part, "muscle", (part.x, part.y), 0.1, -0.2, 0.5, 0.2, 30, over=("fat",))
    assert (whole.labels == part.labels).all()
    assert (part.labels[part.x > 0] == 0).all() and (part.labels == 2).any()


def test_opposed_tissues_cancel_within_a_pixel():
    tissues = {name: Tissue(500, 50, 1.0) for name in ("fat", "water")}
    canvas = Canvas(64)
    canvas.paint("fat", canvas.x - canvas.x[0, canvas.x.shape[1] // 2 + 1] + 1e-6)
    canvas.paint("water", canvas.labels == 0)
    rng = np.random.default_rng(0)
    same = canvas.render(tissues, SpinEcho(1000, 20), rng)
    opposed = canvas.render(tissues, SpinEcho(1000, 20), rng, opposed=("fat",))
    assert np.ptp(same) < 1e-6
    assert opposed.min() < 0.5 * same.min() and opposed.max() == pytest.approx(same.max())


def test_an_unknown_tissue_is_named():
    canvas = Canvas(16)
    canvas.paint("spleen", canvas.x)
    with pytest.raises(InputError, match="spleen"):
        canvas.render({}, SpinEcho(1000, 20), np.random.default_rng(0))
