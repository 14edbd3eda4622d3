"""Operators against their adjoints, what a full measurement gives, and baselines against closed forms."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_inverse import baselines, comparators, problems
from mribench_inverse.operators import SCALE_OF_MOVED, Fourier
from mribench_inverse.sampling_masks import coil_maps, equispaced_lines, random_lines
from mribench_inverse.solvers import ccdf
from mribench_inverse.steps import conjugate_gradients, inner

from mribench.errors import InputError
from mribench.seeds import torch_generator
from mribench.spec import Examples, Measurement
from mribench.training.draws import BatchDraws

PROBLEMS = [value for value in vars(problems).values() if isinstance(value, problems.Problem)]
SIDE = 32


def draws_of(n):
    return BatchDraws(torch_generator("test"), n, slice(None))


def images(n=3):
    return torch.rand(n, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_adjoint_is_that_of_the_operator(problem):
    x, level = images(), problem.levels[0]
    m = problem.measure(x, level, draws_of(3))
    u = torch.randn(m.y.shape, generator=torch.Generator().manual_seed(4), dtype=m.y.dtype)
    left, right = inner(m.operator(x), u).flatten(), inner(x, m.operator.adjoint(u)).flatten()
    assert torch.allclose(left, right, rtol=1e-6, atol=1e-6 * float(inner(u, u).max()))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_a_measurement_has_the_noise_that_it_says(problem):
    x, level = torch.full((64, 1, SIDE, SIDE), 0.5), problem.levels[0]
    m = problem.measure(x, level, draws_of(64))
    noise = (m.y - m.operator(x))[m.y != 0]
    noise = torch.view_as_real(noise) if noise.is_complex() else noise
    assert noise.std() == pytest.approx(m.sigma, rel=0.02)


@pytest.mark.parametrize("acceleration", [4.0, 8.0])
@pytest.mark.parametrize("lines", [random_lines, equispaced_lines])
def test_a_mask_has_one_line_in_r_and_the_centre(acceleration, lines):
    mask = lines(64, acceleration, draws_of(5))
    assert (mask.sum(-1) == 64 / acceleration).all()
    assert (mask[..., 0] == 1).all() and (mask[..., [1, -1]] == 1).all()
    assert not (mask[0] == mask[1]).all()


def test_equispaced_lines_lie_at_equal_distances_outside_the_centre():
    mask = torch.fft.fftshift(equispaced_lines(64, 4.0, draws_of(5))[:, 0, 0], dim=-1)
    for row in mask:
        places = row.nonzero().flatten()
        outside = places[(places < 28) | (places > 36)]
        steps = outside.diff()[outside.diff() < 10]
        assert steps.min() >= 5 and steps.max() <= 6


def test_the_norm_of_every_operator_is_at_most_one():
    """FISTA and gradient steps of length 1 rest on it. With motion it depends on the draw."""
    for problem in PROBLEMS:
        x = torch.rand(8, 1, 64, 64, generator=torch.Generator().manual_seed(3))
        m = problem.measure(x, problem.levels[-1], draws_of(8))
        for _ in range(60):
            x = m.operator.adjoint(m.operator(x))
            norms = x.flatten(1).norm(dim=1)
            x = x / norms.view(-1, 1, 1, 1)
        assert norms.max() <= 1.001, problem.name


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_adjoint_has_a_gradient_for_networks_that_are_trained_through_it(problem):
    """Of |A* y|^2 by y that is 2 A A* y."""
    m = problem.measure(images(), problem.levels[0], draws_of(3))
    y = m.y.clone().requires_grad_()
    (found,) = torch.autograd.grad(m.operator.adjoint(y).square().sum(), y)
    assert torch.allclose(found, 2 * m.operator(m.operator.adjoint(m.y)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_what_trained_networks_begin_at_has_the_grey_range_of_the_image(problem):
    x = torch.full((3, 1, SIDE, SIDE), 0.5)
    m = problem.measure(x, problem.levels[0], draws_of(3))
    start = comparators.scaled_adjoint(m)
    again = m.operator(start)
    assert inner(m.y - again, again).abs().max() < 1e-3 * inner(m.y, m.y).max()
    if problem.kind == "superres":
        assert torch.allclose(start, x, atol=0.05)


def test_conjugate_gradients_rest_where_the_map_is_not_positive():
    """Known answer: the first axis is solved, the second has negative curvature and would run to infinity."""
    diagonal = torch.tensor([[[[2.0, 2.0]]], [[[2.0, -2.0]]]])
    b = torch.ones(2, 1, 1, 2)
    found = conjugate_gradients(lambda x: diagonal * x, b, torch.zeros_like(b), 5)
    assert torch.equal(found, torch.tensor([[[[0.5, 0.5]]], [[[0.0, 0.0]]]]))


@pytest.mark.parametrize("first", [0.1, 0.3, 1.0])
def test_ccdf_takes_as_many_levels_wherever_it_begins(first):
    calls = []

    class Prior:
        sigmas = (0.002, 80.0)

        def __call__(self, x, sigma):
            calls.append(sigma)
            return x

    m = problems.denoising(images(), 0.1, draws_of(3))
    ccdf.solve(Prior(), m, draws_of(3), first=first)
    assert len(calls) == 15 and calls[0] == pytest.approx(first)


def test_photons_are_counted_with_the_mean_and_the_variance_of_poisson():
    x = torch.full((8, 1, 64, 64), 0.3)
    y = problems.poisson(x, 25.0, draws_of(8)).y * 25
    assert torch.allclose(y, y.round(), atol=1e-4)
    assert float(y.mean()) == pytest.approx(7.5, rel=0.01) and float(y.var()) == pytest.approx(7.5, rel=0.03)


def test_a_pose_without_motion_measures_as_a_scanner_at_rest():
    x = images()
    moved = problems.motion(x, 0.0, draws_of(3))
    mask = sum(shot.mask for shot in moved.operator.shots)
    still = Fourier(mask, moved.operator.shots[0].maps)
    assert torch.allclose(moved.operator(x) / SCALE_OF_MOVED, still(x), atol=1e-5)
    assert (mask.sum(-1) == SIDE / problems.R_OF_MOVING).all()


def test_a_spoke_along_the_columns_is_the_fourier_transform_of_sums_over_rows():
    """The projection-slice theorem: the first spoke lies along k_x."""
    x = images(1)
    m = problems.radial(x, 1.0, draws_of(1))
    maps = torch.ones(1, 1, SIDE, SIDE, dtype=torch.complex64)
    operator = type(m.operator)(maps, m.operator.rows, m.operator.columns, 1.0)
    place = torch.arange(SIDE) - SIDE // 2
    k = 2 * torch.pi * ((torch.arange(SIDE) + 0.5) / SIDE - 0.5)
    expected = torch.exp(-1j * torch.outer(k, place)) @ x[0, 0].sum(0).to(torch.complex64)
    assert torch.allclose(operator(x)[0, 0], expected, atol=1e-3)


def test_more_acceleration_than_lines_is_refused():
    with pytest.raises(InputError, match="leaves 1 of 8 k-space lines, expected at least 2"):
        random_lines(8, 8.0, draws_of(1))


@pytest.mark.parametrize("coils", [1, 4])
def test_coil_maps_add_up_to_one_and_are_smooth(coils):
    maps = coil_maps(coils, (SIDE, SIDE), draws_of(2))
    assert torch.allclose(maps.abs().square().sum(1), torch.ones(2, SIDE, SIDE), atol=1e-6)
    assert (maps[..., 1:] - maps[..., :-1]).abs().max() < 0.5


@pytest.mark.parametrize("coils", [1, 4])
def test_sense_is_exact_where_all_of_k_space_is_measured_without_noise(coils):
    x, draws = images(), draws_of(3)
    operator = Fourier(torch.ones(3, 1, 1, SIDE), coil_maps(coils, (SIDE, SIDE), draws))
    m = Measurement(operator(x), operator, 0.01, (SIDE, SIDE))
    assert (baselines.sense(None, m, draws) - x).abs().max() < 1e-5


def test_the_proximal_map_of_total_variation_lowers_a_step_as_in_closed_form():
    """Of a step between n and m columns, z is constant on each side, nearer by weight / n and weight / m."""
    step = torch.zeros(1, 1, 16, 24)
    step[..., 8:] = 1.0
    found = baselines.tv_prox(step, 0.8, steps=400)
    assert torch.allclose(found[..., :8], torch.full((16, 8), 0.8 / 8), atol=1e-3)
    assert torch.allclose(found[..., 8:], torch.full((16, 16), 1 - 0.8 / 16), atol=1e-3)


def test_biharmonic_inpainting_leaves_what_was_measured_and_continues_a_ramp():
    ramp = torch.linspace(0.2, 0.8, SIDE).expand(2, 1, SIDE, SIDE).contiguous()
    m = problems.INPAINT_BOX.measure(ramp, 0.3, draws_of(2))
    found = baselines.biharmonic(None, m, draws_of(2))
    kept = m.operator(torch.ones_like(ramp)) == 1
    assert (found - m.y)[kept].abs().max() < 1e-6
    assert (found - ramp)[~kept].abs().max() < 0.1


def test_an_image_is_measured_alike_whatever_the_draws_of_others():
    """Row i of a batch is row i of its own draws: nothing is taken over the batch."""
    x = images(2)
    for problem in PROBLEMS:
        both = problem.measure(x, problem.levels[0], draws_of(2))
        other = problem.measure(torch.cat([x[:1], 1 - x[1:]]), problem.levels[0], draws_of(2))
        assert torch.equal(both.y[0], other.y[0])


def test_haar_shrinkage_keeps_the_mean_and_shrinks_details_by_the_weight():
    checker = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(4, 4)[None, None]
    found = baselines.haar_prox(0.5 + 0.1 * checker, 0.05)
    assert torch.allclose(found, 0.5 + (0.1 - 0.05 / 2) * checker, atol=1e-6)
    assert torch.allclose(baselines.haar_prox(images(), 0.0), images(), atol=1e-6)


def test_richardson_lucy_rests_at_an_image_that_explains_the_data():
    x = images().clamp_min(0.1)
    m = problems.Measurement(x, problems.denoising(x, 0.0, draws_of(3)).operator, 0.01, (SIDE, SIDE))
    assert torch.allclose(baselines.richardson_lucy(None, m, draws_of(3), steps=3), x, atol=1e-5)


def test_comparators_begin_at_what_is_measured_and_cost_what_the_prior_does():
    network = SimpleNamespace(
        channels=(8, 8), layers_per_block=1, attention_levels=(), norm_groups=8, head_dim=8, patch=2
    )
    profile = SimpleNamespace(size=SIDE, network=network, coarse_steps=1260, total_steps=lambda n: 18 * n)
    examples = Examples(np.zeros((100, SIDE, SIDE), np.float32), None, profile, 0, torch.device("cpu"))
    assert examples.full_steps == 855  # of 1,800: 540 at full side, and 1,260 at a quarter of the cost
    m = problems.denoising(images(), 0.1, draws_of(3))
    net = comparators._unet(profile, 1)
    assert torch.allclose(comparators.by_unet(net, m), m.y)
    # a measured whole image is where unrolled gradient steps rest
    assert torch.allclose(comparators.by_unrolled(net, m), m.y)
