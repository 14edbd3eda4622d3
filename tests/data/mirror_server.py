"""A server of this machine that misbehaves as it is told."""

from __future__ import annotations

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mribench.data.cards.card import CardFile


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        """The size alone; ``{"head": False}`` in the plan refuses it, as some hosts do."""
        mirror = self.server.mirror
        mirror.sized.append(self.path)
        content, plan = mirror.contents.get(self.path), mirror.plans.get(self.path, [])
        told = content is not None and (not plan or plan[0].get("head", True))
        self.send_response(200 if told else 403)
        self.send_header("Content-Length", str(len(content) if told else 0))
        self.end_headers()

    def do_GET(self):
        mirror = self.server.mirror
        mirror.agents.append(self.headers.get("User-Agent"))
        mirror.asked.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))
        plan = mirror.plans.get(self.path, [])
        act = plan.pop(0) if len(plan) > 1 else plan[0] if plan else {}
        content = mirror.contents.get(self.path)
        status = act.get("status", 200 if content is not None else 404)
        if status != 200:
            self.send_response(status)
            for name, value in act.get("headers", {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = act.get("content", content)
        etag = act.get("etag", f'"{hashlib.sha256(content).hexdigest()[:8]}"')
        first = self._first(len(content), etag) if act.get("ranges", True) else 0
        if first is None:
            return
        body = content[first:]
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if etag:
            self.send_header("ETag", etag)
        self.send_header("Content-Type", act.get("type", "application/octet-stream"))
        self.send_header("Content-Length", str(act.get("length", len(body))))
        self.end_headers()
        for at in range(0, len(body[: act.get("stop", len(body))]), 1 << 16):
            self.wfile.write(body[at : min(at + (1 << 16), act.get("stop", len(body)))])
            time.sleep(act.get("pause", 0))
        if act.get("stop", len(body)) < len(body) or "length" in act:
            self.close_connection = True

    def _first(self, total, etag):
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        if not asked or (condition and condition != etag):
            return 0
        first = int(asked.removeprefix("bytes=").rstrip("-"))
        if first < total:
            return first
        self.send_response(416)
        self.send_header("Content-Range", f"bytes */{total}")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that are killed or turn away are what the tests are about."""


class Mirror:
    """contents: path -> bytes; plans: path -> what to do at each request, the last for all that follow."""

    def __init__(self):
        self.contents, self.plans, self.asked = {}, {}, []
        # paths whose size was asked for; who asked for files
        self.sized, self.agents = [], []
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.mirror = self
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def file(self, path: str, content: bytes, *plan, size: bool = True) -> CardFile:
        """Serves ``content`` and gives the card's entry for it."""
        self.contents[path], self.plans[path] = content, list(plan)
        digest = hashlib.sha256(content).hexdigest()
        return CardFile(self.url(path), digest, len(content) if size else None)

    def ranges(self) -> list:
        return [asked for _, asked, _ in self.asked]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
