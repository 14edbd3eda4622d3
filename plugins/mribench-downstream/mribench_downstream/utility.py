"""Do generated images help to segment real ones?

A generator that was trained without labels gives images without labels, so a network labels them. Two questions differ
in what it knows:

- ``utility_synthetic``: generated images in the place of real ones. Who holds the data labels what he gives away: the
  labels are those of a network that was trained on every training subject. Trained on the training images themselves
  this reaches the network of real subjects. On noise it is far above 0, as the labels alone teach a great deal;
  ``utility_over_noise`` is what the images bring beyond that.
- ``utility_gain_P``: generated images beside few real subjects, labelled by a network of these subjects alone. Nothing
  but the images is added, and the gain is over the network of the real subjects.

Who copies training images has useful images: nothing is ranked by these numbers, and the memorisation audit stands
beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.figures import captioned_rows
from mribench.spec import Metric, Model, Prepared, Profile, Score, Task
from mribench_downstream import comparing
from mribench_downstream.comparing import SHOWN, Compared, levels
from mribench_downstream.labelled import (
    FIELD,
    Labelled,
    classes,
    grey,
    some_subjects,
    why_not,
    with_structure,
)
from mribench_downstream.references import SHARES, TRAININGS, Setting, count, references
from mribench_downstream.segmenter import predict, steps_of, train

NETWORKS = ("real-100", "generated", "noise", "real-1", "real-1-generated")  # of the picture
COMPARED: Compared = {
    "utility_synthetic": ("generated", None),
    "utility_real_100": ("real-100", None),
    "utility_over_noise": ("generated", "noise"),
    **{f"utility_gain_{part}": (f"real-{part}-generated", f"real-{part}") for part in SHARES},
    **{f"utility_real_{part}": (f"real-{part}", None) for part in SHARES if part != "100"},
}


def produce(
    model: Model, data: Prepared, profile: Profile, seed: int, read: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Label maps of the test images by every network, uint8 (n, H, W), and of the first generated images.

    Nothing where too few subjects have label maps. ``model`` is not asked: ``read`` has the images that it generated.
    """
    if why_not(data):
        return {}
    images, steps = grey(read["images"]), steps_of(profile)
    setting = Setting.of(data, steps, len(images))
    test = grey(data.test.images[with_structure(data.test)])
    found = {}
    for training in range(TRAININGS):
        known = references(setting, training)
        alone = Labelled(images, predict(known.labeller, images))
        nets = {f"real-{part}": net for part, net in known.real.items()}
        nets |= {"noise": known.noise, "generated": train([alone], classes(data), steps, training)}
        for part, net in known.real.items():
            real = some_subjects(data.train, count(data.train, part), training)
            both = [real, Labelled(images, predict(net, images))]
            nets[f"real-{part}-generated"] = train(both, classes(data), steps, training)
        found |= {f"{name}_{training}": predict(net, test) for name, net in nets.items()}
        if training == 0:
            found["labels_of_generated"] = alone.y[:SHOWN]
    return found


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """Test images over their true and found structures, and generated images over their labels."""
    pictures = comparing.draw(outputs, data, profile, model, caption, networks=NETWORKS)
    if pictures:
        labels = levels(outputs["labels_of_generated"], classes(data) - 1)
        rows = {"generated": outputs["images"][:SHOWN], "their labels": labels}
        pictures["labelled"] = captioned_rows(rows, caption)
    return pictures


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """As ``comparing.score``."""
    return comparing.score(outputs, data, profile, metrics, extract, seed, compared=COMPARED)


UTILITY = Task(
    name="utility",
    title="do generated images help to segment real ones?",
    version=1,
    metrics=tuple(COMPARED),
    produce=produce,
    score=score,
    draw=draw,
    reads="generation",
    # copies of patients are the most useful images: utility ranks nobody
    primary=None,
    needs=("samples",),
    fields=(FIELD,),
)
