"""What was published comes back as a run folder, pinned and proved; local and published results share boards."""

import json

import pytest
from hub_server import BOB, Repo

from mribench import files, results
from mribench.results import kept


@pytest.fixture
def published(shared, trained):
    run = trained()
    assert shared("push", run, "--repo", "alice/brain", "--results-to", "alice/board").code == 0
    return run


def test_a_model_comes_back_as_a_run(hub, shared, published, tmp_path):
    ended = shared("pull", "alice/brain", token=None)
    assert ended.code == 0 and ended.out.strip() == "runs/brain"
    back = tmp_path / "runs" / "brain"
    repo = hub.repos["model", "alice/brain"]
    assert files.read_json(back / "pulled.json") == {
        "repo": "alice/brain",
        "kind": "model",
        "commit": repo.head,
    }
    for name in ("best/unet/diffusion_pytorch_model.safetensors", "train.json", "terms.json"):
        (own,), (copy,) = (list(folder.glob(f"train/*/{name}")) for folder in (published, back))
        assert own.read_bytes() == copy.read_bytes() and own.relative_to(published) == copy.relative_to(back)
    assert {r.key for r in results.read_all([back])} == {r.key for r in results.read_all([published])}
    for result in results.read_all([back]):
        assert all((back / picture).is_file() for picture in result.figures.values())
    assert shared("leaderboard", back).code == 0


def test_a_revision_stays_what_it_was(hub, shared, published, sentence_of, tmp_path):
    first = hub.repos["model", "alice/brain"].head
    assert shared("pull", "alice/brain", "--revision", first, "--out", "a").code == 0
    hub.repos["model", "alice/brain"].add({"README.md": b"changed"})
    hub.asked.clear()
    assert shared("pull", "alice/brain", "--revision", first, "--out", "a").code == 0
    assert not [request for request in hub.asked if "resolve" in request]
    assert "holds something else than alice/brain at" in sentence_of("pull", "alice/brain", "--out", "a")
    assert files.read_json(tmp_path / "a" / "pulled.json")["commit"] == first


def test_a_changed_file_is_found(hub, sentence_of, published, tmp_path):
    hub.repos["model", "alice/brain"].add({"unet/config.json": b"{}"})
    said = sentence_of("pull", "alice/brain", "--out", tmp_path / "back")
    assert "unet/config.json is missing or has another sha256" in said
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda m: m["files"].update({"../../x.json": "0" * 64}),
            "names the file '../../x.json', which mribench never",
        ),
        (lambda m: m["files"].update({"/etc/x.json": "0" * 64}), "names the file '/etc/x.json'"),
        (lambda m: m["files"].update({"unet/x.bin": "0" * 64}), "names the file 'unet/x.bin'"),
        (lambda m: m.update(checkpoint="../x"), "names the folders"),
        (lambda m: m.update(keep=7), "keep is 7, expected str"),
        (lambda m: m.update(schema=3), "has layout 3, expected 1 or 2"),
        (lambda m: m["files"].update({"unet/pipeline.py": "0" * 64}), "names the file 'unet/pipeline.py'"),
        (lambda m: m.pop("files"), "no readable mribench.json"),
    ],
)
def test_a_hostile_manifest_writes_nowhere(change, said, hub, sentence_of, published, tmp_path):
    repo = hub.repos["model", "alice/brain"]
    manifest = json.loads(repo.files["mribench.json"])
    change(manifest)
    repo.add({"mribench.json": json.dumps(manifest).encode()})
    before = sorted(tmp_path.rglob("*"))
    assert said in sentence_of("pull", "alice/brain", "--out", tmp_path / "back")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_the_manifest_does_not_name_stays_there(hub, shared, published, tmp_path):
    hub.repos["model", "alice/brain"].add({"unet/evil.pkl": b"pickle", "pipeline.py": b"import os"})
    hub.asked.clear()
    assert shared("pull", "alice/brain", "--out", "back").code == 0
    assert not list((tmp_path / "back").rglob("*.p*[ly]"))
    assert not [request for request in hub.asked if "evil" in request or "pipeline.py" in request]


