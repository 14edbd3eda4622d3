"""Everything that may go wrong with a Hub: one sentence each, nothing half-published, a second call finishes."""

import os
import re
import subprocess
import sys

import pytest
from hub_server import ALICE, BOB, READER, Repo

EMPTY = "0" * 40
COMMIT = "POST /api/models/alice/brain/commit"


def model(hub):
    return hub.repos["model", "alice/brain"]


@pytest.fixture
def push(trained):
    """The words of one push; the run is made once."""
    run = trained()
    return "push", run, "--repo", "alice/brain"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "no Hugging Face token is here; run `hf auth login`, or set HF_TOKEN"),
        ("hf_" + "x" * 34, "does not accept the token; make a new one"),
        (READER, "the token has no right to write to alice/brain"),
        (BOB, "the token has no right to write to alice/brain"),
    ],
    ids=["none", "bad", "read-only", "another's name"],
)
def test_a_token_that_may_not(token, said, hub, shared, sentence_of, push):
    answer = sentence_of(*push, token=token)
    assert said in answer and (token is None or token not in answer)
    assert not hub.repos
    assert shared(*push).code == 0 and len(model(hub).commits) == 2


def test_a_name_that_is_taken(hub, sentence_of, push):
    hub.repos["model", "alice/brain"] = repo = Repo()
    repo.add({"pytorch_model.bin": b"something else"})
    head = repo.head
    assert "alice/brain exists and holds something else; choose another --repo" in sentence_of(*push)
    assert repo.head == head


def test_a_name_that_another_model_has(hub, shared, sentence_of, push, trained):
    shared(*push)
    head = model(hub).head
    other = trained("other", checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    assert "holds another model" in sentence_of("push", other, "--repo", "alice/brain")
    assert model(hub).head == head


def test_who_may_write_but_not_make_repositories_may_add_results(hub, shared, trained):
    hub.repos["dataset", "shared/board"] = repo = Repo()
    ended = shared("push", trained(), "--results-to", "shared/board", token=BOB)
    assert ended.code == 0, ended.err
    assert len(repo.commits) == 2


def test_an_empty_repository_of_that_name_is_used(hub, shared, push):
    hub.repos["model", "alice/brain"] = Repo()
    assert shared(*push).code == 0


def test_a_public_repository_takes_nothing_private(hub, sentence_of, push):
    hub.repos["model", "alice/brain"] = Repo()
    assert "exists and is public; make it private on its page" in sentence_of(*push, "--private")
    assert model(hub).head == EMPTY


def test_a_commit_of_someone_else_in_between_is_kept(hub, shared, trained):
    shared("push", trained(), "--results-to", "alice/board")
    second = trained("second", checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    third = trained("third", checkpoint="brain_ddpm_s2_0123456789ab", seed=2)
    record = next((third / "results").rglob("ddpm*.json"))
    theirs = []

    def meanwhile(repo):
        if not theirs:
            name = record.relative_to(third).as_posix()
            theirs.append(repo.add({name: record.read_bytes(), "leaderboard.md": b"theirs"}))

    hub.before_commit = meanwhile
    assert shared("push", second, "--results-to", "alice/board").code == 0
    repo = hub.repos["dataset", "alice/board"]
    assert repo.commits[-2][0] == theirs[0]
    assert "3 (0, 1, 2)" in repo.files["leaderboard.md"].decode()


def test_commits_of_others_without_end(hub, shared, sentence_of, push):
    hub.before_commit = lambda repo: repo.add({".gitattributes": os.urandom(8)})
    assert "someone else keeps committing to alice/brain; nothing was overwritten" in sentence_of(*push)
    hub.before_commit = None
    assert shared(*push).code == 0


@pytest.mark.parametrize("fault", ["drop", "lost", 500, 503])
def test_one_failure_on_the_way_is_survived_with_one_commit(fault, hub, shared, push):
    hub.break_at(COMMIT, fault)
    assert shared(*push).code == 0
    assert len(model(hub).commits) == 2


@pytest.mark.parametrize(
    "place",
    [
        "repos/create",
        "GET /api/models/alice/brain$",
        "validate-yaml",
        "preupload",
        "lfs/objects/batch",
        "PUT",
    ],
)
def test_a_connection_lost_anywhere_is_survived(place, hub, shared, push):
    hub.break_at(place, "drop")
    assert shared(*push).code == 0
    assert hub.faults[0][2] == 0, "the fault was never met"
    assert len(model(hub).commits) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("drop", "the Hub cannot be reached"),
        (503, "an error of its own (HTTP 503); nothing is half-published, run the same command again"),
    ],
)
def test_a_hub_that_stays_away(fault, said, hub, shared, sentence_of, push):
    hub.break_at(COMMIT, fault, times=99)
    assert said in sentence_of(*push)
    assert model(hub).head == EMPTY, "half-published"
    hub.faults.clear()
    hub.asked.clear()
    assert shared(*push).code == 0 and len(model(hub).commits) == 2
    assert not [request for request in hub.asked if request.startswith("PUT")], "weights were sent twice"


