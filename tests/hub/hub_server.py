"""A Hub of this machine: the HTTP API as the real client speaks it, with LFS, tokens, and faults on demand.

It proves what the client does with given answers; which status the real Hub gives in each case is an assumption.

To try by hand: ``python tests/hub/hub_server.py`` prints what to export, and serves until Ctrl-C.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LFS = (".safetensors", ".png")
TOKENS = {
    "hf_" + "a" * 34: ("alice", True),
    "hf_" + "b" * 34: ("bob", True),
    "hf_" + "r" * 34: ("alice", False),
}
ALICE, BOB, READER = TOKENS


@dataclass
class Repo:
    """commits: (id, {path: content}), the newest last."""

    private: bool = False
    commits: list = field(default_factory=lambda: [("0" * 40, {".gitattributes": b"*.safetensors lfs\n"})])

    @property
    def head(self):
        return self.commits[-1][0]

    @property
    def files(self):
        return self.commits[-1][1]

    def add(self, changes, deleted=()):
        files = {**self.files, **changes}
        files = {path: content for path, content in files.items() if path not in deleted}
        text = json.dumps([self.head, sorted((p, hashlib.sha1(c).hexdigest()) for p, c in files.items())])
        self.commits.append((hashlib.sha1(text.encode()).hexdigest(), files))
        return self.head

    def at(self, revision):
        if revision in ("main", None):
            return self.commits[-1]
        return next((commit for commit in self.commits if commit[0] == revision), None)


class Answer(Exception):
    def __init__(self, status, body=b"", headers=None, code=None):
        self.status, self.headers = status, dict(headers or {})
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        if code:
            self.headers["X-Error-Code"] = code


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def _any(self):
        hub = self.server.hub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        path = unquote(urlsplit(self.path).path)
        what = f"{self.command} {path}"
        fault = hub.fault(what)
        hub.asked.append(what)
        if fault in ("drop", "lost"):
            if fault == "lost":
                hub.answer(self, path, body)
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        answer = fault if isinstance(fault, Answer) else hub.answer(self, path, body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_HEAD = _any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # one small reply after another: Nagle's algorithm would hold each for 40 ms
    disable_nagle_algorithm = True

    def handle_error(self, request, client_address):
        """Clients that hang up are what the tests are about."""


class Hub:
    """repos: (kind, id) -> Repo; faults: [pattern of 'METHOD path', what, times]; asked: every request."""

    def __init__(self):
        self.repos, self.blobs, self.faults, self.asked = {}, {}, [], []
        self.before_commit = None
        self.lock = threading.RLock()
        Handler.disable_nagle_algorithm = True
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.hub = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def break_at(self, pattern, what, times=1, headers=None):
        """what: a status, 'drop' (no answer), or 'lost' (it is done, and the answer is lost)."""
        what = Answer(what, {"error": "injected"}, headers) if isinstance(what, int) else what
        self.faults.append([pattern, what, times])

    def fault(self, what):
        with self.lock:
            for fault in self.faults:
                if fault[2] and re.search(fault[0], what):
                    fault[2] -= 1
                    return fault[1]
        return None

    def clear(self):
        self.repos, self.blobs, self.faults, self.before_commit = {}, {}, [], None
        self.asked.clear()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, path, body):
        with self.lock:
            try:
                return self._route(request, path, body)
            except Answer as answer:
                return answer

    def _route(self, request, path, body):
        if path == "/api/validate-yaml":
            return Answer(200, {"errors": [], "warnings": []})
        if match := re.fullmatch(r"/lfs/(\w{64})", path):
            if hashlib.sha256(body).hexdigest() != match[1]:
                raise Answer(400, {"error": "sha256"})
            self.blobs[match[1]] = body
            return Answer(200)
        user, writes = self._user(request)
        if path == "/api/repos/create":
            return self._create(json.loads(body), user, writes)
        if match := re.fullmatch(r"/(datasets/)?([\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch", path):
            self._repo("dataset" if match[1] else "model", match[2], user, writes)
            objects = [self._upload(o) for o in json.loads(body)["objects"]]
            return Answer(200, {"transfer": "basic", "objects": objects})
        if match := re.fullmatch(r"/(datasets/)?([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)", path):
            repo = self._repo("dataset" if match[1] else "model", match[2], user)
            return self._resolve(repo, match[3], match[4], request)
        match = re.fullmatch(
            r"/api/(model|dataset)s/([\w.-]+/[\w.-]+)(?:/(\w[\w-]*)(?:/([^/]+))?(?:/(.*))?)?", path
        )
        if not match:
            raise Answer(404, {"error": path}, code="EntryNotFound")
        kind, name, verb, revision, _ = match.groups()
        repo = self._repo(kind, name, user, writes if verb in ("preupload", "commit") else None)
        if verb in (None, "revision"):
            commit, files = self._at(repo, revision)
            siblings = [{"rfilename": path} for path in sorted(files)]
            about = {"id": name, "sha": commit, "private": repo.private, "siblings": siblings}
            return Answer(
                200, {**about, "tags": [], "downloads": 0, "likes": 0, "gated": False, "disabled": False}
            )
        if verb == "tree":
            return Answer(200, [self._entry(*item) for item in sorted(self._at(repo, revision)[1].items())])
        if verb == "paths-info":
            files = self._at(repo, revision)[1]
            wanted = json.loads(body)["paths"]
            return Answer(200, [self._entry(path, files[path]) for path in wanted if path in files])
        if verb == "preupload":
            return Answer(200, {"files": [self._mode(repo, f["path"]) for f in json.loads(body)["files"]]})
        if verb == "commit":
            return self._commit(name, repo, body)
        raise Answer(404, {"error": path}, code="EntryNotFound")

    def _user(self, request):
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise Answer(401, {"error": "Invalid user token"})
        return TOKENS.get(token, (None, False))

    def _repo(self, kind, name, user, writes=None):
        """writes: None for reading, else whether the token may write."""
        repo = self.repos.get((kind, name))
        if repo is None or (repo.private and name.split("/")[0] != user):
            raise Answer(404 if user else 401, {"error": "Repository not found"}, code="RepoNotFound")
        if writes is False or (writes and name.split("/")[0] != user and name != "shared/board"):
            raise Answer(403, {"error": "Forbidden"})
        return repo

    def _create(self, asked, user, writes):
        name = f"{asked.get('organization') or user}/{asked['name']}"
        kind = asked.get("type", "model")
        if user is None:
            raise Answer(401, {"error": "Unauthorized"})
        if (kind, name) in self.repos:
            raise Answer(409, {"error": "exists", "url": f"{self.url}/{name}"})
        if not writes or name.split("/")[0] != user:
            raise Answer(403, {"error": "Forbidden"})
        self.repos[kind, name] = Repo(asked.get("visibility") == "private" or bool(asked.get("private")))
        return Answer(200, {"url": f"{self.url}/{name}", "id": name, "name": name})

    def _at(self, repo, revision):
        if (found := repo.at(revision)) is None:
            raise Answer(404, {"error": "Invalid rev id"}, code="RevisionNotFound")
        return found

    def _upload(self, wanted):
        if wanted["oid"] in self.blobs:
            return wanted
        return {**wanted, "actions": {"upload": {"href": f"{self.url}/lfs/{wanted['oid']}", "header": {}}}}

    def _entry(self, path, content):
        about = {"type": "file", "path": path, "size": len(content), "oid": git_oid(content)}
        if path.endswith(LFS):
            sha = hashlib.sha256(content).hexdigest()
            about["lfs"] = {"oid": sha, "size": len(content), "pointerSize": 130}
        return about

    def _mode(self, repo, path):
        old, lfs = repo.files.get(path), path.endswith(LFS)
        oid = None if old is None else hashlib.sha256(old).hexdigest() if lfs else git_oid(old)
        return {"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, "oid": oid}

    def _commit(self, name, repo, body):
        if self.before_commit:
            self.before_commit(repo)
        lines = [json.loads(line) for line in body.splitlines()]
        parent = lines[0]["value"].get("parentCommit")
        if parent and parent != repo.head:
            raise Answer(412, {"error": "A commit has happened since. Please refresh and try again."})
        changes, deleted = {}, set()
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                changes[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.blobs:
                    raise Answer(400, {"error": "LFS object is missing"})
                changes[value["path"]] = self.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                deleted.add(value["path"])
        oid = repo.add(changes, deleted)
        url = f"{self.url}/{name}/commit/{oid}"
        return Answer(200, {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})

    def _resolve(self, repo, revision, path, request):
        commit, files = self._at(repo, revision)
        if path not in files:
            raise Answer(404, {"error": "Entry not found"}, {"X-Repo-Commit": commit}, "EntryNotFound")
        content, lfs = files[path], path.endswith(LFS)
        etag = hashlib.sha256(content).hexdigest() if lfs else git_oid(content)
        headers = {"X-Repo-Commit": commit, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if request.command == "HEAD":
            return Answer(200, b"", {**headers, "Content-Length": str(len(content))})
        if asked := re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", "")):
            first = int(asked[1])
            span = f"bytes {first}-{len(content) - 1}/{len(content)}"
            return Answer(206, content[first:], {**headers, "Content-Range": span})
        return Answer(200, content, headers)


def git_oid(content):
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


if __name__ == "__main__":
    hub = Hub()
    # of the Hub's storage protocols it speaks LFS alone
    print(
        f"export HF_ENDPOINT={hub.url} HF_TOKEN={ALICE} HF_HUB_DISABLE_XET=1  # the user is alice", flush=True
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        hub.close()
