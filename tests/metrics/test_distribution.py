"""Kernel and Fréchet distance: against torch-fidelity, identities, degenerate input."""

import dataclasses

import numpy as np
import pytest

from mribench.errors import InputError, Unavailable
from mribench.features.hc85 import HC85
from mribench.features.inception import INCEPTION
from mribench.metrics.distribution import (
    FD,
    FID,
    KD,
    fid_note,
    frechet,
    frechet_distance,
    kernel_distance,
    least_images,
)
from mribench.metrics.kernels import median_distance, rbf, standardise

CUBIC = dataclasses.replace(HC85, name="plain", kernel="cubic")


def normal(n, d=12, shift=0.0, scale=1.0, seed=0):
    return shift + scale * np.random.default_rng(seed).standard_normal((n, d))


def naive_rbf_mmd(g, r, train):
    """The definition, by loops over pairs."""
    mean, std = train.mean(0), train.std(0)
    g, r, t = (((part - mean) / std).clip(-8, 8) for part in (g, r, train))
    median = np.median([np.linalg.norm(t[i] - t[j]) for i in range(len(t)) for j in range(i)])

    def kernel(a, b):
        return np.mean([np.exp(-np.sum((a - b) ** 2) / (2 * (s * median) ** 2)) for s in (0.5, 1, 2)])

    def within(x):
        return np.mean([kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j])

    return within(g) + within(r) - 2 * np.mean([kernel(a, b) for a in g for b in r])


def test_rbf_kernel_distance_is_its_definition():
    g, r, train = normal(15, shift=0.4, seed=1), normal(11, scale=3.0, seed=2), normal(21, seed=3)
    train[:, 0] *= 5
    assert kernel_distance(g, r, train, HC85) == pytest.approx(naive_rbf_mmd(g, r, train), rel=1e-10)


@pytest.mark.parametrize("sides", [1, 2])
def test_kernel_distance_between_subjects_is_its_definition(sides):
    """Every pair enumerated: pairs of two subjects, whose mean counts once however many images they have."""
    g, r, train = normal(5, shift=0.4, seed=1), normal(6, seed=2), normal(21, seed=3)
    of_r, of_g = list("aabccc"), (list("xxyzz") if sides == 2 else list("vwxyz"))
    bandwidth = median_distance(standardise(train, train))
    g_z, r_z = standardise(g, train), standardise(r, train)

    def mean(x, x_of, y, y_of, of_two):
        pairs = {}
        for i, s in enumerate(x_of):
            for j, t in enumerate(y_of):
                if not of_two or s != t:
                    pairs.setdefault((s, t), []).append(rbf(x[i : i + 1], y[j : j + 1], bandwidth)[0, 0])
        return np.mean([np.mean(values) for values in pairs.values()])

    expected = mean(g_z, of_g, g_z, of_g, True) + mean(r_z, of_r, r_z, of_r, True)
    expected -= 2 * mean(g_z, of_g, r_z, of_r, False)
    value = kernel_distance(g, r, train, HC85, of_r, of_g if sides == 2 else None)
    assert value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("space", [HC85, CUBIC], ids=["rbf", "cubic"])
def test_with_one_image_per_subject_it_is_version_1(space):
    g, r, train = normal(30, shift=0.2, seed=1), normal(25, seed=2), normal(50, seed=3)
    ids = [f"s{i}" for i in range(30)]
    value = kernel_distance(g, r, train, space, ids[:25], ids)
    assert value == pytest.approx(kernel_distance(g, r, train, space), rel=1e-9)


def patients(rng, subjects, images, d=12):
    """Features of subjects (S,) with as many images each: half of the variance lies between them."""
    which = np.repeat(np.arange(subjects), images)
    return rng.standard_normal((subjects, d))[which] + rng.standard_normal((len(which), d)), which


