"""One file with checksums: the same bytes twice, back as a run, and nothing that it does not say."""

import hashlib
import io
import json
import tarfile

import pytest

from mribench import hashing, results


@pytest.fixture
def packed(mribench, trained, tmp_path):
    run = trained()
    trained(checkpoint="brain_ddpm_s1_0123456789ab", seed=1)
    ended = mribench("pack", run)
    assert ended.code == 0, ended.err
    digest, path = ended.out.split()
    assert (path, digest) == (str(tmp_path / "run.tar"), hashing.file_sha256(tmp_path / "run.tar"))
    return tmp_path / "run.tar"


def rewritten(path, change):
    """The archive with ``change(members)`` applied; members: [TarInfo, content]."""
    with tarfile.open(path) as tar:
        members = [[m, tar.extractfile(m).read()] for m in tar]
    members = change(members) or members
    with tarfile.open(path, "w") as tar:
        for member, content in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))


def test_it_comes_back_as_a_run(packed, mribench, tmp_path):
    ended = mribench("unpack", packed, "--out", tmp_path / "back")
    assert ended.code == 0, ended.err
    back = tmp_path / "back"
    assert {r.key for r in results.read_all([back])} == {r.key for r in results.read_all([tmp_path / "run"])}
    for path in (tmp_path / "run").rglob("*.safetensors"):
        assert (back / path.relative_to(tmp_path / "run")).read_bytes() == path.read_bytes()
    assert mribench("leaderboard", back).code == 0
    assert not list(back.glob(".tmp*"))


def test_the_same_run_gives_the_same_bytes(packed, mribench, tmp_path):
    assert mribench("pack", tmp_path / "run", "--out", tmp_path / "again.tar").code == 0
    assert (tmp_path / "again.tar").read_bytes() == packed.read_bytes()
    one = mribench("pack", tmp_path / "run", "--out", tmp_path / "one.tar", "--cell", "*-s1")
    assert one.code == 0 and (tmp_path / "one.tar").stat().st_size < packed.stat().st_size


def test_its_checksums_are_those_of_any_tool(packed):
    with tarfile.open(packed) as tar:
        first, *others = tar.getmembers()
        assert first.name == "pack.json"
        said = json.load(tar.extractfile(first))["files"]
        assert {m.name: hashlib.sha256(tar.extractfile(m).read()).hexdigest() for m in others} == said


def link(name, target, kind=tarfile.SYMTYPE):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return [member, b""]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m[-1].__setitem__(1, m[-1][1][:-1] + b"\x07"), "was changed or damaged (another sha256)"),
        (lambda m: m[:-1], "is missing or was added"),
        (lambda m: m.append([tarfile.TarInfo("brain-ddpm-s0/x.pkl"), b"x"]), "is missing or was added"),
        (lambda m: m.append([tarfile.TarInfo("../x"), b"x"]), "reaches outside its folder"),
        (lambda m: m.append([tarfile.TarInfo("/tmp/x"), b"x"]), "reaches outside its folder"),
        (lambda m: m.append(link("a", "/etc/passwd")), "is a link or a device"),
        (lambda m: m.append(link("a", "pack.json", tarfile.LNKTYPE)), "is a link or a device"),
        (lambda m: m[1:], "no readable pack.json"),
        (lambda m: m[0].__setitem__(1, b'{"schema": 9, "files": {}}'), "has layout 9, expected 1"),
    ],
    ids=["changed", "missing", "added", "outside", "absolute", "link", "hard link", "no contents", "layout"],
)
def test_a_file_that_was_tampered_with(change, said, packed, refused, tmp_path):
    rewritten(packed, change)
    before = sorted(tmp_path.rglob("*"))
    assert said in refused("unpack", packed, "--out", tmp_path / "back")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("field", ["modality", "variant"])
def test_a_record_that_calls_itself_a_path_is_refused(field, packed, refused, tmp_path):
    """Whoever wrote it also made the checksums anew."""

    def change(members):
        content = {member.name: json.loads(text) for member, text in members if member.name.endswith(".json")}
        name = next(name for name in content if "/results/" in name)
        cell, inside = name.split("/", 1)
        content[name][field] = "../../../../x"
        digest = hashlib.sha256(json.dumps(content[name]).encode()).hexdigest()
        manifest = content[f"{cell}/mribench.json"]
        manifest["files"][inside] = content["pack.json"]["files"][name] = digest
        digest = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()
        content["pack.json"]["files"][f"{cell}/mribench.json"] = digest
        changed = {name, f"{cell}/mribench.json", "pack.json"}
        return [
            [m, json.dumps(content[m.name]).encode() if m.name in changed else text] for m, text in members
        ]

    rewritten(packed, change)
    before = sorted(tmp_path.rglob("*"))
    said = refused("unpack", packed, "--out", tmp_path / "back")
    assert f"{field} is '../../../../x', expected a plain name" in said
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb(packed, refused, tmp_path, monkeypatch):
    import gzip

    from mribench.data.download import archive

    monkeypatch.setattr(archive, "ALWAYS_ALLOWED", 1 << 20)
    rewritten(packed, lambda m: m.append([tarfile.TarInfo("zeros"), bytes(8 << 20)]))
    packed.write_bytes(gzip.compress(packed.read_bytes()))
    assert "unpacks to far more than its size allows" in refused("unpack", packed, "--out", tmp_path / "back")


def test_a_file_cut_short_and_one_that_is_none(packed, refused, tmp_path):
    content = packed.read_bytes()
    packed.write_bytes(content[: len(content) // 2])
    assert "run.tar" in refused("unpack", packed, "--out", tmp_path / "back")
    packed.write_bytes(b"no archive at all")
    assert "is no file of `mribench pack`" in refused("unpack", packed, "--out", tmp_path / "back")
    assert "no file absent.tar" in refused("unpack", "absent.tar")
    assert not (tmp_path / "back").exists()


def test_a_folder_that_is_not_empty_stays(packed, refused, tmp_path):
    assert "run is not empty; choose another --out" in refused("unpack", packed)
