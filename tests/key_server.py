"""A real HTTP server on loopback that keeps a signing key and speaks like three kinds of key services, or fails."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

TOKEN = "s.token-of-the-service"
KEY_PATHS = {
    "vault": "/v1/transit/sign/claims",
    "azure": "/keys/claims/7",
    "google": "/v1/projects/p/locations/l/keyRings/r/cryptoKeys/claims/cryptoKeyVersions/1",
}


@dataclass
class KeyServer:
    """Keeps one key. `answers`: what is said instead of signing, one after the other: a status and a body."""

    key: Any
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    port: int = 0

    def place(self, kind: str) -> str:
        return f"{kind}+http://127.0.0.1:{self.port}{KEY_PATHS[kind]}"

    def handle(self, request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        body = json.loads(request.rfile.read(int(request.headers["content-length"])))
        self.asked.append((request.path, body))
        if self.answers:
            return self.answers.pop(0)
        for kind, path in KEY_PATHS.items():
            if request.path.startswith(path):
                return SPEAKERS[kind](self.key, request, body)
        return 404, b"no such key"


def _vault(key: Any, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, bytes]:
    if request.headers["x-vault-token"] != TOKEN:
        return 403, b'{"errors":["permission denied"]}'
    raw = _raw(key, base64.b64decode(body["input"], validate=True), digested=bool(body.get("prehashed")))
    text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return 200, json.dumps({"data": {"signature": f"vault:v1:{text}"}}).encode()


def _azure(key: Any, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, bytes]:
    if request.headers["authorization"] != f"Bearer {TOKEN}" or not request.path.endswith("/sign?api-version=7.4"):
        return 401, b'{"error":{"code":"Unauthorized"}}'
    raw = _raw(key, _padded(body["value"]), digested=True)
    return 200, json.dumps({"kid": "k", "value": base64.urlsafe_b64encode(raw).decode().rstrip("=")}).encode()


def _google(key: Any, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, bytes]:
    if request.headers["authorization"] != f"Bearer {TOKEN}" or not request.path.endswith(":asymmetricSign"):
        return 401, b'{"error":{"status":"UNAUTHENTICATED"}}'
    if isinstance(key, ed25519.Ed25519PrivateKey):
        made = key.sign(base64.b64decode(body["data"]))
    else:
        ((name, digest),) = body["digest"].items()
        kind = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}[name]
        made = key.sign(base64.b64decode(digest), ec.ECDSA(Prehashed(kind)))
    return 200, json.dumps({"signature": base64.b64encode(made).decode()}).encode()


SPEAKERS = {"vault": _vault, "azure": _azure, "google": _google}


def _raw(key: Any, data: bytes, *, digested: bool) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    half = key.curve.key_size // 8
    kind = hashes.SHA384() if half == 48 else hashes.SHA256()
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(Prehashed(kind) if digested else kind)))
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")


def _padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def running(server: KeyServer) -> Iterator[KeyServer]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, content = server.handle(self)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            if status == 302:
                self.send_header("location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
