"""The network learns what it is shown, from annotated pixels alone, and the same from the same."""

import numpy as np
import pytest
import torch
from mribench_downstream import segmenter
from mribench_downstream.dice import dice
from mribench_downstream.labelled import Labelled, grey, some_subjects, why_not, with_structure
from mribench_downstream.segmenter import augmented, predict, train

from mribench.spec import NOT_ANNOTATED


@pytest.fixture(scope="module")
def shown(data):
    return Labelled(grey(data.train.images), data.train.fields["labels"])


def same(net, other):
    return all(
        torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_it_finds_bright_blobs_in_images_that_it_has_not_seen(data, shown):
    net = train([shown], 2, 120, 0)
    found, truth = predict(net, grey(data.test.images)), data.test.fields["labels"]
    assert found.dtype == np.uint8 and dice(found, truth).mean() > 0.85


def test_a_training_depends_on_its_number_and_its_data_alone(shown):
    net = train([shown], 2, 3, 0)
    torch.manual_seed(7)
    with torch.no_grad():
        assert same(net, train([shown], 2, 3, 0))
    assert not same(net, train([shown], 2, 3, 1))


def test_pixels_that_nobody_has_drawn_teach_nothing():
    logits = torch.randn(2, 3, 8, 8, requires_grad=True)
    truth = torch.randint(0, 3, (2, 8, 8))
    truth[:, :4] = NOT_ANNOTATED
    segmenter.loss(logits, truth).backward()
    assert not logits.grad[:, :, :4].any() and logits.grad[:, :, 4:].any()
    nothing = segmenter.loss(logits, torch.full_like(truth, NOT_ANNOTATED))
    assert torch.isfinite(nothing)


def test_the_loss_of_the_truth_is_nothing():
    truth = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    sure = 50.0 * torch.nn.functional.one_hot(truth, 3).movedim(-1, 1)
    assert segmenter.loss(sure, truth) < 1e-5


def test_image_and_label_map_are_moved_together():
    x = torch.zeros(4, 1, 32, 32)
    x[..., 8:24, 4:20] = 1
    seen, labels = augmented(x, x[:, 0].long(), torch.Generator().manual_seed(0))
    assert (labels != x[:, 0]).any(), "moved"
    inside, outside = seen[:, 0][labels == 1], seen[:, 0][labels == 0]
    assert inside.median() > 0.6 and outside.median() == 0
    assert (((seen[:, 0] > 0.4) != (labels == 1)).float().mean()) < 0.02


def test_the_subjects_of_a_smaller_count_are_among_those_of_a_larger_one(data):
    few, many = (some_subjects(data.train, count, 1) for count in (2, 4))
    assert len(few.x) == 6 and len(many.x) == 12
    assert {image.tobytes() for image in few.x} < {image.tobytes() for image in many.x}
    assert {i.tobytes() for i in few.x} != {i.tobytes() for i in some_subjects(data.train, 2, 0).x}


def test_images_that_nobody_has_drawn_on_are_left_out_and_too_few_subjects_named(fresh):
    data = fresh
    data.test.fields["labels"][:3] = NOT_ANNOTATED
    data.test.fields["labels"][3:6] = 0  # a subject without any structure has no Dice
    assert with_structure(data.test).tolist() == [6, 7, 8, 9, 10, 11] and why_not(data) is None
    data.test.fields["labels"][:] = 0
    assert why_not(data) == "no test subject has a structure in its label map"
    data.train.fields["labels"][9:] = NOT_ANNOTATED
    assert why_not(data) == "3 training subjects have a label map, at least 4 are needed"