def test_a_board_comes_back_as_results(shared, published, tmp_path):
    assert shared("pull", "alice/board", "--out", "board").code == 0
    assert len(results.read_all([tmp_path / "board"])) == 2


def test_a_hostile_record_on_a_shared_board_stops_nobody(hub, shared, published, trained, tmp_path):
    """Neither who reads the board, nor who adds to it, nor who brings it home."""
    evil = {
        "results/brain/a.json": b'{"schema": 1, "seed": NaN}',
        "results/brain/b\x1b[31m.json": b"[" * 100_000,
    }
    hub.repos["dataset", "alice/board"].add(evil)
    ended = shared("leaderboard", "--from", "alice/board")
    assert ended.code == 0 and "ddpm ddim-5" in ended.out
    assert ended.err.count("left out: ") == 2 and "seed is nan, expected a finite number" in ended.err
    assert "\x1b[31m" not in ended.err
    trained("runs/mine", checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    ended = shared("push", "runs/mine", "--results-to", "alice/board")
    assert ended.code == 0, ended.err
    assert shared("pull", "alice/board", "--out", "board").code == 0
    assert len(results.read_all([tmp_path / "board"], lambda sentence: None)) == 3


@pytest.mark.parametrize("field", ["modality", "variant"])
def test_a_record_that_calls_itself_a_path_writes_nowhere(field, hub, shared, published, result, tmp_path):
    content = results.record.to_json(result(seed=7)) | {field: "../../../../x"}
    hub.repos["dataset", "alice/board"].add({"results/brain/x.json": json.dumps(content).encode()})
    before = {path.name for path in tmp_path.iterdir()}
    for words in (["leaderboard", "--from", "alice/board", "--out"], ["pull", "alice/board", "--out"]):
        ended = shared(*words, tmp_path / "deep" / "out" / words[0])
        assert ended.code == 0 and f"{field} is '../../../../x', expected a plain name" in ended.err
    assert {path.name for path in tmp_path.iterdir()} == before | {"deep"}
    assert not [path for path in (tmp_path / "deep").rglob("*") if path.name == "x"]


def test_local_and_published_results_share_a_board(shared, published, trained, tmp_path):
    trained("runs/mine", checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    ended = shared("leaderboard", "--from", "alice/board", "--from", "runs", "--out", "both", token=BOB)
    assert ended.code == 0, ended.err
    assert "2 (0, 1)" in ended.out and len(results.read_all([tmp_path / "both"])) == 3
    assert (tmp_path / "both" / "leaderboard.md").is_file()
    # nothing is written where nobody said to
    assert shared("leaderboard", "--from", "alice/brain").code == 0
    assert not (published / "leaderboard.md").exists()


def test_the_pictures_of_runs_come_along_onto_a_merged_board(shared, published, trained, tmp_path):
    """The board names no pictures; the same cell at home does."""
    picture = "figures/mine_samples.png"
    run = trained("runs/mine")
    (tmp_path / "runs" / "mine" / "figures").mkdir()
    files.write_bytes(tmp_path / "runs" / "mine" / picture, b"a picture")
    for path in run.glob("results/*/ddpm*"):
        files.write_json(path, files.read_json(path) | {"figures": {"samples": picture}})
    for order in (("alice/board", "runs"), ("runs", "alice/board")):
        both = tmp_path / order[0].replace("/", "-")
        asked = [word for source in order for word in ("--from", source)]
        ended = shared("leaderboard", *asked, "--no-html", "--out", both)
        assert ended.code == 0, ended.err
        assert (both / picture).read_bytes() == b"a picture" and not (both / "leaderboard.html").exists()
    # onto itself nothing has to be copied
    assert shared("leaderboard", "--from", "runs/mine", "--no-html", "--out", "runs/mine").code == 0


def test_of_two_scores_of_one_cell_the_first_source_counts(shared, published, trained):
    trained("again", value=3.0)
    ended = shared("leaderboard", "--from", "alice/board", "--from", "again")
    assert "again holds other scores than alice/board, which counts" in ended.err
    assert "10.0 [8.0, 12.0]" in ended.out and "3.0 [" not in ended.out
    assert "3.0 [" in shared("leaderboard", "--from", "again", "--from", "alice/board").out
    # the same run at home and on the Hub is one, although a reason named a path at home
    assert "other scores" not in shared("leaderboard", "--from", "alice/board", "--from", "run").err


def test_results_that_do_not_compare_stay_apart(shared, published, run_folder, result):
    run_folder("else", result(same={"resolution": 64}))
    out = shared("leaderboard", "--from", "alice/board", "--from", "else", "--out", "both")
    assert out.out.count("Brain (T1w), phantom") == 2


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("alice/gone", "no folder alice/gone is here, and of the Hub: no repository alice/gone"),
        ("nowhere", "'nowhere' is neither a folder nor a repository"),
        ("alice/board@" + "f" * 40, "alice/board has no such revision"),
        ("run/train", "no results in run/train"),
    ],
)
def test_a_source_that_is_none(source, said, hub, sentence_of, published):
    assert said in sentence_of("leaderboard", "--from", source)