def test_it_is_unbiased_for_few_subjects_of_many_images():
    """A generator that draws from the population itself has 0 on average; over all pairs it has not."""
    rng = np.random.default_rng(0)
    train, _ = patients(rng, 200, 1)
    pairs = []
    for _ in range(200):
        reference, subjects = patients(rng, 5, rng.integers(1, 11, 5))
        generated, _ = patients(rng, 60, 1)
        pairs.append(
            [1e3 * kernel_distance(generated, reference, train, HC85, ids) for ids in (subjects, None)]
        )
    (between, every), error = np.mean(pairs, 0), np.std(pairs, 0) / np.sqrt(len(pairs))
    assert abs(between) < 3 * error[0] and every > 10 > 6 * error[1]


def test_a_subject_of_many_images_weighs_as_one():
    g, train = normal(40, seed=1), normal(50, seed=3)
    r = np.concatenate([normal(4, seed=4), normal(1, shift=3.0, seed=5)])
    many = np.concatenate([r[:4], np.repeat(r[4:], 50, axis=0)])
    ids = list("abcd") + ["e"] * 50
    assert kernel_distance(g, many, train, HC85, ids) == pytest.approx(
        kernel_distance(g, r, train, HC85, list("abcde")), rel=1e-9
    )


def test_one_subject_leaves_a_blank_and_a_wrong_number_of_ids_is_refused():
    g = normal(20)
    with pytest.raises(Unavailable, match="pairs of two subjects"):
        kernel_distance(g, g, g, HC85, ["a"] * 20)
    with pytest.raises(InputError, match="one id per image"):
        kernel_distance(g, g, g, HC85, ["a", "b"])


def test_cubic_kernel_distance_is_torch_fidelitys_kid():
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid", exc_type=ImportError)
    torch = pytest.importorskip("torch")
    g, r = normal(60, shift=0.3, seed=1), normal(60, seed=2)
    kid = metric_kid.kid_features_to_metric(
        torch.from_numpy(g), torch.from_numpy(r), kid_subsets=1, kid_subset_size=60, verbose=False
    )
    expected = kid["kernel_inception_distance_mean"]
    assert kernel_distance(g, r, None, CUBIC) == pytest.approx(expected, rel=1e-6)


def test_frechet_is_torch_fidelitys():
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid", exc_type=ImportError)
    torch = pytest.importorskip("torch")
    mix = normal(12, seed=9)
    g, r = normal(300, shift=0.3, seed=1) @ mix, normal(200, scale=1.4, seed=2) @ mix
    statistics = [metric_fid.fid_features_to_statistics(torch.from_numpy(part)) for part in (g, r)]
    expected = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet(g, r) == pytest.approx(expected, rel=1e-6)


def test_frechet_of_known_gaussians():
    a = normal(400, d=1)
    # shifted by 3 and twice as wide: 3^2 + (2 - 1)^2 var
    assert frechet(2 * (a - a.mean()) + 3, a - a.mean()) == pytest.approx(9 + a.var(ddof=1), rel=1e-9)


@pytest.mark.parametrize("space", [HC85, CUBIC], ids=["rbf", "cubic"])
def test_the_same_set_twice(space):
    a = normal(80, seed=4)
    assert frechet_distance(a, a, a, space) == pytest.approx(0, abs=1e-6)
    # the diagonal of the cross term is kept, so the unbiased estimate falls below zero
    assert kernel_distance(a, a, a, space) < 0


@pytest.mark.parametrize("space", [HC85, CUBIC], ids=["rbf", "cubic"])
def test_kernel_distance_is_unbiased_and_sees_a_shift(space):
    train = normal(200, seed=99)
    null = [
        kernel_distance(normal(30, seed=2 * i), normal(30, seed=2 * i + 1), train, space) for i in range(200)
    ]
    assert abs(np.mean(null)) < 3 * np.std(null) / np.sqrt(len(null))
    assert kernel_distance(normal(30, shift=1.0, seed=7), normal(30, seed=8), train, space) > max(null)


@pytest.mark.parametrize("metric", [KD, FD, FID], ids=lambda metric: metric.name)
@pytest.mark.parametrize("space", [HC85, CUBIC], ids=["rbf", "cubic"])
def test_order_of_images_does_not_matter(metric, space):
    # above 1,000 training rows the bandwidth comes from a part of them
    g, r, train = normal(90, shift=0.2, seed=1), normal(70, seed=2), normal(1500, seed=3)
    mixed = [np.random.default_rng(5).permutation(part) for part in (g, r, train)]
    assert metric.compute(*mixed, space) == pytest.approx(metric.compute(g, r, train, space), rel=1e-9)


