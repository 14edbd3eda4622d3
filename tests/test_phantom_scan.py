"""A scan of a painted slice: its image is that of ``acquire``, and its fields have the answers that can be computed."""

import numpy as np
import pytest

from mribench.errors import InputError
from mribench.phantom import (
    Canvas,
    Scan,
    ScanFields,
    SpinEcho,
    Tissue,
    acquire,
    field_rng,
    slice_rng,
    subject_rng,
)

TISSUES = {"water": Tissue(1000, 100, 1.0), "fat": Tissue(300, 60, 0.9), "spot": Tissue(2000, 300, 1.0)}
OWN, SECOND = SpinEcho(tr=500, te=10), SpinEcho(tr=4000, te=90)


def paint_spot(canvas, rng):
    canvas.paint("spot", np.hypot(canvas.x - 0.3, canvas.y) - rng.uniform(0.2, 0.3), over=("fat",))


def scan(seed=0, subject=0, slice=0, size=48, **more):
    """Water everywhere, fat in the middle, a spot where the lesion is."""
    canvas = Canvas(size)
    canvas.paint("water", np.full_like(canvas.x, -1))
    canvas.paint("fat", np.hypot(canvas.x, canvas.y) - 0.8)
    streams = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    flat = {"snr": 40.0, "bias": 0.0, "paint_lesion": paint_spot, **more}
    return Scan(canvas, TISSUES, OWN, (seed, subject, slice), *streams, {}, **flat)


FIELDS = ScanFields(scan, (("fat", ("fat", "spot")), ("water", ("water",))), (("t2w", SECOND),))


def test_the_image_is_what_acquire_makes_and_asking_twice_changes_nothing():
    one = scan(bias=0.1, coil=0.5)
    signal = one.canvas.render(TISSUES, OWN, (noise := slice_rng(0, 0, 0)))
    expected, settings = acquire(signal, subject_rng(0, 0), noise, 40.0, 0.5, 0.1)
    for _ in range(2):
        image, labels, params = one.image()
        assert (image == expected).all() and params["scanner"] == settings
        one.clean(), one.abnormal(), one.contrast("t2w", SECOND)
    assert (labels == one.canvas.label_map()).all() and params["tissues"] == ["air", "water", "fat"]


def test_grey_values_of_clean_image_and_contrast_are_the_signal_equation():
    one, at = scan(snr=1e9), ScanFields(lambda *_: scan(snr=1e9), FIELDS.structures, FIELDS.contrasts)
    labels = at(0, 0, 0, 48, ["labels"])["labels"]
    water, fat = labels == 2, labels == 1
    for image, sequence in ((one.clean(), OWN), (one.contrast("t2w", SECOND), SECOND)):
        ratio = np.median(image[water]) / np.median(image[fat])
        assert ratio == pytest.approx(
            sequence.signal(TISSUES["water"]) / sequence.signal(TISSUES["fat"]), rel=1e-4
        )
    assert OWN.signal(TISSUES["water"]) < OWN.signal(TISSUES["fat"])
    assert SECOND.signal(TISSUES["water"]) > SECOND.signal(TISSUES["fat"]), "the contrast is another one"


def test_a_tissue_of_no_structure_is_background():
    labels = ScanFields(scan, (("fat", ("fat",)),), ())(0, 0, 0, 48, ["labels"])["labels"]
    assert set(np.unique(labels)) == {0, 1} and labels[24, 24] == 1 and labels[0, 0] == 0


def test_noise_has_the_level_that_the_ratio_says_and_is_another_in_each_field():
    one = scan(snr=20.0)
    gaps = {
        "image": one.image().image - one.clean(),
        "t2w": one.contrast("t2w", SECOND) - scan(snr=1e9).contrast("t2w", SECOND),
        "abnormal": one.abnormal() - scan(snr=1e9).abnormal(),
    }
    where = np.hypot(one.canvas.x, one.canvas.y)[2::4, 2::4][:48, :48] > 0.9
    for name in gaps:
        flat = gaps[name][where]
        assert 0.02 < flat.std() < 0.08, name
    for a, b in (("image", "t2w"), ("image", "abnormal"), ("t2w", "abnormal")):
        assert abs(np.corrcoef(gaps[a][where], gaps[b][where])[0, 1]) < 0.15


def test_the_lesion_is_where_its_mask_is_and_the_same_in_all_slices():
    found = FIELDS(0, 3, 0, 48, ["lesion", "abnormal", "healthy", "clean"])
    mask = found["lesion"] > 0
    radius = field_rng(0, 3, "lesion").uniform(0.2, 0.3)
    assert mask.mean() == pytest.approx(np.pi * radius**2 / 4, rel=0.03)
    gap = found["abnormal"] - found["healthy"]
    assert abs(gap[mask].mean()) > 0.2 and abs(gap[~mask].mean()) < 0.02
    assert (FIELDS(0, 3, 1, 48, ["lesion"])["lesion"] == found["lesion"]).all()
    assert (FIELDS(0, 4, 0, 48, ["lesion"])["lesion"] != found["lesion"]).any()


def test_outside_of_what_is_inside_every_field_is_zero():
    inside = np.zeros((48, 48), bool)
    inside[10:30, 10:30] = True
    cut = ScanFields(lambda *_: scan(inside=inside), FIELDS.structures, FIELDS.contrasts)
    for name, field in cut(0, 0, 0, 48, [field.name for field in cut.fields]).items():
        assert not field[~inside].any() and field.any(), name


def test_the_streams_of_fields_are_apart_and_take_whole_numbers():
    drawn = {field_rng(0, 1, name, slice).random() for name in ("t2w", "flair") for slice in (None, 0, 1)}
    assert len(drawn | {subject_rng(0, 1).random(), slice_rng(0, 1, 0).random()}) == 8
    with pytest.raises(InputError, match="subject of a phantom is -1"):
        field_rng(0, -1, "t2w")
