"""Publishing through the real client: what arrives, in how many commits, and that twice is once."""

import json
from dataclasses import replace

import pytest
import yaml

from mribench import results
from mribench.errors import InputError
from mribench.hub import cells


def names(repo):
    return set(repo.files)


def test_one_commit_holds_weights_card_and_records(hub, shared, trained):
    ended = shared("push", trained(), "--repo", "alice/brain")
    assert ended.code == 0, ended.err
    repo = hub.repos["model", "alice/brain"]
    assert len(repo.commits) == 2 and not repo.private
    assert ended.out.strip() == f"{hub.url}/alice/brain/tree/{repo.head}"
    pipeline = {"model_index.json", "unet/config.json", "scheduler/scheduler_config.json"}
    assert pipeline <= names(repo) and "unet/diffusion_pytorch_model.safetensors" in names(repo)
    assert sum(name.startswith("results/") for name in names(repo)) == 2
    assert any("lfs/objects/batch" in request for request in hub.asked)
    _, front, card = repo.files["README.md"].decode().split("---\n", 2)
    about = yaml.safe_load(front)
    assert about["license"] == "cc0-1.0" and about["library_name"] == "mribench", (
        "whose class the network is, the made-up run does not say"
    )
    (metric,) = about["model-index"][0]["results"][0]["metrics"]
    assert metric["value"] == 10.0 and metric["args"]["interval_95"] == [8.0, 12.0]
    for words in ("# brain\n", "Not for clinical use", "| *gaussian* |", "Not audited", "--data phantom"):
        assert words in card, words


def test_the_same_push_again_sends_nothing(hub, shared, trained):
    run = trained()
    shared("push", run, "--repo", "alice/brain", "--results-to", "alice/board")
    commits = {key: len(repo.commits) for key, repo in hub.repos.items()}
    hub.asked.clear()
    assert shared("push", run, "--repo", "alice/brain", "--results-to", "alice/board").code == 0
    assert {key: len(repo.commits) for key, repo in hub.repos.items()} == commits
    assert not [request for request in hub.asked if "/commit/" in request or request.startswith("PUT")]


def test_what_a_new_push_no_longer_has_is_taken_away(hub, shared, trained):
    run = trained()
    shared("push", run, "--repo", "alice/brain")
    (run / "results" / "brain").joinpath(
        next(p.name for p in (run / "results" / "brain").iterdir() if "gaussian" in p.name)
    ).unlink()
    before = names(hub.repos["model", "alice/brain"])
    assert shared("push", run, "--repo", "alice/brain").code == 0
    assert {name for name in before - names(hub.repos["model", "alice/brain"])} == {
        name for name in before if "gaussian" in name
    }


def test_a_dry_run_asks_nobody_and_needs_no_token(hub, shared, trained):
    run = trained()
    ended = shared(
        "push", run, "--repo", "alice/brain", "--results-to", "alice/board", "--dry-run", token=None
    )
    assert ended.code == 0, ended.err
    assert hub.asked == [] and not hub.repos
    assert (run / "hub" / "brain-ddpm-s0" / "README.md").is_file()
    assert "README.md" in ended.err and "would be sent" in ended.err
    shared("push", run, "--repo", "alice/brain", "--results-to", "alice/board")
    sent = {
        name: hub.repos["model", "alice/brain"].files[name]
        for name in names(hub.repos["model", "alice/brain"])
    }
    for name, content in sent.items():
        if name != ".gitattributes":
            assert (run / "hub" / "brain-ddpm-s0" / name).read_bytes() == content