def test_bandwidth_from_a_part_of_the_rows_is_close():
    train = normal(1500, seed=3)
    assert median_distance(train) == pytest.approx(median_distance(train[:1000]), rel=0.01)


def test_train_only_scales():
    g, r = normal(40, shift=0.5, seed=1), normal(40, seed=2)
    assert kernel_distance(g, r, None, CUBIC) == kernel_distance(g, r, normal(9), CUBIC)
    with pytest.raises(InputError, match="needs real training features"):
        kernel_distance(g, r, None, HC85)


def test_constant_features_stay_finite():
    flat = np.full((30, 12), 0.3)
    assert kernel_distance(flat, flat, flat, HC85) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(flat, flat, flat, HC85) == 0
    assert np.isfinite(kernel_distance(normal(30), flat, flat, HC85))


def test_standardised_values_are_clipped():
    train = normal(50, d=3)
    train[:, 1] = 2.0
    z = standardise(np.array([[1e9, 5.0, -1e9]]), train)
    np.testing.assert_allclose(z, [[8, 3, -8]])


def test_rbf_of_equal_points_is_one():
    assert rbf(np.zeros((1, 4)), np.zeros((1, 4)), 1.0)[0, 0] == 1


def test_too_few_images_leave_a_blank():
    one, many = normal(1), normal(50)
    with pytest.raises(Unavailable, match="at least 2"):
        kernel_distance(one, many, many, HC85)
    with pytest.raises(Unavailable, match="at least 13"):
        frechet_distance(normal(12), many, many, HC85)
    assert frechet_distance(normal(13), many, many, HC85) > 0


def test_fid_is_given_below_its_dimension_and_says_so():
    assert frechet_distance(normal(5), normal(4, shift=1.0, seed=1), None, INCEPTION) > 0
    with pytest.raises(Unavailable, match="at least 2"):
        frechet_distance(normal(1), normal(50), None, INCEPTION)
    assert fid_note(256, 150) == (
        "FID of 256 against 150 images is biased upward: compare it within this board only."
    )
    assert fid_note(2049, 2049) is None and fid_note(9999, 2048)


@pytest.mark.parametrize(
    ("metric", "space", "least"), [(KD, HC85, 2), (FD, HC85, 86), (FID, INCEPTION, 2), (FD, CUBIC, 86)]
)
def test_the_least_number_of_images_is_known_without_features(metric, space, least):
    assert least_images(metric, space) == least
    enough, few = (np.random.default_rng(n).random((n, space.dim)) for n in (least, least - 1))
    assert np.isfinite(metric.compute(enough, enough, enough, space))
    with pytest.raises(Unavailable, match=f"at least {least} "):
        metric.compute(enough, few, enough, space)


def test_a_metric_of_a_plugin_decides_itself():
    assert least_images(dataclasses.replace(KD, compute=len), HC85) == 1


def test_frechet_of_fewer_images_than_dimensions_is_exact():
    a, b = normal(9, d=40), normal(15, d=40, shift=0.3, seed=1)
    assert frechet(a, a) == pytest.approx(0, abs=1e-11)
    s_a, s_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    cross = np.sqrt(np.linalg.eigvals(s_a @ s_b).real.clip(min=1e-12)).sum()
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(s_a + s_b) - 2 * cross
    assert frechet(a, b) == pytest.approx(expected, rel=1e-5) == frechet(b, a)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(bad):
    broken = normal(20)
    broken[3, 4] = bad
    with pytest.raises(InputError, match="NaN or infinite"):
        kernel_distance(broken, normal(20), normal(20), HC85)


def test_features_of_two_spaces_are_refused():
    with pytest.raises(InputError, match="one feature space"):
        kernel_distance(normal(20, d=5), normal(20, d=6), normal(20, d=5), HC85)
