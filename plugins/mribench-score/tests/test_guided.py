"""One model for all organs: its network hears its label, guidance is what the paper says, one training serves both."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from mribench_score.joint import GUIDANCE, JOINT, JOINT_CFG

from mribench import Network
from mribench.testing import conforms
from mribench.variants.ddpm import DDPM

test_joint = conforms("variants", "joint")
test_lesion_label = conforms("variants", "lesion-label")
test_joint_cfg = conforms("variants", "joint-cfg")


def budget(**network):
    """What of a profile networks and schedulers are made by."""
    return SimpleNamespace(size=32, coarse_steps=0, prediction="v_prediction", network=Network(**network))


PROFILES = {
    "pixels": budget(channels=(8, 16, 32), layers_per_block=1),
    "patches": budget(channels=(16, 32), patch=2),
}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_each_of_k_labels_and_the_null_label_is_heard(profile):
    net = JOINT.network(profile, labels=3).eval()
    x, t = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(0)), torch.full((4,), 300)
    with torch.no_grad():
        outputs = [net(x, t, class_labels=torch.full((4,), label)).sample for label in range(4)]
        assert all((a - b).abs().max() > 1e-3 for i, a in enumerate(outputs) for b in outputs[:i])
        with pytest.raises(IndexError):
            net(x, t, class_labels=torch.full((4,), 4))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_it_is_the_network_of_ddpm_and_an_embedding(profile):
    told, plain = (sum(p.numel() for p in v.network(profile).parameters()) for v in (JOINT, DDPM))
    assert told - plain == 2 * 4 * profile.network.channels[0]


def test_guidance_differs_in_nothing_that_is_trained():
    same = replace(
        JOINT_CFG, name=JOINT.name, title=JOINT.title, paper=JOINT.paper, guidance=1.0, trained_as=None
    )
    assert same == JOINT and JOINT_CFG.trained_as == JOINT.name and JOINT_CFG.guidance == GUIDANCE > 1