def test_several_cells_have_a_repository_each(hub, shared, trained):
    run = trained()
    trained(checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    assert shared("push", run, "--repo", "alice/organs").code == 0
    assert set(hub.repos) == {
        ("model", "alice/organs-brain-ddpm-s0"),
        ("model", "alice/organs-brain-ddpm-s1"),
    }
    hub.clear()
    assert shared("push", run, "--repo", "alice/one", "--cell", "*-s1").code == 0
    assert set(hub.repos) == {("model", "alice/one")}


def test_the_board_takes_in_the_results_of_several_people(hub, shared, trained):
    shared("push", trained(), "--results-to", "alice/board")
    other = trained("other", checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    assert shared("push", other, "--results-to", "alice/board").code == 0
    repo = hub.repos["dataset", "alice/board"]
    assert sum(name.startswith("results/") for name in names(repo)) == 3
    assert "2 (0, 1)" in repo.files["leaderboard.md"].decode()
    assert "3 records of Brain" in repo.files["README.md"].decode()


def test_a_published_record_is_never_changed(hub, shared, sentence_of, trained):
    shared("push", trained(), "--results-to", "alice/board")
    before = hub.repos["dataset", "alice/board"]
    records = {name: content for name, content in before.files.items() if name.startswith("results/")}
    again = trained("again", value=3.0)
    said = sentence_of("push", again, "--results-to", "alice/board")
    assert (
        "already holds other scores of brain ddpm ddim-5 seed 0, generation, which stay, and nothing is new"
        in said
    )
    assert len(before.commits) == 2
    # beside something new it stays too, and the rest arrives
    trained("again", checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    ended = shared("push", again, "--results-to", "alice/board")
    assert ended.code == 0 and "already holds other scores" in ended.err
    after = hub.repos["dataset", "alice/board"].files
    assert {name: after[name] for name in records} == records
    assert sum(name.startswith("results/") for name in after) == 3


def test_a_reason_in_other_words_is_no_other_score(hub, shared, trained):
    run = trained()
    shared("push", run, "--results-to", "alice/board")
    for path in (run / "results").rglob("ddpm*.json"):
        one = results.read(path)
        scores = tuple(replace(s, reason=s.reason and "not here") for s in one.scores)
        results.write(run, replace(one, scores=scores))
    ended = shared("push", run, "--results-to", "alice/board")
    assert ended.code == 0 and "other scores" not in ended.err
    assert len(hub.repos["dataset", "alice/board"].commits) == 2


def test_eval_results_come_on_demand(hub, shared, sentence_of, trained):
    run = trained()
    assert "--eval-results needs --repo and --results-to" in sentence_of(
        "push", run, "--repo", "alice/brain", "--eval-results"
    )
    shared("push", run, "--repo", "alice/brain", "--results-to", "alice/board", "--eval-results")
    (entry,) = yaml.safe_load(hub.repos["model", "alice/brain"].files[".eval_results/mribench.yaml"])
    assert entry["dataset"] == {"id": "alice/board", "task_id": "brain_generation_kd[hc85-v1]"}
    assert entry["value"] == 10.0


def test_weights_of_another_training_do_not_carry_these_scores(sentence_of, trained):
    run = trained()
    weights = next(run.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert "not those that the results were measured with" in sentence_of(
        "push", run, "--repo", "alice/brain"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to push to"),
        (["--repo", "brain"], "'brain' is no repository name; expected user/name"),
        (["--repo", "a/../b"], "is no repository name"),
        (["--repo", "alice/x", "--cell", "lung*"], "no cell 'lung*'; expected one of brain-ddpm-s0"),
    ],
)
def test_a_wish_that_makes_no_sense(words, said, hub, sentence_of, trained):
    assert said in sentence_of("push", trained(), *words)
    assert not hub.repos


def test_a_run_of_controls_has_no_model_but_results(hub, shared, sentence_of, run_folder, result):
    run = run_folder("controls", result(variant="gaussian", is_control=True))
    assert "no trained variant to share" in sentence_of("push", run, "--repo", "alice/brain")
    assert shared("push", run, "--results-to", "alice/board").code == 0
    (name,) = [name for name in hub.repos["dataset", "alice/board"].files if name.startswith("results/")]
    assert json.loads(hub.repos["dataset", "alice/board"].files[name])["variant"] == "gaussian"


def test_what_is_sent_can_be_read_back_as_results(hub, shared, trained, tmp_path):
    run = trained()
    shared("push", run, "--repo", "alice/brain", "--dry-run")
    own, sent = results.read_all([run]), results.read_all([run / "hub" / "brain-ddpm-s0"])
    assert [(r.key, r.scores[0]) for r in own] == [(r.key, r.scores[0]) for r in sent]


def test_a_stage_that_is_not_there_is_missed_before_anything_is_sent(trained):
    run = trained()
    for one in results.read_all([run]):
        if not one.is_control:
            training = {**one.provenance["training"], "stages": {"autoencoder": {}}}
            results.write(run, replace(one, provenance={**one.provenance, "training": training}))
    with pytest.raises(InputError, match="holds no trained weights"):
        cells.trained_cells(run)
