import numpy as np
import pytest
import torch
from mribench_flow import EULER, FLOW, loss, path, scheduler

from mribench.testing import conforms

test_flow = conforms("variants", "flow")
test_flow_euler = conforms("samplers", "flow-euler")


class Knows:
    """A network that knows x_0 and eps, and answers with the velocity between them."""

    def __init__(self, x0, noise):
        self.velocity = noise - x0

    def __call__(self, x, t):
        return type("Output", (), {"sample": self.velocity})


def test_the_loss_is_zero_where_the_velocity_is_known():
    x0, noise = torch.randn(2, 3, 1, 8, 8)
    t = torch.tensor([0, 499, 999])
    assert loss(Knows(x0, noise), scheduler(None), x0, noise, t).abs().max() == 0
    assert loss(Knows(x0, -noise), scheduler(None), x0, noise, t).min() > 0.1


@pytest.mark.parametrize("start", [None, 249, 0])
@pytest.mark.parametrize("steps", [1, 7, 50])
def test_along_a_straight_line_euler_arrives_in_any_number_of_steps(steps, start):
    x0, noise = torch.randn(2, 3, 1, 8, 8)
    signal, sigma = path(scheduler(None))
    x = noise if start is None else signal[start] * x0 + sigma[start] * noise
    euler = EULER.scheduler(scheduler(None).config)
    visited = EULER.timesteps(euler, steps, start)
    assert visited[0] == pytest.approx(1000 if start is None else start + 1)
    for t in visited:
        x = euler.step(noise - x0, t, x).prev_sample
    assert (x - x0).abs().max() < 1e-5


def test_the_path_runs_from_image_to_noise():
    signal, sigma = path(scheduler(None))
    assert np.allclose(signal + sigma, 1) and (sigma[0], sigma[-1]) == (0.001, 1.0)
    assert FLOW.process == EULER.process == "flow"
