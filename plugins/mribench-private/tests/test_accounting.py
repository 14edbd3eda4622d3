"""Epsilon against what is known in closed form, in print, and by another accountant."""

import numpy as np
import pytest
from mribench_private.accounting import ORDERS, epsilon_spent, noise_for
from scipy.integrate import quad
from scipy.stats import norm

MNIST = {"q": 256 / 60000, "sigma": 1.1, "steps": 60 * 60000 // 256, "delta": 1e-5}


def renyi(q, sigma, order):
    """The divergence of the subsampled Gaussian mechanism by quadrature; Mironov et al. 2019, section 3.3."""

    def integrand(z):
        ratio = np.logaddexp(np.log1p(-q), np.log(q) + (2 * z - 1) / (2 * sigma**2))
        return np.exp(norm.logpdf(z, 0, sigma) + order * ratio)

    ends = -12 * sigma, order + 12 * sigma
    return np.log(quad(integrand, *ends, limit=400, points=[0.0, order])[0]) / (order - 1)


def converted(divergences, orders, delta):
    """Balle et al. 2020, theorem 21."""
    return min(
        r + np.log1p(-1 / a) - (np.log(delta) + np.log(a)) / (a - 1)
        for r, a in zip(divergences, orders, strict=True)
    )


def exact_delta(epsilon, mu):
    """Of the Gaussian mechanism of sensitivity mu in units of its noise; Balle & Wang 2018, theorem 8."""
    return norm.cdf(mu / 2 - epsilon / mu) - np.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)


def test_the_published_epsilon_of_mnist():
    # TensorFlow Privacy's tutorial prints 3.01, with the orders 2 to 64 and the conversion of Mironov 2017
    orders = [1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0, 4.5, *map(float, range(5, 64)), 128.0]
    renyi_mnist = [MNIST["steps"] * renyi(MNIST["q"], MNIST["sigma"], a) for a in orders if a <= 32]
    old = min(
        r + np.log(1 / MNIST["delta"]) / (a - 1)
        for r, a in zip(renyi_mnist, orders[: len(renyi_mnist)], strict=True)
    )
    assert old == pytest.approx(3.01, abs=0.01)
    spent = epsilon_spent(MNIST["sigma"], MNIST["q"], MNIST["steps"], MNIST["delta"])
    assert spent < 3.01
    own = [a for a in ORDERS if 2 <= a <= 32]
    by_hand = converted(
        [MNIST["steps"] * renyi(MNIST["q"], MNIST["sigma"], a) for a in own], own, MNIST["delta"]
    )
    assert spent == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("steps", [1, 100])
def test_with_everybody_drawn_it_bounds_the_gaussian_mechanism(steps):
    sigma = 1.5 * steps**0.5  # so many steps are one with a sensitivity of sqrt(steps)
    spent = epsilon_spent(sigma, 1.0, steps, 1e-4)
    assert exact_delta(spent, 1 / 1.5) < 1e-4, "an upper bound"
    assert exact_delta(0.85 * spent, 1 / 1.5) > 1e-4, "and no loose one"


def test_another_accountant_agrees():
    from opacus.accountants import PRVAccountant

    tight = PRVAccountant()
    tight.history = [(2.7, 0.1, 500)]
    epsilon = tight.get_epsilon(delta=1e-3)
    assert epsilon < epsilon_spent(2.7, 0.1, 500, 1e-3) < 1.2 * epsilon


def test_epsilon_grows_with_steps_and_share_and_falls_with_noise():
    def spent(sigma=2.0, q=0.1, steps=100, delta=1e-3):
        return epsilon_spent(sigma, q, steps, delta)

    by_steps = [spent(steps=n) for n in (0, 1, 10, 100, 1000)]
    assert by_steps[0] == 0 and by_steps == sorted(by_steps) and len(set(by_steps)) == 5
    assert spent(q=0.05) < spent() < spent(q=0.2)
    assert spent(sigma=4.0) < spent() < spent(sigma=1.0)
    assert spent(delta=1e-2) < spent() < spent(delta=1e-5)


@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_the_noise_for_an_epsilon_spends_it_and_hardly_less(epsilon):
    sigma = noise_for(epsilon, 1e-3, 0.1, 200)
    assert epsilon_spent(sigma, 0.1, 200, 1e-3) <= epsilon < epsilon_spent(0.998 * sigma, 0.1, 200, 1e-3)
