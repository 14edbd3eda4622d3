"""The model card, written from the results: nothing stands in it that no record says."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mribench.board import columns
from mribench.board.boards import Board, boards
from mribench.board.markdown import board_table
from mribench.data.cards import terms
from mribench.hub import metadata
from mribench.hub.cells import TrainedCell
from mribench.hub.rules import Licence
from mribench.results import Result
from mribench.spec import AuditVerdict
from mribench.tables import markdown_table

LIMITS = """Not for clinical use: no diagnosis, treatment or training of staff may rest on these images. They are 2-D,
grey and small, and look like the data set above, with its scanners, ages and diseases, and like no other. A good
score says nothing about privacy: weights can remember patients even where no audit finds it. Compare the scores with
another table only where every field of `comparability` in the records is equal (`mribench leaderboard` does)."""
SPLITS = ("train", "validation", "test")
AUDIT = {
    AuditVerdict.NOT_DETECTED: "No memorisation was detected. That is no proof of privacy.",
    AuditVerdict.CANNOT_SAY: "**The audit cannot say** whether the weights remember training images.",
    AuditVerdict.NOT_AUDITED: "**Not audited.** Nobody looked whether the weights remember training images.",
    AuditVerdict.SUSPECT: "**Suspect.** The audit cannot rule out that the weights remember training images.",
    AuditVerdict.MEMORISES: (
        "**MEMORISES.** The audit found copies of training images among the samples; published all the same."
    ),
    AuditVerdict.UNKNOWN: (
        "**An audit of a later version** gave a verdict that this one does not know; take it for the gravest."
    ),
}


@dataclass(frozen=True)
class Use:
    """Where a model goes and on what terms. repo: ``user/name``, or None for a file that is passed on by hand."""

    repo: str | None
    private: bool
    licence: Licence


def text(
    cell: TrainedCell, found: Sequence[Result], rows: Sequence[terms.Row], audit: Mapping[str, Any], use: Use
) -> str:
    """README.md of a model repository. found: the staged records of the cell and of the controls."""
    own = [result for result in found if not result.is_control]
    name = (use.repo or cell.name).rpartition("/")[2]
    sections = {
        "": _what(name, own, use),
        "Use": _use(use),
        "Data": _data(own[0], rows),
        "Training": _training(own[0]),
        "Scores": _scores(boards(found)),
        "Memorisation": _memorisation(audit),
        "Reproduce": _reproduce(own, use),
        "Limits": LIMITS,
        "Licence": _licence(use),
    }
    body = "\n".join(
        f"## {title}\n\n{words}\n" if title else f"{words}\n" for title, words in sections.items()
    )
    return metadata.front_matter(name, own, use) + body


def _what(name: str, own: Sequence[Result], use: Use) -> str:
    first = own[0]
    c, data = first.comparability, first.data
    grid = next((result.figures["samples"] for result in own if result.figures), None)
    kind = "drawn by a phantom, no patient's" if c["data_kind"] == "phantom" else "real"
    hidden = "\n**Keep this copy among those who signed the agreement of the data.**\n" if use.private else ""
    return (
        f"# {name}\n{hidden}\nAn unconditional diffusion model (`{first.variant}`, training seed {first.seed}) of "
        f"{c['resolution']} x {c['resolution']} grey slices: {data['title']}, {data['contrast']}; {kind} images. "
        "Trained and scored with mribench. **Not for clinical use.**\n"
        + (f"\n![Samples of the model]({grid})\n" if grid else "")
    )


def _use(use: Use) -> str:
    where = use.repo or "path/to/this/folder"
    return (
        "```python\nfrom diffusers import DiffusionPipeline\n\n"
        f'pipeline = DiffusionPipeline.from_pretrained("{where}")\n'
        'images = pipeline(batch_size=4, output_type="np").images  # float32 (4, H, W, 1) in [0, 1]\n```\n\n'
        "That walks all training timesteps; the scores below come from the samplers that they name. The weights are "
        "those that were sampled (`unet/*.safetensors`, the moving average where one was kept)."
    )


def _data(first: Result, rows: Sequence[terms.Row]) -> str:
    data = first.data
    titles = ("data", "licence", "access", "source", "citation")
    lines = [
        (
            f"{row['data']}: {row['title']}",
            row["licence"],
            row["access"] or "unknown",
            row["homepage"],
            row["citation"],
        )
        for row in rows
    ]
    split = ", ".join(
        f"{name} {data['images'][name]} images of {columns.subjects(data['subjects'][name])}"
        for name in SPLITS
    )
    known = "Split by subject" if data.get("subjects_known", True) else "**Subjects unknown**, split by file"
    return markdown_table(titles, lines) + f"\n{known}: {split}."


def _training(first: Result) -> str:
    training, profile = first.provenance["training"] or {}, first.provenance["profile"]
    machine = (training.get("made_with") or {}).get("machine", {})
    about = {
        "profile": profile["name"],
        "steps": _count(training.get("steps")),
        "images seen": _count(training.get("images_seen")),
        "batch size": profile["batch_size"],
        "optimizer": f"{profile['optimizer']}, learning rate {profile['lr']:g}",
        "predicts": training.get("prediction") or profile["prediction"],
        "parameters": _count(training.get("parameters")),
        "weights": f"{profile['keep']}, moving average {profile['ema_decay'] or 'none'}",
        "precision": training.get("precision") or profile["precision"],
        "time": f"{training['seconds']:.0f} s on {machine.get('device', 'an unknown device')}"
        if training.get("seconds") is not None
        else "unknown",
    }
    return markdown_table(("budget", ""), [(name, str(value)) for name, value in about.items()])


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "unknown"


def _scores(made: Iterable[Board]) -> str:
    parts = [
        "Mean [95 % interval over test subjects]. In italics what gives the scale: controls (`noise`, `gaussian` for "
        "second-order statistics alone, `train-replay` for copies of training images) and real images in the model's "
        "place.\n"
    ]
    for board in made:
        parts += [f"{columns.one_line(board)}\n", board_table(columns.headline(board))]
        parts += [f"- {sentence}" for sentence in board.against_control]
    return "\n".join([*parts, "\nThe full records, with what they may be compared with, are in `results/`."])


def _memorisation(audit: Mapping[str, Any]) -> str:
    words = AUDIT[AuditVerdict(audit["verdict"])]
    if audit.get("copy_rate") is not None and audit.get("low") is not None:
        words += (
            f" Copies among {audit['n']} samples: {audit['copy_rate']:.1%} [{audit['low']:.1%}, {audit['high']:.1%}]; "
            f"the threshold takes at most {audit['false_alarm_high']:.1%} of real held-out images for copies."
        )
    reasons = "; ".join(audit.get("reasons") or ())
    return words + (f"\n\nReasons: {reasons}." if reasons else "")


def _reproduce(own: Sequence[Result], use: Use) -> str:
    first = own[0]
    spec, owners = first.provenance["spec"], first.provenance.get("plugins", {})
    samplers = ",".join(dict.fromkeys(r.sampler for r in own if r.sampler))
    words = [
        "mribench",
        "run",
        "--modalities",
        first.modality,
        "--variants",
        first.variant,
        "--samplers",
        samplers,
    ]
    data = first.comparability["data"]
    data = "path/to/the/same/images" if data.startswith("local:") else data
    words += ["--seeds", str(first.seed), "--profile", str(spec["profile"]), "--data", data]
    for option in ("train_steps", "precision"):
        if spec.get(option):
            words += [f"--{option.replace('_', '-')}", str(spec[option])]
    again = [shlex.join([*words, "--out", "runs/again"])]
    if use.repo:
        again += [f"mribench leaderboard --from {use.repo} --from runs/again", f"mribench verify {use.repo}"]
    packages = ", ".join(sorted(set(filter(None, owners.values()))))
    commit = first.provenance.get("git_commit")
    return (
        f"With {packages or 'mribench'} installed{f' (commit {commit})' if commit else ''}:\n\n"
        "```sh\n" + "\n".join(again) + "\n```"
    )


def _licence(use: Use) -> str:
    name = use.licence.name or use.licence.id
    return "\n".join(
        [f"Carried over from the data: {name}.", *(f"- {words}" for words in use.licence.sentences)]
    )