def test_verify_asks_for_what_is_no_folder(sentence_of):
    assert "no folder alice/gone is here, and of the Hub: no repository" in sentence_of(
        "verify", "alice/gone"
    )


@pytest.fixture
def one_file(hub, result, tmp_path):
    """A repository that is a kept board of an earlier version: all of its records in one file."""
    path = tmp_path / "made" / kept.ONE_FILE
    kept.write(path, [result(variant="gaussian", is_control=True), result(seed=3)])
    hub.repos["dataset", "alice/kept"] = repo = Repo()
    repo.add({kept.ONE_FILE: path.read_bytes(), "leaderboard.json": b"{}"})
    return repo


def test_a_board_of_one_file_is_pulled_and_merged(shared, one_file, published, tmp_path):
    assert shared("pull", "alice/kept", "--out", "back").code == 0
    assert results.read_all([tmp_path / "back"]) == results.read_all([tmp_path / "made"])
    ended = shared("leaderboard", "--from", "alice/kept", "--from", "alice/board", "--from", "made")
    assert ended.code == 0 and "gaussian" in ended.out, ended.err
    # a folder of runs and kept boards
    assert shared("leaderboard", "--from", tmp_path).code == 0


def test_a_board_of_one_file_takes_in_new_records_beside_it(shared, one_file, trained, tmp_path):
    before = one_file.files[kept.ONE_FILE]
    trained("more", checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    assert shared("push", tmp_path / "more", "--results-to", "alice/kept").code == 0
    assert one_file.files[kept.ONE_FILE] == before
    assert sum(name.startswith("results/") for name in one_file.files) == 1, "the control was there"
    assert "3 records of Brain" in one_file.files["README.md"].decode()


def test_a_kept_board_is_pulled_with_a_file_for_each_organ(hub, shared, result, tmp_path):
    results.add(tmp_path / "made", [result(modality=organ) for organ in ("brain", "heart")])
    hub.repos["dataset", "alice/kept"] = repo = Repo()
    made = {path.relative_to(tmp_path / "made").as_posix(): path for path in kept.paths(tmp_path / "made")}
    repo.add({name: path.read_bytes() for name, path in made.items()} | {"leaderboard.json": b"{}"})
    assert shared("pull", "alice/kept", "--out", "back").code == 0
    assert results.read_all([tmp_path / "back"]) == results.read_all([tmp_path / "made"])
    assert [path.name for path in kept.paths(tmp_path / "back")] == ["brain.jsonl.zst", "heart.jsonl.zst"]


def test_a_damaged_board_of_one_file_is_refused(hub, sentence_of, one_file):
    one_file.add({kept.ONE_FILE: one_file.files[kept.ONE_FILE][:-9]})
    assert "is not a records file of mribench" in sentence_of("leaderboard", "--from", "alice/kept")
    assert "is not a records file of mribench" in sentence_of("pull", "alice/kept", "--out", "back")


def test_a_board_with_a_damaged_record_is_refused(hub, sentence_of):
    hub.repos["dataset", "alice/board"] = repo = Repo()
    repo.add({"results/brain/x.json": b'{"schema": 1}', "leaderboard.json": b"{}"})
    assert "is not a mribench result" in sentence_of("leaderboard", "--from", "alice/board")
