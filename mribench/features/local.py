"""Any torchvision network with weights of your own, described by a TOML file that ``MRIBENCH_LOCAL_FEATURES`` names.

    architecture = "mobilenet_v2"     # a classifier of torchvision.models
    weights = "mobilenet_v2.pth"      # a state dict, .pth or .safetensors, beside the TOML file or absolute
    sha256 = "..."                    # of that file, checked before it is opened

Features are what enters the last linear layer, whose own weights are neither needed nor read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mribench.device import place
from mribench.errors import InputError, Unavailable
from mribench.features import network
from mribench.spec import FeatureSpace

if TYPE_CHECKING:
    import torch

VARIABLE = "MRIBENCH_LOCAL_FEATURES"


class Description(NamedTuple):
    architecture: str
    weights: Path
    sha256: str


def load() -> Callable[[np.ndarray], np.ndarray]:
    """extract: (N, H, W) in [0, 1] -> float64 (N, d). ``Unavailable`` without a description, ``InputError`` where it or
    what it names is not right.
    """

    description = _description()
    if description is None:
        raise Unavailable(f"no local feature network is described: set {VARIABLE} to a TOML file")
    net, last = _build(description)
    net.to(place()).eval()
    entered: list[torch.Tensor] = []
    last.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))

    def forward(images: torch.Tensor) -> torch.Tensor:
        net(images)
        return entered.pop().flatten(1)

    return network.extractor(forward)


def check() -> None:
    """``InputError`` where the description cannot be read or names no file."""
    _description()


def identity() -> str:
    """``local:<architecture>@<sha256>``."""
    description = _description()
    return (
        f"local:{description.architecture}@{description.sha256}"
        if description
        else "local without a description"
    )


def _description() -> Description | None:
    path = network.file_of(VARIABLE)
    if path is None:
        return None
    try:
        fields = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not TOML ({error}): describe the network in it.") from error
    wanted = ("architecture", "weights", "sha256")
    if set(fields) != set(wanted) or not all(isinstance(value, str) for value in fields.values()):
        raise InputError(f"{path} has the fields {sorted(fields)}: strings {', '.join(wanted)} are expected.")
    return Description(fields["architecture"], path.parent / fields["weights"], fields["sha256"].lower())


def _build(description: Description) -> tuple[torch.nn.Module, torch.nn.Linear]:
    """The network with its weights, and its last linear layer."""
    from torch.nn import Linear
    from torchvision import models

    if description.architecture not in models.list_models(module=models):
        raise InputError(
            f"{description.architecture!r} is no classifier of torchvision.models: name one, as resnet50."
        )
    net = models.get_model(description.architecture, weights=None)
    last, head = [(module, name) for name, module in net.named_modules() if isinstance(module, Linear)][-1]
    state = network.state_dict(description.weights, description.sha256)
    body = {name: tensor for name, tensor in state.items() if not name.startswith(f"{head}.")}
    try:
        missing, unknown = net.load_state_dict(body, strict=False)
    except RuntimeError as error:
        raise InputError(f"{description.weights} does not fit {description.architecture}: {error}") from error
    wrong = [name for name in missing if not name.startswith(f"{head}.")] + unknown
    if wrong:
        raise InputError(
            f"{description.weights} does not fit {description.architecture}: {wrong[0]} is missing or unknown."
        )
    return net, last


LOCAL = FeatureSpace(
    name="local",
    title="a local network",
    dim=0,
    kernel="cubic",
    load=load,
    identity=identity,
    check=check,
    paper="Woodland et al. 2024, arXiv:2311.13717, on the choice of a network",
)
