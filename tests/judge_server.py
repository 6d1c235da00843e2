"""A real HTTP server on loopback that speaks chat completions, and can misbehave in every way that a server can."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class JudgeServer:
    """Answers each question with what `say` makes of it; `break_with` takes over the raw connection instead."""

    say: Callable[[dict[str, Any]], dict[str, Any] | str] = lambda _: "safe"
    break_with: Callable[[BaseHTTPRequestHandler], None] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    going_down: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        self.paths.append(request.path)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.asked.append(json.loads(body))
        if self.break_with is not None:
            self.break_with(request)
            return
        said = self.say(self.asked[-1])
        send(request, json.dumps(completion(said) if isinstance(said, str) else said).encode())


def send(request: BaseHTTPRequestHandler, content: bytes, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for name, value in {"content-type": "application/json", "content-length": str(len(content)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)


def completion(text: str, *, finish: str = "stop", first: dict[str, float] | None = None) -> dict[str, Any]:
    """A chat completion; `first`: probabilities of the first token."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": finish,
        "logprobs": None,
    }
    if first is not None:
        likely = [{"token": token, "logprob": math.log(share), "bytes": None} for token, share in first.items()]
        choice["logprobs"] = {"content": [{**likely[0], "top_logprobs": likely}]}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "judge", "choices": [choice]}


@contextmanager
def running(server: JudgeServer) -> Iterator[JudgeServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            server.handle(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """A client that hung up is what some tests are about."""

    listener = Server(("127.0.0.1", 0), Handler)
    server.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.going_down.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