def test_a_limit_of_the_rate_is_waited_for_or_told(hub, shared, sentence_of, push):
    hub.break_at(COMMIT, 429, headers={"Retry-After": "0"})
    assert shared(*push).code == 0
    hub.clear()
    hub.break_at("repos/create", 429, times=9, headers={"Retry-After": "3600"})
    assert "limits the rate of requests and asks to wait 3600 s" in sentence_of(*push)


def test_a_repository_deleted_in_between(hub, shared, sentence_of, push):
    hub.break_at("GET /api/models/alice/brain$", 404)
    assert "no repository alice/brain is there for this token" in sentence_of(*push)
    assert shared(*push).code == 0


@pytest.mark.parametrize(
    ("words", "about", "said"),
    [
        (["alice/nothing"], {}, "no repository alice/nothing is there for this token"),
        (["alice/brain"], {"token": None}, "no repository alice/brain is there for this token"),
        (["alice/brain"], {"token": "hf_" + "x" * 34}, "does not accept the token"),
        (["alice/brain", "--revision", "f" * 40], {}, "alice/brain has no such revision"),
        (["alice/else"], {}, "alice/else has no mribench.json; expected a model that"),
        (["alice/table"], {}, "alice/table holds no results; expected a board"),
        (["alice"], {}, "'alice' is no repository name"),
    ],
)
def test_what_cannot_be_pulled(words, about, said, hub, shared, sentence_of, push, tmp_path):
    shared(*push, "--private")
    hub.repos["model", "alice/else"], hub.repos["dataset", "alice/table"] = Repo(), Repo()
    assert said in sentence_of("pull", *words, "--out", tmp_path / "back", **about)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "place", ["GET /api/models", "GET .*/resolve/.*safetensors", "HEAD .*/resolve/.*config"]
)
def test_a_pull_survives_a_lost_connection(place, hub, shared, push, tmp_path):
    shared(*push)
    hub.break_at(place, "drop")
    assert shared("pull", "alice/brain", "--out", tmp_path / "back").code == 0
    assert hub.faults[0][2] == 0, "the fault was never met"
    assert len(list((tmp_path / "back" / "train").rglob("*.safetensors"))) == 1


def alone(surroundings, words, folder, before="", **environment):
    """A command in a process of its own."""
    asked = ["mribench", *map(str, words)]
    code = f"{before}\nimport sys; sys.argv = {asked!r}; from mribench.cli import app; app.main()"
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env=surroundings | {"HF_TOKEN": ALICE} | environment,
        timeout=120,
    )


@pytest.mark.parametrize("words", [["push", "run", "--repo", "a/b"], ["pull", "a/b"]], ids=["push", "pull"])
def test_offline_is_said_at_once(words, surroundings, push, hub, tmp_path):
    ended = alone(surroundings, words, tmp_path, HF_HUB_OFFLINE="1")
    assert ended.returncode == 2 and hub.asked == []
    assert re.fullmatch(
        r"mribench: HF_HUB_OFFLINE is set and the Hub is asked for; unset it.*\n", ended.stderr
    )


def test_a_full_disk_leaves_nothing_and_the_next_pull_succeeds(surroundings, hub, shared, trained, tmp_path):
    shared("push", trained(weights=3_000_000), "--repo", "alice/brain")
    full = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    full += "resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, resource.RLIM_INFINITY))"
    ended = alone(surroundings, ["pull", "alice/brain", "--out", "back"], tmp_path, full)
    assert ended.returncode == 2 and not (tmp_path / "back").exists()
    *_, last = ended.stderr.strip().splitlines()
    assert "No space left on device; free space" in last, ended.stderr
    assert shared("pull", "alice/brain", "--out", "back").code == 0
    assert max(p.stat().st_size for p in (tmp_path / "back").rglob("*.safetensors")) > 11 << 20


def test_a_way_without_xet_is_named_where_xet_fails(surroundings, hub, trained, tmp_path):
    """A Hub of one's own, or a proxy, may serve all but Xet's addresses."""
    trained()
    settings = {name: value for name, value in surroundings.items() if name != "HF_HUB_DISABLE_XET"}
    brief = "from mribench.hub import client; client.WAITS = (0.01,)"
    ended = alone(settings, ["push", "run", "--repo", "alice/brain"], tmp_path, brief)
    *_, last = ended.stderr.strip().splitlines()
    assert ended.returncode == 2 and "or set HF_HUB_DISABLE_XET=1" in last, ended.stderr
    assert alone(surroundings, ["push", "run", "--repo", "alice/brain"], tmp_path, brief).returncode == 0


def test_xet_is_not_asked_where_no_file_needs_it(surroundings, hub, trained, tmp_path):
    """The path of the real Hub: xet on; a board has small text files alone."""
    trained()
    settings = {name: value for name, value in surroundings.items() if name != "HF_HUB_DISABLE_XET"}
    ended = alone(settings, ["push", "run", "--results-to", "alice/board"], tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(hub.repos["dataset", "alice/board"].commits) == 2
