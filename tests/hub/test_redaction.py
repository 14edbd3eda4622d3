"""No subject id, path, host, user name or token leaves: planted everywhere, found nowhere."""

import json
import struct
import tarfile
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from mribench import files, hashing, results
from mribench.data.cards import terms
from mribench.errors import InputError
from mribench.hub import leak_scan
from mribench.hub.redaction import REMOVED, Redactor

USER, HOST, TOKEN = "jdoe-radiology", "mr-console-7", "hf_" + "S" * 34
SUBJECT, SCAN = "PAT-0007-Mueller", "scans.npz"
HOME = f"/home/{USER}/study"
SECRETS = (
    SUBJECT,
    "PAT-0003-Mueller",
    USER,
    HOST,
    TOKEN,
    HOME,
    "C:\\Users\\Doe\\scan",
    "/mnt/pacs/in",
    "token-9f8e7d6c",
)
SURROUNDINGS = {"USER": USER, "HOSTNAME": HOST, "PACS_PASSWORD": "token-9f8e7d6c"}
OWN = ("--i-know",)


def everything(content, name):
    """Texts that a reader could get out of a file: its bytes, and what its JSON says once decoded."""
    yield content.decode("utf-8", errors="replace")
    if name.endswith(".json"):
        yield json.dumps(json.loads(content), ensure_ascii=False).replace("\\\\", "\\")


def leaked(sent):
    """(file, secret) of every secret in what was sent, names of files included."""
    return {
        (name, secret)
        for name, content in sent.items()
        for text in (name, *everything(content, name))
        for secret in SECRETS
        if secret.lower() in text.lower()
    }


