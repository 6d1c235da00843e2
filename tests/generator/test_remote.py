"""A generator on another machine, against a real server on loopback that speaks `/v1/videos` and can misbehave."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generator.base import (
    Capability,
    GenerationCancelled,
    GenerationRequest,
    GeneratorError,
    Keyframe,
    UnsupportedRequest,
)
from generator.remote import RemoteGenerator, Server
from media.clip import Clip
from media.codec import encode_mp4

SECRET = "secret words of the prompt"


@dataclass
class VideoServer:
    """Makes grey videos; `polls` says how often it answers `in_progress` first."""

    polls: int = 2
    fail: dict[str, Any] | None = None
    refuse: tuple[int, bytes] | None = None
    content: bytes | None = None
    garbled: bytes | None = None
    forms: list[dict[str, bytes]] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    port: int = 0

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        self.seen.append((request.command, request.path))
        self.keys.add(request.headers["authorization"])
        if request.command == "POST":
            body = request.rfile.read(int(request.headers["content-length"]))
            message = message_from_bytes(
                b"content-type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + body
            )
            parts = message.get_payload()
            self.forms.append(
                {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in parts}
            )  # type: ignore[union-attr, misc]
            if self.refuse:
                return self.refuse
            return 200, self.garbled or json.dumps({"id": "video/1", "status": "queued", "progress": 0}).encode()
        if request.path.endswith("/content"):
            return 200, self.content if self.content is not None else video(self.forms[-1])
        if request.command == "DELETE":
            return 200, b"{}"
        self.polls -= 1
        if self.polls >= 0:
            return 200, json.dumps({"id": "video/1", "status": "in_progress", "progress": 40}).encode()
        ended = {"id": "video/1", "status": "failed" if self.fail else "completed", "progress": 100, "error": self.fail}
        return 200, json.dumps(ended).encode()


def video(form: dict[str, bytes]) -> bytes:
    seconds, (width, height) = float(form["seconds"]), map(int, form["size"].split(b"x"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.mp4"
        frames = [np.full((height * 2, width * 2, 3), 5 * number, np.uint8) for number in range(round(seconds * 8))]
        encode_mp4(iter(frames), path, fps=8)
        return path.read_bytes()


@contextmanager
def serving(**how: Any) -> Iterator[VideoServer]:
    told = VideoServer(**how)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            status, content = told.answer(self)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def remote(told: VideoServer, **how: Any) -> RemoteGenerator:
    return RemoteGenerator(Server(f"http://127.0.0.1:{told.port}/v1", "big-model", poll_s=0.01, **how))


REQUEST = GenerationRequest(SECRET, 1.0, 128, 96, 7)


def test_a_video_is_asked_for_awaited_fetched_and_deleted_there() -> None:
    with serving() as told:
        generator, shares = remote(told, key="fg_key"), []
        clip = generator.generate(REQUEST, shares.append)

    assert clip.frames.shape == (8, 96, 128, 3)
    assert clip.fps == 8
    form = {name: value.decode() for name, value in told.forms[0].items()}
    assert form == {"prompt": SECRET, "model": "big-model", "seconds": "1", "size": "128x96", "seed": "7"}
    assert told.seen[0] == ("POST", "/v1/videos")
    assert told.seen[-1] == ("DELETE", "/v1/videos/video%2F1")
    assert told.keys == {"Bearer fg_key"}
    assert (shares[0], 0.4 in shares, shares[-1]) == (0.0, True, 1.0)
    assert "fg_key" not in repr(generator._server)


def test_pictures_and_clips_are_sent_where_they_are_due() -> None:
    able = frozenset(Capability)
    source = Clip(np.zeros((8, 64, 64, 3), np.uint8), np.arange(8) / 8, 8.0)
    with serving() as told:
        generator = remote(told, capabilities=able, fps=8.0)
        asked = {"seconds": 1.0, "width": 64, "height": 64}
        picture = Keyframe(0.0, np.zeros((40, 40, 3), np.uint8))
        generator.generate(GenerationRequest("a", **asked, capability=Capability.ANIMATE, keyframes=(picture,)))
        generator.generate(GenerationRequest("a", **asked, capability=Capability.EXTEND, source=source))
        generator.generate(GenerationRequest("a", **asked, capability=Capability.EDIT, source=source, strength=0.4))

    assert told.forms[0]["input_reference"].startswith(b"\x89PNG")
    assert told.forms[1]["video"][4:8] == told.forms[2]["video"][4:8] == b"ftyp"
    assert told.forms[2]["strength"] == b"0.4"
    posts = [path for method, path in told.seen if method == "POST"]
    assert posts == ["/v1/videos", "/v1/videos/extensions", "/v1/videos/edits"]


def test_cancelling_deletes_the_video_on_the_server() -> None:
    def stop(share: float) -> None:
        if share > 0:
            raise GenerationCancelled("stop")

    with serving(polls=50) as told, pytest.raises(GenerationCancelled):
        remote(told).generate(REQUEST, stop)

    assert told.seen[-1][0] == "DELETE"
    assert not any(path.endswith("/content") for _, path in told.seen)


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ({"fail": {"code": "moderation_blocked", "message": SECRET}}, GeneratorError, "moderation_blocked"),
        (
            {"refuse": (400, json.dumps({"error": {"code": "bad_size", "message": SECRET}}).encode())},
            UnsupportedRequest,
            "400 .bad_size",
        ),
        ({"refuse": (503, SECRET.encode())}, GeneratorError, "503"),
        ({"refuse": (500, json.dumps({"error": {"code": SECRET}}).encode())}, GeneratorError, "unreadable code"),
        ({"garbled": b"<html>"}, GeneratorError, "not JSON"),
        ({"garbled": b"[]"}, GeneratorError, "not an object"),
        ({"garbled": b"{}"}, GeneratorError, "names no video"),
        ({"content": b"no video at all"}, GeneratorError, "no video"),
        ({"content": b""}, GeneratorError, "no video"),
    ],
)
def test_whatever_the_server_does_is_an_error_without_the_prompt(how: dict[str, Any], kind: type, words: str) -> None:
    with serving(**how) as told, pytest.raises(kind, match=words) as caught:
        remote(told).generate(REQUEST)
    assert SECRET not in str(caught.value)


def test_a_server_that_takes_too_long_or_is_not_there_is_given_up() -> None:
    with serving(polls=1 << 30) as told:
        with pytest.raises(GeneratorError, match=r"no video within 0\.1 s"):
            remote(told, timeout_s=0.1).generate(REQUEST)
        gone = remote(told)
    with pytest.raises(GeneratorError, match="cannot be used"):
        gone.generate(REQUEST)


def test_what_cannot_be_asked_for_is_refused_here() -> None:
    generator = RemoteGenerator(Server("http://127.0.0.1:9/v1", "big-model"))
    for request, words in (
        (GenerationRequest("a", 21), "up to 20"),
        (GenerationRequest("a", 0), "more than 0"),
        (GenerationRequest("a", 1, 63, 64), "even numbers"),
        (GenerationRequest("a", capability=Capability.LOOP), "big-model cannot do loop: it can animate, text"),
    ):
        with pytest.raises(UnsupportedRequest, match=words):
            generator.check(request)
    with pytest.raises(GeneratorError, match="no http or https address"):
        RemoteGenerator(Server("ftp://host/v1", "m"))
    assert generator.version == "remote:big-model"
