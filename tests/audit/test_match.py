"""A copy is found whatever was done to hide it; a search over everything agrees."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates, rotate, zoom

from mribench.audit.closer import MARGIN
from mribench.audit.match import distance, neighbours, working_size
from mribench.audit.poses import posed, unposed


def smooth(n, size=32, seed=0):
    """uint8 (n, size, size): random fields without the finest detail, as images are."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.standard_normal((n, size, size)))
    rows, columns = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)
    fields = np.fft.irfft2(spectrum * np.exp(-60 * (rows**2 + columns**2)), s=(size, size))
    fields -= fields.min((1, 2), keepdims=True)
    return np.rint(220 * fields / fields.max((1, 2), keepdims=True)).astype(np.uint8)


def moved(image, rows, columns):
    return np.roll(image, (rows, columns), (0, 1))


HIDDEN = {
    "as it is": lambda image: image,
    "flipped": lambda image: image[:, ::-1],
    "shifted": lambda image: moved(image, 3, -3),
    "shifted by an odd number": lambda image: moved(image, -1, 2),
    "flipped and shifted": lambda image: moved(image[:, ::-1], -3, 1),
    "darker and flatter": lambda image: (image * 0.5 + 40).astype(np.uint8),
    "up-down": lambda image: image[::-1],
    "turned by 90 degrees": lambda image: np.rot90(image),
    "turned by 270 degrees and shifted": lambda image: moved(np.rot90(image, 3), 2, 1),
}
# of the query that undoes it
SYMMETRY = {"up-down": 5, "turned by 90 degrees": 6, "turned by 270 degrees and shifted": 2}


@pytest.mark.parametrize("how", HIDDEN)
@pytest.mark.parametrize("size", [32, 64])
def test_a_hidden_copy_is_found(how, size):
    train = smooth(20, size)
    subjects = [f"s{i // 2}" for i in range(20)]
    queries = np.stack([HIDDEN[how](train[i]) for i in (3, 11)])
    found = neighbours(queries, train, subjects)
    assert list(found.nearest) == [3, 11]
    assert (found.d1 < 0.02).all() and (found.ratio < 0.05).all()
    assert list(found.symmetry) == [SYMMETRY.get(how, int("flipped" in how))] * 2


def test_of_larger_images_the_average_over_pixels_is_compared():
    """At 128 the images are halved first: up to 6 pixels of shift, in steps of 2."""
    train = smooth(20, 64).repeat(2, axis=1).repeat(2, axis=2)
    found = neighbours(moved(train[5][:, ::-1], -6, 4)[None], train, [f"s{i // 2}" for i in range(20)])
    assert found.nearest[0] == 5 and found.symmetry[0] == 1 and found.d1[0] < 0.02


def everything(query, train):
    """The same by trying all of it: the largest r over symmetries and shifts, by numpy's own correlation."""
    inner = slice(MARGIN, -MARGIN)
    windows = [
        np.roll(train, (-row, -column), (0, 1))[inner, inner].ravel()
        for row in range(-3, 4)
        for column in range(-3, 4)
    ]
    images = [posed(query, symmetry)[inner, inner].ravel() for symmetry in range(8)]
    return np.corrcoef(images, windows)[:8, 8:].max()


def test_the_coarse_search_loses_little():
    """Of unrelated images the very nearest may be missed; what is found is never better than the best, and near it."""
    train, queries = smooth(20), smooth(8, seed=1)
    subjects = [f"s{i // 2}" for i in range(20)]
    found = neighbours(queries, train, subjects)
    exact = np.array([[everything(query, image) for image in train] for query in queries])
    assert (found.r1 <= exact.max(1) + 1e-5).all()
    assert (exact.max(1) - found.r1).mean() < 0.04
    for i in range(len(queries)):
        others = [s != subjects[found.nearest[i]] for s in subjects]
        assert found.r2[i] <= exact[i, others].max() + 1e-5


def warped(image, pixels, seed=0):
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal((2, *image.shape)), (0, 8, 8), mode="wrap")
    field *= pixels / np.sqrt(np.square(field).sum(0).mean())
    return map_coordinates(image.astype(float), np.indices(image.shape) + field, mode="nearest")


def halved(image, other):
    return np.concatenate([image[:, :32], other[:, 32:]], axis=1)


DISGUISED = {
    "warped by 3 px": lambda image, other: warped(image, 3),
    "rotated by 10 degrees": lambda image, other: rotate(image, 10, reshape=False, order=1, mode="nearest"),
    "10 % larger": lambda image, other: zoom(image, 1.125, order=1)[4:68, 4:68],
    "contrast inverted": lambda image, other: 255 - image,
    "left half of one, right half of nobody in train": halved,
}