def below(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def planted(trained, clinic):
    """A run in which every secret stands in every place where text may stand."""
    words = "; ".join(SECRETS)
    row = terms.of_local(clinic.name) | {"citation": words, "title": SUBJECT, "note": {SUBJECT: [HOST]}}
    run = trained(rows=[row], data=clinic)
    for path in (run / "results").rglob("*.json"):
        result = results.read(path)
        path.unlink()
        scores = tuple(replace(s, reason=s.reason and f"{s.reason}: {words}") for s in result.scores)
        data = dict(result.data) | {"contrast": words, "subject_ids": list(SECRETS), SUBJECT: HOME}
        metrics = {k: dict(m) | {"paper": words} for k, m in result.metrics.items()}
        provenance = dict(result.provenance) | {"host": HOST, "user": {USER: HOME}, "argv": list(SECRETS)}
        results.write(run, replace(result, scores=scores, data=data, metrics=metrics, provenance=provenance))
    for path in (run / "train").rglob("*.json"):
        content = files.read_json(path)
        if isinstance(content, dict):
            files.write_json(
                path, content | {"_name_or_path": HOME, "made_by": words, SUBJECT: {"x": [HOST]}}
            )
    (run / "spec.toml").write_text(f'out = "{HOME}"')
    info = PngImagePlugin.PngInfo()
    info.add_text("subject", words)
    (run / "figures").mkdir()
    for name in ("overview.png", "brain_samples.png"):
        Image.new("L", (4, 4)).save(run / "figures" / name, pnginfo=info)
    return run


def test_the_plants_are_there(planted):
    assert len({secret for _, secret in leaked(below(planted))}) == len(SECRETS)


def test_nothing_planted_is_published(planted, hub, shared):
    ended = shared(
        *("push", planted, "--repo", "alice/brain", "--results-to", "alice/board", *OWN),
        token=TOKEN,
        **SURROUNDINGS,
    )
    assert ended.code == 2 and "does not accept the token" in ended.err
    ended = shared(
        "push", planted, "--repo", "alice/brain", "--results-to", "alice/board", *OWN, **SURROUNDINGS
    )
    assert ended.code == 0, ended.err
    assert "removed before it leaves" in ended.err and not leaked({"said": (ended.err + ended.out).encode()})
    for repo in hub.repos.values():
        assert not leaked(repo.files)
    assert not leaked({name: content for name, content in hub.blobs.items()})
    assert REMOVED in hub.repos["model", "alice/brain"].files["README.md"].decode()


def test_nothing_planted_is_in_a_dry_run_or_a_pack(planted, shared, tmp_path):
    assert shared("push", planted, "--repo", "alice/brain", "--dry-run", *OWN, **SURROUNDINGS).code == 0
    assert not leaked(below(planted / "hub"))
    assert shared("pack", planted, "--out", "brain.tar", *OWN, **SURROUNDINGS).code == 0
    assert not leaked({"brain.tar": (tmp_path / "brain.tar").read_bytes()})
    with tarfile.open(tmp_path / "brain.tar") as tar:
        owners = {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in tar}
    assert owners == {(0, 0, "", "", 0)}


FOLDER = "anna.mueller@clinic.org"
OLD = f"local:{FOLDER}"


@pytest.fixture
def of_an_earlier_version(trained, clinic):
    """A run whose records call the data after their folder, as they did before names were made from the images."""
    old = replace(clinic, name=OLD)
    run = trained(rows=[terms.of_local(OLD)], data=old)
    for path in (run / "results").rglob("*.json"):
        one = results.read(path)
        scores = tuple(replace(s, reason=s.reason and f"{s.reason} of {OLD}") for s in one.scores)
        metrics = {k: dict(m) | {"paper": f"measured on {FOLDER}"} for k, m in one.metrics.items()}
        spec = {"spec": {"profile": "smoke"} | dict(one.provenance.get("spec", {})) | {"data": OLD}}
        results.write(
            run, replace(one, scores=scores, metrics=metrics, provenance=dict(one.provenance) | spec)
        )
    files.write_json(next((run / "train").iterdir()) / "log.json", {"data": OLD})
    return run


def test_the_folder_of_an_earlier_record_is_published_as_a_hash(of_an_earlier_version, clinic, hub, shared):
    run, name = of_an_earlier_version, f"local-{clinic.key[:8]}"
    ended = shared("push", run, "--repo", "alice/brain", "--results-to", "alice/board", *OWN)
    assert ended.code == 0, ended.err
    (said,) = [line for line in ended.err.splitlines() if "name of the data folder" in line]
    assert "2 records of an earlier version hold" in said and f"replaced by {name}; " in said
    sent = {**hub.blobs, **{k: v for repo in hub.repos.values() for k, v in repo.files.items()}}
    for secret in (FOLDER, "mueller", "clinic.org"):
        assert not [key for key, content in sent.items() if secret in key or secret.encode() in content]
    card = hub.repos["model", "alice/brain"].files["README.md"].decode()
    records = [json.loads(content) for key, content in sent.items() if key.startswith("results/")]
    assert records and all(one["comparability"]["data"] == name for one in records)
    assert name in card and results.read_all([run])[0].comparability["data"] == OLD
    ended = shared("pack", run, "--out", "brain.tar", *OWN)
    assert ended.code == 0 and "name of the data folder" in ended.err


def test_a_chosen_name_is_published_though_the_folder_has_it_too(trained, clinic, hub, shared):
    run = trained(rows=[terms.of_local("Clinic-2024")], data=replace(clinic, name="Clinic-2024"))
    (run / "spec.toml").write_text('data = "/mnt/scans/Clinic-2024"\n')
    assert shared("push", run, "--repo", "alice/brain", *OWN).code == 0
    card = hub.repos["model", "alice/brain"].files["README.md"].decode()
    assert "Clinic-2024" in card and "--data path/to/the/same/images" in card and REMOVED not in card


@pytest.mark.parametrize("note", ["spec.toml", "data/sources.json"])
def test_a_folder_that_a_plugin_names_in_its_words_is_removed(trained, clinic, hub, shared, note):
    run = trained(rows=[terms.of_local(clinic.name)], data=clinic)
    folder = "Mueller_Anna_1971"
    text = f'data = "/mnt/{folder}"' if note == "spec.toml" else json.dumps({"local-1": f"/mnt/{folder}"})
    (run / note).write_text(text)
    for path in (run / "results").rglob("*.json"):
        one = results.read(path)
        metrics = {k: dict(m) | {"paper": f"see {folder}"} for k, m in one.metrics.items()}
        results.write(run, replace(one, metrics=metrics))
    ended = shared("push", run, "--repo", "alice/brain", *OWN)
    assert ended.code == 0 and "x name of a data folder" in ended.err
    assert not [k for k, v in hub.repos["model", "alice/brain"].files.items() if folder.encode() in v]


def test_the_repository_may_be_called_like_the_user(trained, hub, shared):
    assert shared("push", trained(), "--repo", "alice/brain", USER="alice", LOGNAME="alice").code == 0
    assert "alice/brain" in hub.repos["model", "alice/brain"].files["README.md"].decode()


def test_metadata_in_the_weights_stops_everything(planted, hub, sentence_of):
    path = next(planted.rglob("*.safetensors"))
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"]["trained_on"] = SUBJECT
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    digest = hashing.file_sha256(path)
    for record in (planted / "results").rglob("ddpm*.json"):
        result = results.read(record)
        results.write(
            planted, replace(result, provenance=dict(result.provenance) | {"checkpoint_sha256": digest})
        )
    said = sentence_of("push", planted, "--repo", "alice/brain", *OWN, **SURROUNDINGS)
    assert "carries more than its tensors (trained_on)" in said and SUBJECT not in said
    assert not hub.repos


def test_a_checkpoint_named_after_a_patient_stops_everything(trained, clinic, hub, sentence_of):
    run = trained(rows=[terms.of_local(clinic.name)], data=clinic, checkpoint=f"brain_{SUBJECT}")
    said = sentence_of("push", run, "--repo", "alice/brain", *OWN)
    assert "holds a subject id that must not leave" in said and SUBJECT not in said
    assert not hub.repos


def test_without_the_prepared_set_nobody_can_check(trained, clinic, hub, sentence_of):
    run = trained(rows=[terms.of_local(clinic.name)], data=clinic)
    for path in (run / "data").rglob("manifest.json"):
        path.unlink()
    assert "no longer holds the prepared images" in sentence_of("push", run, "--repo", "alice/brain", *OWN)


GUARD = Redactor(
    {"PAT-0007": "subject id", "123456": "subject id", "jdoe": "user name", "/home/jdoe": "path"},
    {"17": "subject id"},
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("scan of pat-0007.", ["subject id"]),
        ("x_PAT-0007_y", ["subject id"]),
        ("PAT-00071", []),
        ("17", ["subject id"]),
        ("write to anna.mueller+x@clinic-2.org.", ["mail address"]),
        ("kd@0.52, quick@5000, user/board@main", []),
        ("scan_123456.nii", ["subject id"]),
        ("0.123456 1.123456e-5 123456.7 1,123456", []),
        ("17 subjects", []),
        ("jdoe@console", ["user name"]),
        ("in /srv/data/x.nii", ["path"]),
        ("~/scans/a", ["path"]),
        ("D:\\scans\\a.dcm", ["path"]),
        ("\\\\pacs\\share\\a", ["path"]),
        ("file:///x", ["path"]),
        ("hf_" + "Ab1" * 8, ["token"]),
        ("Authorization: Bearer abc.def.ghi", ["token"]),
        ("https://zenodo.org/records/1/files/a.zip", []),
        ("doi:10.1016/0047-259X(82)90077-X and/or train / test / more", []),
        ("figures/samples.png, ../unet/config.json", []),
        ("AMD EPYC, 3.0 x 10/s, T1w bSSFP, KD[hc85-v1] (1e-3) ↓", []),
    ],
)
def test_what_is_a_trace(text, kinds):
    assert GUARD.kinds_in(text) == kinds
    cleaned = GUARD.redact({"a": [text], text: 1})
    assert not any(GUARD.kinds_in(part) for part in (*cleaned, *cleaned["a"]))
    if not kinds:
        assert cleaned == {"a": [text], text: 1}


