"""The model card, written from the records of a cell and from nothing else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mribench._version import __version__
from mribench.board import columns
from mribench.board.boards import Board, boards
from mribench.board.markdown import board_table
from mribench.data.cards import terms
from mribench.escaping import markdown as escaped
from mribench.escaping import markdown_code
from mribench.hub import metadata
from mribench.hub.cells import TrainedCell
from mribench.hub.plain import Recipe
from mribench.hub.release import Release
from mribench.results import Result
from mribench.spec import AuditVerdict
from mribench.spec.verdict import verdict_and_power
from mribench.tables import markdown_table

LIMITS = """Not for clinical use: no diagnosis, treatment or training of staff may rest on these images. They are 2-D,
grey and small, and look like the data set above, with its scanners, ages and diseases, and like no other. A good
score says nothing about privacy: weights can remember patients even where no audit finds it. Compare the scores with
another table only where every field of `comparability` in the records is equal (`mribench leaderboard` does)."""
# a package as records name it; what a shell would read otherwise is not put into the card
PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*) (?P<version>\d[\w.+!]*)")
SPLITS = ("train", "validation", "test")
AUDIT = {
    AuditVerdict.NOT_DETECTED: "No memorisation was detected. That is no proof of privacy.",
    AuditVerdict.CANNOT_SAY: "**The audit cannot say** whether the weights remember training images.",
    AuditVerdict.NOT_AUDITED: "**Not audited.** Nobody looked whether the weights remember training images.",
    AuditVerdict.SUSPECT: "**Suspect.** The audit cannot rule out that the weights remember training images.",
    AuditVerdict.MEMORISES: (
        "**MEMORISES.** The audit found copies of training images among the samples; published all the same."
    ),
    AuditVerdict.SAW_THE_TEST: (
        "**SAW THE TEST.** The audit found copies of test or validation images among the samples: its scores mean "
        "nothing; published all the same."
    ),
    AuditVerdict.UNKNOWN: (
        "**An audit of a later version** gave a verdict that this one does not know; take it for the gravest."
    ),
}


def markdown(
    cell: TrainedCell,
    records: Sequence[Result],
    rows: Sequence[terms.Row],
    audit: Mapping[str, Any],
    release: Release,
    recipe: Recipe | None,
) -> str:
    """README.md of a model repository.

    Args:
        cell: the model.
        records: the staged records of the cell and of the controls.
        rows: terms of the data.
        audit: the verdict on memorisation.
        release: where the model goes, and its licence.
        recipe: how diffusers alone draws from it; None where mribench is needed.
    """
    own = [result for result in records if not result.is_control]
    name = (release.repo or cell.name).rpartition("/")[2]
    sections = {
        "": _summary(name, own, release),
        "Use": _use_diffusers(release.repo, recipe, own[0]) if recipe else _use_mribench(release.repo, own),
        "Data": _data(own[0], rows),
        "Training": _training(own[0]),
        "Scores": _scores(boards(records)),
        "Memorisation": _memorisation(audit),
        "Reproduce": _reproduce(own, release),
        "Limits": LIMITS,
        "Licence": _licence(release),
    }
    body = "\n".join(
        f"## {title}\n\n{section}\n" if title else f"{section}\n" for title, section in sections.items()
    )
    return metadata.front_matter(name, own, release, "diffusers" if recipe else "mribench") + body


def _summary(name: str, own: Sequence[Result], release: Release) -> str:
    first = own[0]
    c, data = first.comparability, first.data
    grid = next((result.figures["samples"] for result in own if "samples" in result.figures), None)
    kind = "drawn by a phantom, no patient's" if c["data_kind"] == "phantom" else "real"
    kind_of_model = "diffusion model" if first.sampler else "generative model"
    what = escaped(f"{data['title']}, {data['contrast']}")
    notice = (
        "\n**Keep this copy among those who signed the agreement of the data.**\n" if release.private else ""
    )
    conditions = (
        "A conditional" if (first.provenance["training"] or {}).get("conditions") else "An unconditional"
    )
    return (
        f"# {name}\n{notice}\n{conditions} {kind_of_model} (`{first.variant}`, training seed {first.seed}) of "
        f"{c['resolution']} x {c['resolution']} grey slices: {what}; {kind} images. "
        f"{_shared(first)}Trained and scored with mribench. **Not for clinical use.**\n"
        + (f"\n![Samples of the model]({grid})\n" if grid else "")
    )


def _shared(first: Result) -> str:
    """What else the weights have learned."""
    others = ", ".join(f"`{organ}`" for organ in first.organs if organ != first.modality)
    return f"One training of several organs: the weights know {others} too. " if others else ""


def _use_diffusers(repo: str | None, recipe: Recipe, first: Result) -> str:
    """The lines that draw images with diffusers, by the sampler and the steps of the scores."""
    size = first.comparability["resolution"]
    lines = [
        "from diffusers import DiffusionPipeline",
        "",
        f"pipeline = DiffusionPipeline.from_pretrained({_source(repo)}, trust_remote_code=True)",
        f'images = pipeline(batch_size=4, output_type="np").images  # float32 (4, {size}, {size}, 1) in [0, 1]',
    ]
    seen = "pixels" if recipe.patch == 1 else f"patches of {recipe.patch} x {recipe.patch} pixels as channels"
    about = [
        f"The images are drawn by `{recipe.sampler.name}`, the sampler of the scores.",
        "`trust_remote_code` lets diffusers run [pipeline.py](pipeline.py), a short file beside the weights;",
        f"`mribench.sample({_source(repo)}, n=4)` does without it, where mribench is installed.",
        f"`unet/` is a plain `UNet2DModel` on {seen}, by the weights that were sampled (the moving average where one",
        "was kept).",
    ]
    code = ["```sh", "pip install diffusers torch", "```", "", "```python", *lines, "```"]
    return "\n".join([*code, "", *about, *_unpacked(repo)])


def _use_mribench(repo: str | None, own: Sequence[Result]) -> str:
    """The lines that draw images with mribench and the packages that the model was made with."""
    size = own[0].comparability["resolution"]
    lines = [
        "import mribench",
        "",
        f"images = mribench.sample({_source(repo)}, n=4)  # float32 (4, {size}, {size}) in [0, 1]",
    ]
    how = f"by `{own[0].sampler}`, the sampler of the scores" if own[0].sampler else "as for the scores"
    about = [
        f"The images are drawn {how}. The weights of each network are safetensors in a folder of its own, the moving",
        "average where one was kept; no code is downloaded with them.",
    ]
    code = ["```sh", f"pip install {' '.join(_packages(own))}", "```", "", "```python", *lines, "```"]
    return "\n".join([*code, "", *about, *_unpacked(repo)])


def _source(repo: str | None) -> str:
    return f'"{repo}"' if repo else '"path/to/this/folder"'


def _unpacked(repo: str | None) -> list[str]:
    return [] if repo else ["This folder is the one that `tar -xf` takes out of the packed file."]


def _packages(own: Sequence[Result]) -> list[str]:
    """``mribench==0.1.0`` and the packages of variant and samplers."""
    owners = [
        result.provenance.get("plugins", {}).get(part) for result in own for part in ("variant", "sampler")
    ]
    made_with = filter(None, map(PACKAGE.fullmatch, filter(None, owners)))
    named = {match["name"]: match["version"] for match in made_with} | {"mribench": __version__}
    return [f"{name}=={version}" for name, version in sorted(named.items())]


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
    how = "Split by subject" if data.get("subjects_known", True) else "**Subjects unknown**, split by file"
    return markdown_table(titles, lines) + f"\n{how}: {split}."


def _training(first: Result) -> str:
    training, profile = first.provenance["training"] or {}, first.provenance["profile"]
    machine = (training.get("made_with") or {}).get("machine", {})
    about = {
        "profile": profile["name"],
        "steps": _count(training.get("steps")),
        "images seen": _count(training.get("images_seen")),
        "batch size": profile["batch_size"],
        "optimizer": f"{profile['optimizer']}, learning rate {_learning_rate(first)}",
        "predicts": training.get("prediction") or (profile["prediction"] if first.sampler else None),
        "stages": ", ".join(
            f"{name}: {_count(record.get('steps'))} steps"
            for name, record in (training.get("stages") or {}).items()
        )
        or None,
        "parameters": _count(training.get("parameters")),
        "weights": f"{profile['keep']}, moving average {profile['ema_decay'] or 'none'}",
        "precision": training.get("precision") or profile["precision"],
        "time": f"{training['seconds']:.0f} s on {machine.get('device', 'an unknown device')}"
        if training.get("seconds") is not None
        else "unknown",
    }
    return markdown_table(
        ("budget", ""), [(name, str(value)) for name, value in about.items() if value is not None]
    )


def _learning_rate(first: Result) -> str:
    tuned = first.provenance.get("tuned")
    if not tuned:
        return f"{first.provenance['profile']['lr']:g}"
    return f"{tuned['lr']:g}, the best of {tuned['trials']} on validation subjects"


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "unknown"


def _scores(compared: Iterable[Board]) -> str:
    parts = [
        "Mean [95 % interval over test subjects]. In italics the rows that give the scale: controls (`noise`, "
        "`gaussian` for second-order statistics alone, `train-replay` for copies of training images) and real images "
        "in the model's place.\n"
    ]
    for board in compared:
        parts += [f"{escaped(columns.one_line(board))}\n", board_table(columns.headline(board))]
        parts += [f"- {escaped(sentence)}" for sentence in (*board.against_control, *board.doubts)]
    return "\n".join([*parts, "\nThe full records, with what they may be compared with, are in `results/`."])


def _memorisation(audit: Mapping[str, Any]) -> str:
    text = AUDIT[AuditVerdict(audit["verdict"])]
    if audit.get("copy_rate") is not None and audit.get("low") is not None:
        text += (
            f" Copies among {audit['n']} samples: {audit['copy_rate']:.1%} [{audit['low']:.1%}, {audit['high']:.1%}]; "
            f"the threshold takes at most {audit['false_alarm_high']:.1%} of real held-out images for copies."
        )
    _, found, power = verdict_and_power(audit).partition(", sees ")
    text += f" Of this many samples the audit sees {power}." if found else ""
    reasons = "; ".join(audit.get("reasons") or ())
    return text + (f"\n\nReasons: {escaped(reasons)}." if reasons else "")


def _reproduce(own: Sequence[Result], release: Release) -> str:
    first = own[0]
    spec, owners = first.provenance["spec"], first.provenance.get("plugins", {})
    samplers = ",".join(dict.fromkeys(r.sampler for r in own if r.sampler))
    command = [
        "mribench",
        "run",
        "--modalities",
        ",".join(first.organs or (first.modality,)),
        "--variants",
        first.variant,
        *(["--samplers", samplers] if samplers else []),
    ]
    data = first.comparability["data"]
    data = "path/to/the/same/images" if any(map(terms.is_own, terms.of_result(first))) else data
    command += ["--seeds", str(first.seed), "--profile", str(spec["profile"]), "--data", data]
    for option in ("train_steps", "size", "precision"):
        if spec.get(option):
            command += [f"--{option.replace('_', '-')}", str(spec[option])]
    tuned = first.provenance.get("tuned")
    command += ["--tuned", "path/to/methods.json"] if tuned else []
    lines = [shlex.join([*command, "--out", "runs/again"])]
    if release.repo:
        lines += [
            f"mribench leaderboard --from {release.repo} --from runs/again",
            f"mribench verify {release.repo}",
        ]
    packages = ", ".join(sorted(set(filter(None, owners.values()))))
    commit = first.provenance.get("git_commit")
    return (
        f"With {escaped(packages) or 'mribench'} installed{f' (commit {escaped(commit)})' if commit else ''}:\n\n"
        + markdown_code("\n".join(lines), "sh")
        + (f"\nThe learning rate is of the methods.json of sha256 {tuned['sha256'][:12]}." if tuned else "")
    )


def _licence(release: Release) -> str:
    licence = release.licence
    conditions = (f"- {escaped(condition)}" for condition in licence.conditions)
    return "\n".join([f"Carried over from the data: {escaped(licence.name or licence.id)}.", *conditions])