@pytest.mark.parametrize("how", DISGUISED)
def test_the_whole_is_unlike_and_its_patches_are_not(how):
    """Each is nearer to its own subject than unrelated images are to any, by patches or by half, not by the whole."""
    train, others = smooth(40, 64), smooth(6, 64, seed=1)
    subjects = [f"s{i // 2}" for i in range(40)]
    queries = np.stack(
        [DISGUISED[how](train[i], strange) for i, strange in zip((3, 11), others, strict=False)]
    )
    found, unrelated = (neighbours(part.astype(np.uint8), train, subjects) for part in (queries, others))
    patchwise = np.minimum(found.patches, found.half)
    assert patchwise.max() < 0.95 * np.minimum(unrelated.patches, unrelated.half).min()
    assert patchwise.max() < found.ratio.min() + 0.01


def test_of_two_patients_the_nearer_half_decides():
    train, others = smooth(40, 64), smooth(2, 64, seed=1)
    queries = np.stack([halved(train[i], strange) for i, strange in zip((3, 11), others, strict=True)])
    found = neighbours(queries, train, [f"s{i // 2}" for i in range(40)])
    assert found.half.max() < 0.1 and found.patches.min() > 0.3


def test_oblong_images_are_compared_under_four_symmetries():
    train = smooth(12, 64)[:, :, :48]
    found = neighbours(
        np.stack([train[3][::-1], train[5][::-1, ::-1]]), train, [f"s{i // 2}" for i in range(12)]
    )
    assert list(found.nearest) == [3, 5] and found.ratio.max() < 0.05
    assert list(found.symmetry) == [5, 4]


@pytest.mark.parametrize("symmetry", range(8))
def test_a_symmetry_is_undone(symmetry):
    image = smooth(1)[0]
    assert (unposed(posed(image, symmetry), symmetry) == image).all()


def test_the_second_neighbour_is_of_another_subject():
    """Adjacent slices of one subject are alike: without this rule they would hide a copy."""
    train = smooth(10)
    train[1] = np.clip(train[0].astype(int) + 2, 0, 255)
    same = neighbours(train[:1], train, ["a", "a", *"bcdefghi"])
    apart = neighbours(train[:1], train, list("abcdefghij"))
    assert same.ratio[0] < 0.05 and apart.r2[0] > 0.99


def test_another_subject_is_found_behind_many_slices_of_one():
    train = smooth(30)
    train[:20] = np.clip(train[0].astype(int) + np.arange(20)[:, None, None] // 7, 0, 255)
    found = neighbours(train[:1], train, ["a"] * 20 + [f"s{i}" for i in range(10)])
    assert -1 < found.r2[0] < 0.9


def test_a_training_image_is_compared_with_other_subjects_alone():
    train = smooth(12)
    subjects = [f"s{i // 3}" for i in range(12)]
    found = neighbours(train, train, subjects, own=subjects)
    assert all(subjects[near] != subject for near, subject in zip(found.nearest, subjects, strict=True))
    assert (found.r1 < 0.999).all()
    # the subject of a test image is not among them
    apart = neighbours(train[:2], train, subjects, own=["other", "zz"])
    assert list(apart.nearest) == [0, 1]


def test_flat_images_and_a_single_subject_give_numbers():
    train = smooth(4)
    flat = np.zeros((2, 32, 32), np.uint8)
    found = neighbours(flat, train, list("abcd"))
    assert np.isfinite(found.d1).all() and (found.ratio == 1).all()
    alone = neighbours(train[:1], train, ["a"] * 4)
    assert alone.r2[0] == -1 and alone.ratio[0] == pytest.approx(0, abs=1e-3)
    nobody = neighbours(train, train, ["a"] * 4, own=["a"] * 4)
    assert (nobody.ratio == 1).all()


def test_distance_is_that_of_z_scored_images():
    a, b = smooth(2).reshape(2, -1).astype(float)
    za, zb = ((x - x.mean()) / np.linalg.norm(x - x.mean()) for x in (a, b))
    assert distance(np.corrcoef(a, b)[0, 1]) == pytest.approx(np.linalg.norm(za - zb))


def test_large_images_are_averaged_first():
    assert working_size(smooth(1, 128)).shape == (1, 64, 64)
    assert working_size(smooth(1, 96)).shape == (1, 96, 96)