def test_a_number_may_be_a_subject(tmp_path):
    assert GUARD.redact({"subject": 123456, "n": 17, "loss": 0.123456}) == {
        "subject": REMOVED,
        "n": 17,
        "loss": 0.123456,
    }
    (tmp_path / "a.json").write_text('{"subject": 123456}')
    with pytest.raises(InputError, match="holds a subject id"):
        leak_scan.scan(tmp_path, GUARD)


def test_the_last_guard_knows_every_kind_of_file(result, tmp_path):
    leak_scan.scan(tmp_path, GUARD)
    (tmp_path / "pixels.png").write_bytes(b"")
    Image.new("L", (4, 4)).save(tmp_path / "pixels.png")
    leak_scan.scan(tmp_path, GUARD)
    for name, content, said in [
        ("weights.pt", b"pickle", "no kind of file that mribench shares"),
        ("a.json", json.dumps({"x": [{"PAT-0007": 1}]}).encode(), "a.json holds a subject id"),
        ("a.md", b"fine\nby jdoe\n", "a.md holds a user name"),
        ("b.png", (tmp_path / "pixels.png").read_bytes() + b"more", "b.png holds more than pixels"),
        ("a.safetensors", b"x" * 32, "no safetensors file"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=said):
            leak_scan.scan(tmp_path, GUARD)
        (tmp_path / name).unlink()
    results.add(tmp_path, [result(metrics={"kd": {"title": "as PAT-0007 saw it"}})])
    with pytest.raises(InputError, match=r"records/brain\.jsonl\.zst holds a subject id"):
        leak_scan.scan(tmp_path, GUARD)
    results.kept.path_of(tmp_path, "brain").unlink()
    (tmp_path / "link.md").symlink_to(tmp_path / "pixels.png")
    with pytest.raises(InputError, match="a link or a device"):
        leak_scan.scan(tmp_path, GUARD)


def test_bytes_of_no_tensor_are_found(tmp_path):
    from safetensors.numpy import save

    path = tmp_path / "w.safetensors"
    path.write_bytes(save({"a": np.zeros(4, np.float32)}, {"format": "pt"}))
    assert set(leak_scan.tensor_index(path, "w")) == {"__metadata__", "a"}
    path.write_bytes(path.read_bytes() + b"PAT-0007")
    with pytest.raises(InputError, match="bytes of no tensor"):
        leak_scan.tensor_index(path, "w")


@pytest.mark.parametrize(
    "header", [b"no JSON at all", b"[1, 2]", b'{"a": {}}', b'{"a": {"data_offsets": 3}}', b"\xff\xfe", b""]
)
def test_a_file_with_another_header_ends_in_a_sentence(tmp_path, header):
    """Also of a stranger's repository, whose manifest names such a file with its right sha256."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(InputError, match="w is no safetensors file"):
        leak_scan.tensor_index(path, "w")


def test_a_record_without_traces_is_left_as_it_is(result):
    from mribench.hub.staging import redacted

    one = result(figures={})
    assert asdict(redacted(one, GUARD)) == asdict(one)
