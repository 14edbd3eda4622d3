"""Displacements against closed forms: what they do to images, how far they are apart, where they fold."""

import numpy as np
import pytest
import torch
from mribench_volumes import motion
from mribench_volumes.networks import integrated, roughness, warp

SIDE = 12
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE].astype(float)


def smooth(n=2, size=2.0, seed=0):
    """Displacements up to about ``size`` pixels, waves of the image's width."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, (n, 2, 1, 1))
    return size * np.sin(2 * np.pi * (ROWS + 0.5 * COLUMNS) / SIDE + phase)


def test_a_displacement_comes_back_from_the_grey_values_it_travels_as():
    sent = torch.from_numpy(smooth()).float()
    answer = motion.as_answer(sent)
    assert answer.shape == (2, 1, 2 * SIDE, SIDE) and answer.min() >= 0 and answer.max() <= 1
    assert np.allclose(motion.displacement_of(answer[:, 0].numpy()), sent.numpy(), atol=1e-5)


def test_no_motion_stands_for_the_images():
    m = motion.shown(torch.rand(2, 2, SIDE, SIDE), 1.0, None)
    assert not motion.displacement_of(m.operator.adjoint(m.y)[:, 0].numpy()).any()


def test_a_warped_image_shows_what_lies_where_the_displacement_leads():
    image = (10 * ROWS + COLUMNS)[None]
    down, right = np.ones((1, SIDE, SIDE)), np.full((1, SIDE, SIDE), -2.0)
    found = motion.warped(image, np.stack([down, right], axis=1))
    assert np.allclose(found[0, :-1, 2:], image[0, 1:, :-2])


def test_the_warp_of_networks_is_that_of_the_scores():
    images, displacement = np.random.default_rng(1).random((2, SIDE, SIDE)), smooth(size=3.0)
    found = warp(torch.from_numpy(images)[:, None], torch.from_numpy(displacement))
    assert np.allclose(found[:, 0].numpy(), motion.warped(images, displacement), atol=1e-6)


def test_half_a_pixel_leaves_a_label_where_most_of_it_is():
    labels = np.where(COLUMNS < 6, 1, 2)[None].astype(np.uint8)
    right = np.stack([0 * ROWS, 0 * ROWS + 0.4])[None]
    assert (motion.warped_labels(labels, right, 3) == labels).all()
    right[:, 1] = 1.4
    assert (motion.warped_labels(labels, right, 3)[0, 0, 3:7] == (1, 1, 2, 2)).all()


@pytest.mark.parametrize(("factor", "share"), [(0.5, 0), (-0.9, 0), (-1.1, 1)])
def test_a_stretch_folds_only_where_it_turns_around(factor, share):
    """x + factor x has the derivative 1 + factor."""
    down = np.stack([factor * ROWS, 0 * ROWS])[None]
    assert motion.folded(down) == [share]


def test_a_turn_by_any_angle_folds_nowhere_and_a_mirror_everywhere():
    x, y = COLUMNS - 5.5, ROWS - 5.5
    for angle in (0.5, 2.0, 3.0):
        to_x, to_y = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
        assert motion.folded(np.stack([to_y - y, to_x - x])[None]) == [0]
    assert motion.folded(np.stack([0 * y, -2 * x])[None]) == [1]


def test_the_error_is_the_length_of_the_difference():
    truth = smooth()
    assert np.allclose(motion.error(truth + np.array([3.0, 4.0]).reshape(2, 1, 1), truth), 5)
    where = COLUMNS[None].repeat(2, 0) < 4
    where[1] = False
    found = motion.error(truth + 5 * (COLUMNS >= 4), truth, where)
    assert found[0] == 0 and np.isnan(found[1])


def test_a_constant_velocity_is_a_shift_and_a_wild_one_does_not_fold():
    steady = torch.tensor([1.5, -0.5]).view(1, 2, 1, 1).expand(1, 2, SIDE, SIDE)
    assert torch.allclose(integrated(steady), steady, atol=1e-5)
    wild = smooth(size=3.0)
    assert motion.folded(wild).min() > 0.05
    assert motion.folded(integrated(torch.from_numpy(wild)).numpy()).max() == 0


def test_the_way_back_is_the_velocity_turned_around():
    velocity = torch.from_numpy(smooth(size=1.0))
    there, back = integrated(velocity), integrated(-velocity)
    inside = (there + warp(back, there))[:, :, 2:-2, 2:-2]
    assert inside.abs().max() < 0.1 * there.abs().max()


def test_roughness_is_the_squared_slope():
    slope = torch.from_numpy(np.stack([2 * ROWS, 3 * COLUMNS])[None])
    assert float(roughness(slope)) == pytest.approx(2**2 + 3**2)
