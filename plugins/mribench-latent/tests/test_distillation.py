"""Progressive distillation on a Gaussian, where the teacher is linear and all is known in closed form."""

from types import SimpleNamespace

import pytest
import torch
from mribench_latent import distilled
from mribench_latent.distilled import DISTILLED, StudentLoss, ddim, integrate, signal_and_noise, target

from mribench.spec import Batch
from mribench.testing import conforms

test_distilled = conforms("variants", "distilled")

STD = 0.3  # of the pixels


class Linear:
    """The best network for independent pixels N(0, STD^2), and what it says times ``factor``."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def __call__(self, z, t):
        alpha, sigma = signal_and_noise(t.view(-1, 1, 1, 1) / distilled.TIMESTEPS)
        x = self.factor * gain(alpha, sigma) * z
        return SimpleNamespace(sample=(alpha * z - x) / sigma)


class Seeded:
    """Random numbers of a test, n rows."""

    def __init__(self, n):
        self.n, self.generator = n, torch.Generator().manual_seed(0)

    def normal(self, *shape):
        return torch.randn((self.n, *shape), generator=self.generator)

    def integers(self, high, *shape):
        return torch.randint(high, (self.n, *shape), generator=self.generator)


def gain(alpha, sigma):
    """E[x | z_t] / z_t."""
    return alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)


def steps_gain(t, *later):
    """z_s / z_t of the linear teacher's steps from t by way of ``later``, in float64."""
    product = torch.ones((), dtype=torch.float64)
    for s in later:
        (alpha, sigma), (alpha_s, sigma_s) = signal_and_noise(t), signal_and_noise(s)
        x = gain(alpha, sigma)
        product, t = product * (alpha_s * x + sigma_s / sigma * (1 - alpha * x)), s
    return product


def times(*values):
    return torch.tensor(values).view(-1, 1, 1, 1)


@pytest.mark.parametrize("steps", distilled.STEPS)
def test_one_step_of_the_student_is_two_of_a_linear_teacher(steps):
    t = times(*(i / steps for i in range(1, steps + 1)))
    z = torch.randn(steps, 1, 8, 8)
    alpha, sigma = signal_and_noise(t)
    alpha_end, sigma_end = signal_and_noise(t - 1 / steps)
    x = target(Linear(), z, t, steps)
    student = alpha_end * x + sigma_end / sigma * (z - alpha * x)
    wanted = [steps_gain(i, i - 0.5 / steps, i - 1 / steps) for i in t.double().flatten()]
    assert torch.allclose(student, torch.stack(wanted).float().view_as(t) * z, atol=1e-5)
    by_teacher = ddim(Linear(), ddim(Linear(), z, t, t - 0.5 / steps), t - 0.5 / steps, t - 1 / steps)
    assert torch.allclose(student, by_teacher, atol=1e-5)


def test_the_teachers_own_prediction_is_not_the_target():
    """The student learns more than its teacher says: two steps lead elsewhere than one."""
    z, t = torch.ones(4, 1, 1, 1), times(0.25, 0.5, 0.75, 1.0)
    assert (target(Linear(), z, t, 4) - gain(*signal_and_noise(t)) * z).abs().max() > 0.01


def test_many_steps_draw_the_gaussian_and_few_are_too_narrow():
    z = torch.ones(1, 1, 1, 1)
    assert integrate(Linear(), z, 1000).item() == pytest.approx(STD, rel=0.01)
    assert integrate(Linear(), z, 4).item() == pytest.approx(
        float(steps_gain(*torch.linspace(1, 0, 5).double())), rel=1e-4
    )


class Learned(torch.nn.Module):
    """A linear student: one number for each of its times."""

    def __init__(self, steps):
        super().__init__()
        self.steps, self.x = steps, torch.nn.Parameter(torch.zeros(steps))

    def forward(self, z, t):
        time = t.view(-1, 1, 1, 1) / distilled.TIMESTEPS
        alpha, sigma = signal_and_noise(time)
        x = self.x[(time.flatten() * self.steps).round().long() - 1].view_as(time) * z
        return SimpleNamespace(sample=(alpha * z - x) / sigma)


def test_a_linear_student_learns_to_make_two_steps_at_once():
    """Trained on images, drawn in 4 steps, it scales noise as 8 steps of its teacher do."""
    student, draws = Learned(4), Seeded(64)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
    for _ in range(300):
        batch = Batch(STD * draws.normal(1, 4, 4))
        loss = StudentLoss("teacher", 4)(student, batch, {"teacher": Linear()}, draws)
        assert loss.shape == (64,)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    z = torch.ones(1, 1, 1, 1)
    assert integrate(student, z, 4).item() == pytest.approx(integrate(Linear(), z, 8).item(), abs=1e-3)
    assert abs(integrate(Linear(), z, 4).item() - integrate(Linear(), z, 8).item()) > 0.005


def test_each_student_begins_where_its_teacher_ended():
    assert [stage.starts_from for stage in DISTILLED.stages] == [
        None,
        *(stage.name for stage in DISTILLED.stages[:-1]),
    ]
    assert [update.loss.teacher for stage in DISTILLED.stages[1:] for update in stage.updates] == [
        stage.name for stage in DISTILLED.stages[:-1]
    ]
