"""Which organ is it? A classifier is trained on the generated images of all organs, and tested on real ones.

    python -m mribench_downstream.organs runs/mine

Every classifier has the same network, first weights, batches, steps and number of images; they differ in the images
alone. Real training images in the place of generated ones are the ceiling. Images that say nothing of their organ give
1 over the number of organs.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mribench import Run, load
from mribench.errors import InputError, MribenchError
from mribench.seeds import number, numpy_rng, torch_generator
from mribench.spec import Prepared
from mribench.tasks import equal_by_subject
from mribench_downstream.intervals import mean_over_both
from mribench_downstream.labelled import grey
from mribench_downstream.references import TRAININGS
from mribench_downstream.segmenter import PREDICTED_AT_ONCE, augmented

if TYPE_CHECKING:
    import torch

WIDTHS = (8, 16, 32, 64)  # channels of the levels
BATCH = 8  # images of each organ
STEPS, LEARNING_RATE = 200, 2e-3
REAL = "real training images"


class Answer(NamedTuple):
    """What the classifiers of one source of images say, over all real test images."""

    right: tuple[float, float | None, float | None]  # share of a subject's images, with its 95 % interval
    surprise: tuple[float, float | None, float | None]  # -log of the probability of the true organ, in nats
    subjects: int


def train(images: Sequence[np.ndarray], training: int, steps: int = STEPS) -> torch.nn.Module:
    """A classifier of images, trained with equally many of every organ in each batch.

    Args:
        images: Of each organ, uint8 (n, H, W); as many of one as of the other.
        training: Its number. First weights, batches and augmentation depend on it alone.
        steps: Of ``BATCH`` images of each organ.
    """
    import torch
    from monai.networks.nets import Classifier

    side = images[0].shape[-1]
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(number("classifier", training))
        net = Classifier((1, side, side), len(images), WIDTHS, strides=(2,) * len(WIDTHS), num_res_units=1)
        net = net.to("cuda" if torch.cuda.is_available() else "cpu").train()
        place = next(net.parameters()).device
        rng, draw = numpy_rng("organs", training), torch_generator("organs", training)
        optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        truth = torch.arange(len(images)).repeat_interleave(BATCH)
        for _ in range(steps):
            rows = rng.integers(min(map(len, images)), size=(len(images), BATCH))
            x = np.concatenate([of[chosen] for of, chosen in zip(images, rows, strict=True)])
            seen, _ = augmented(torch.from_numpy(grey(x)), torch.zeros(len(x), side, side), draw)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(seen.to(place)), truth.to(place)).backward()
            optimizer.step()
            decay.step()
    return net.eval().requires_grad_(False)


def answer(images: Sequence[np.ndarray], real: Sequence[Prepared], steps: int = STEPS) -> Answer:
    """``TRAININGS`` classifiers of these images, asked for the organ of every real test image.

    Args:
        images: Of each organ, uint8 (n, H, W).
        real: The sets of the organs, in the same order.
        steps: Of each training.

    Returns:
        Means over the subjects of all organs, each with the mean over its images.
    """
    import torch

    right, surprise = [], []
    for training in range(TRAININGS):
        net = train(images, training, steps)
        place, of_subjects = next(net.parameters()).device, []
        for organ, data in enumerate(real):
            x = torch.from_numpy(grey(data.test.images))
            logs = torch.cat(
                [net(part.to(place)).log_softmax(1).cpu() for part in x.split(PREDICTED_AT_ONCE)]
            )
            found = torch.stack([(logs.argmax(1) == organ).float(), -logs[:, organ]])
            subjects = np.array(data.test.subjects)
            of_subjects += [
                found[:, subjects == subject].mean(1).numpy() for subject in sorted(set(data.test.subjects))
            ]
        shares, losses = np.array(of_subjects, float).T
        right.append(shares)
        surprise.append(losses)
    about = mean_over_both(np.array(right), (0.0, 1.0)), mean_over_both(np.array(surprise), (0.0, np.inf))
    return Answer(*about, subjects=len(right[0]))


def organs_of(run: Run) -> list[str]:
    """Those that have generated images."""
    return sorted({result.modality for result in run if result.task == "generation"})


def data_of(run: Run) -> str:
    """'phantoms, profile quick'; 'real images, profile quick@5000'."""
    kinds = {"phantom": "phantoms", "real": "real images"}
    of = [r.comparability for r in run]
    data = sorted({kinds.get(str(one["data_kind"]), str(one["data_kind"])) for one in of})
    return f"{', '.join(data)}, profile {', '.join(sorted({str(one['profile']) for one in of}))}"


def survey(run: Run, steps: int = STEPS) -> dict[str, Answer]:
    """The answers of every generator and control that has images of all organs of the run, and of real images.

    Of a generator with several seeds or samplers the first counts. Raises InputError for fewer than two organs.
    """
    organs = organs_of(run)
    if len(organs) < 2:
        raise InputError(
            f"{run.folder} has generated images of {len(organs)} organs, expected two or more; run it with more "
            "--modalities"
        )
    real = [run.data(organ) for organ in organs]
    sources = {name: images for name, images in _generated(run, organs).items() if len(images) == len(organs)}
    least = min(len(of) for images in sources.values() for of in images.values())
    chosen = [equal_by_subject(data.train.subjects, least, "organs") for data in real]
    found = {
        REAL: answer([data.train.images[rows] for data, rows in zip(real, chosen, strict=True)], real, steps)
    }
    for name, images in sources.items():
        found[name] = answer([images[organ][:least] for organ in organs], real, steps)
    return found


def _generated(run: Run, organs: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """Images of each generator by organ: the lowest seed and the first sampler by name."""
    found: dict[str, dict[str, np.ndarray]] = {}
    made = [r for r in run if r.task == "generation" and not r.not_applicable]
    for r in sorted(made, key=lambda r: (r.is_control, r.variant, r.seed, r.sampler or "")):
        of_organ = found.setdefault(r.variant, {})
        if r.modality in organs and r.modality not in of_organ:
            of_organ[r.modality] = run.samples(r.variant, r.modality, r.sampler, r.seed)
    return found


def page(found: Mapping[str, Answer], organs: int, data: str) -> str:
    """Markdown: a row for each source of training images, the best first. data: what the images are, in a few words."""
    order = sorted(found, key=lambda name: (-found[name].right[0], found[name].surprise[0]))
    rows = [
        f"| {name} | {_text(100 * np.array(found[name].right, float), 1)} | {_text(found[name].surprise, 3)} |"
        for name in order
    ]
    subjects = next(iter(found.values())).subjects
    note = (
        f"A classifier of {organs} organs is trained on these images and asked for the organ of held-out ones "
        f"({data}): {subjects} subjects, {TRAININGS} trainings, 95 % intervals over both. By chance "
        f"{100 / organs:.1f} % are right."
    )
    heading = "| trained on | right, % | surprise, nats |\n| --- | --- | --- |"
    return "\n".join(["# Which organ is it?", "", note, "", heading, *rows, ""])


def _text(estimate: Sequence[float | None], digits: int) -> str:
    mean, low, high = estimate
    return f"{mean:.{digits}f}" + ("" if low is None else f" [{low:.{digits}f}, {high:.{digits}f}]")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run with generated images of several organs")
    parser.add_argument("--steps", type=int, default=STEPS, help="of each training")
    parser.add_argument("--out", type=Path, help="Markdown file; printed without it")
    asked = parser.parse_args()
    try:
        run = load(asked.run)
        text = page(survey(run, asked.steps), len(organs_of(run)), data_of(run))
    except MribenchError as error:
        parser.exit(2, f"mribench: {error}\n")
    print(text) if asked.out is None else asked.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
