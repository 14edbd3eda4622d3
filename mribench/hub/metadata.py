"""The parts that the Hub itself reads: the card's front matter with its model-index, and ``.eval_results``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mribench.escaping import visible
from mribench.hub.release import Release
from mribench.results import Result, metric_label
from mribench.spec import Score

TASK = "unconditional-image-generation"
TAGS, DIFFUSION = ("mribench", "medical-imaging"), "diffusion"
GENERATION = "generation"
MOST_LINES = 70  # of the front matter


def front_matter(name: str, records: Sequence[Result], release: Release, library: str) -> str:
    """YAML between dashes: licence, library, tags and a model-index with the first scores of generation.

    The Hub shows it above the card, so it has at most ``MOST_LINES`` lines; headline metrics come first. All scores are
    in the card and in the records.

    Args:
        name: of the model.
        records: of one trained cell, the controls left out.
        release: where the model goes, and its licence.
        library: the package whose lines load the model.
    """
    from huggingface_hub import ModelCardData

    first = records[0]
    kinds = [DIFFUSION] if first.sampler else []
    shown = next((result for result in records if result.task == GENERATION), first)
    ordered = sorted(shown.scores, key=lambda score: not shown.metrics[score.metric].get("headline"))
    entries = list(_entries(replace(shown, scores=tuple(ordered))))
    data = ModelCardData(
        license=release.licence.id,
        license_name="terms-of-the-data" if release.licence.name else None,
        library_name=library,
        pipeline_tag=TASK,
        tags=[*TAGS, *kinds, first.modality, first.variant, *(["mri"] if first.data["is_mri"] else [])],
        model_name=name,
    )
    text = data.to_yaml()
    for n in range(len(entries), 0, -1):
        data.eval_results = entries[:n]
        if len((whole := data.to_yaml()).splitlines()) <= MOST_LINES:
            text = whole
            break
    return f"---\n{visible(text)}\n---\n"


def _entries(result: Result) -> Iterable[Any]:
    """One entry per score, with interval, counts and seed as the metric's arguments."""
    from huggingface_hub import EvalResult

    c = result.comparability
    for score in result.scores:
        if score.value is None:
            continue
        yield EvalResult(
            task_type=TASK,
            task_name=result.task,
            dataset_type=c["data"],
            dataset_name=f"{result.data['title']}, {c['data']}, profile {c['profile']}",
            dataset_split=c["split"],
            dataset_revision=c["data_key"],
            metric_type=_metric(score),
            metric_name=result.metrics[score.metric]["title"],
            metric_value=score.value,
            metric_args=_arguments(result, score),
        )


def _metric(score: Score) -> str:
    return metric_label(score.metric, score.space) + ("" if score.level is None else f"@{score.level:g}")


def _arguments(result: Result, score: Score) -> Mapping[str, Any]:
    arguments = {
        "sampler": result.sampler,
        "seed": result.seed,
        "unit": result.metrics[score.metric]["unit"],
        "interval_95": [score.low, score.high] if score.low is not None else None,
        "images": score.n,
        "reference_images": score.n_reference,
        "subjects": score.subjects,
    }
    return {name: value for name, value in arguments.items() if value not in (None, "")}


def eval_results(records: Sequence[Result], board: str) -> str:
    """One ``.eval_results`` file against the data set repository ``board``: JSON, which is YAML as well.

    The format has no field for an interval; the notes give it, with the counts and the seed.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = []
    for result in records:
        for score in result.scores:
            if score.value is None:
                continue
            task = f"{result.modality}_{result.task}_{_metric(score)}"
            notes = ", ".join(f"{name}: {value}" for name, value in _arguments(result, score).items())
            entries.append(EvalResultEntry(dataset_id=board, task_id=task, value=score.value, notes=notes))
    return json.dumps(eval_result_entries_to_yaml(entries), indent=1) + "\n"
