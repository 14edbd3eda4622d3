"""Edits of a run's records, and what ``verify`` says of them."""

import json

from mribench import hashing, results
from mribench.results import digest
from mribench.runner import verify

GENERATED, AUDITED = "ddpm*generation*", "ddpm*audit*"


def flat(ended):
    """What was printed, without the line breaks of a narrow terminal."""
    return " ".join(ended.out.split())


def record(run, pattern):
    return next((run / "results" / "brain").glob(pattern))


def doctor(path, change):
    """Edit a record as somebody would who knows its key and its digest, and makes both anew."""
    content = json.loads(path.read_text())
    change(content)
    content["comparability_key"] = hashing.json_hash(content["comparability"])
    content["digest"] = digest.digest(content)
    path.write_text(json.dumps(content))
    return path


def edit(path, change):
    """Doctor the scores of a record that are not blank (three scales of SSIM do not fit 32 pixels)."""

    def change_each(content):
        for score in content["scores"]:
            if score["value"] is not None:
                change(score)

    return doctor(path, change_each)


def not_reproduced(run, path, *said, rescore=True):
    """What ``verify`` says of a record that was doctored: not reproduced, and by which words."""
    found = verify.verify(run, results.read(path), rescore=rescore)
    told = "\n".join(
        f"{check.label} {check.answer}: {check.said}" for check in (*found.fields, *found.checks)
    )
    assert found.answer == "not reproduced", told
    assert all(words in told for words in said), told
    return told
