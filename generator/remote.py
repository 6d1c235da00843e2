"""A generator on another machine: any server that speaks `/v1/videos` as OpenAI's API did (vLLM-Omni on GPUs, for one).

    POST /v1/videos (form) ─▶ GET …/{id} until it ends ─▶ GET …/{id}/content ─▶ isolated decode ─▶ Clip

What comes back is a file like any stranger's: limited in size and decoded in isolation. The server's own words
are never repeated: they may hold the prompt. Nothing is trusted about what it shows; the gates judge that.
"""

from __future__ import annotations

import http.client
import io
import json
import secrets
import ssl
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np

from generator.base import (
    Capability,
    GenerationRequest,
    GeneratorError,
    Progress,
    UnsupportedRequest,
    refuse_incapable,
    refuse_ungiven,
)
from generator.delivery import at_rate, fit, to_delivered
from media.clip import Clip
from media.codec import encode_mp4
from media.errors import MediaError
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan

MOST_BYTES = 512 * 1024**2
"""Largest file that is fetched."""

MOST_DECODED = 1_500_000_000
"""Most decoded bytes of a fetched clip: as many as the release desk marks at once."""

ANSWER_BYTES = 1 << 20
"""Largest JSON answer that is read."""

SIDE = (64, 2048)
ENDED = ("completed", "failed")
PATHS = {Capability.EDIT: "/edits", Capability.EXTEND: "/extensions"}
"""Where what starts from a video is asked for; everything else is at the root."""


@dataclass(frozen=True)
class Server:
    """Where the server is and how long it may take."""

    base_url: str
    """Ends in `/v1`."""

    model: str
    """Name the server knows the model by; stands in the manifest."""

    key: str = field(default="", repr=False)
    timeout_s: float = 1800.0
    """Seconds from asking to having the file."""

    answer_s: float = 60.0
    """Seconds for one answer."""

    poll_s: float = 1.0
    fps: float = 24.0
    max_seconds: float = 20.0
    capabilities: frozenset[Capability] = frozenset({Capability.TEXT, Capability.ANIMATE})


class RemoteGenerator:
    """`Generator` on a server. Many requests at a time: the server queues."""

    def __init__(self, server: Server, limits: Limits | None = None) -> None:
        """Prepare; nobody is contacted.

        Raises:
            GeneratorError: the address is no http(s) URL.
        """
        parts = urlsplit(server.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise GeneratorError(f"{server.base_url} is no http or https address of a generator")
        self._server, self._parts = server, parts
        self._limits = limits or Limits(max_file_bytes=MOST_BYTES, max_duration_s=600, timeout_s=300)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._server.model

    @property
    def version(self) -> str:
        """Weights on another machine cannot be digested from here, so their name stands for them."""
        return f"remote:{self._server.model}"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the settings say that the server can do."""
        return self._server.capabilities

    @property
    def fps(self) -> float:
        """Frames a second at which given clips are sent."""
        return self._server.fps

    def check(self, request: GenerationRequest) -> None:
        """Refuse what cannot be asked for.

        Raises:
            UnsupportedRequest: length, size or capability outside of what the message lists.
        """
        refuse_incapable(self.name, self.capabilities, request)
        if not 0 < request.seconds <= self._server.max_seconds:
            raise UnsupportedRequest(
                f"{request.seconds} seconds cannot be made by {self.name}: more than 0 and up to "
                f"{self._server.max_seconds:g} are allowed"
            )
        if any(side % 2 or not SIDE[0] <= side <= SIDE[1] for side in (request.width, request.height)):
            raise UnsupportedRequest(
                f"{request.width}x{request.height} cannot be made by {self.name}: width and height must be even "
                f"numbers from {SIDE[0]} to {SIDE[1]}"
            )

    def generate(self, request: GenerationRequest, progress: Progress | None = None) -> Clip:
        """Ask, wait, fetch and decode. Cancelling deletes the video on the server.

        Raises:
            UnsupportedRequest: see `check`; or the server says that it cannot do this.
            GenerationCancelled: raised by `progress`.
            GeneratorError: the server cannot be reached, failed, refused, took too long, or sent no usable video.
        """
        self.check(request)
        refuse_ungiven(request)
        report = progress or (lambda share: None)
        report(0.0)
        until = time.monotonic() + self._server.timeout_s
        body, kind = _form(self._fields(request), self._files(request))
        video = self._json("POST", PATHS.get(request.capability, ""), body, {"content-type": kind})
        id_ = video.get("id")
        if not isinstance(id_, str) or not id_:
            raise GeneratorError(f"{self.name}: the server's answer names no video")
        place = f"/{quote(id_, safe='')}"
        try:
            while video.get("status") not in ENDED:
                if time.monotonic() > until:
                    raise GeneratorError(f"{self.name}: no video within {self._server.timeout_s:g} s")
                time.sleep(self._server.poll_s)
                video = self._json("GET", place)
                report(min(0.95, max(0.0, _number(video.get("progress")) / 100)))
            if video["status"] == "failed":
                error = video.get("error")
                code = str(error.get("code", "unknown"))[:60] if isinstance(error, dict) else "unknown"
                raise GeneratorError(f"{self.name}: the server could not make the video ({code})")
            clip = self._fetch(place, request)
            report(1.0)
            return clip
        finally:
            self._forget(place)

    def _fields(self, request: GenerationRequest) -> dict[str, str]:
        return {
            "prompt": request.prompt,
            "model": self._server.model,
            "seconds": f"{request.seconds:g}",
            "size": f"{request.width}x{request.height}",
            "seed": str(request.seed % (1 << 63)),
        } | ({"strength": f"{request.strength:g}"} if request.capability is Capability.EDIT else {})

    def _files(self, request: GenerationRequest) -> dict[str, tuple[str, bytes]]:
        if request.capability is Capability.ANIMATE:
            from PIL import Image  # noqa: PLC0415

            data = io.BytesIO()
            picture = to_delivered(fit(request.keyframes[0].picture, request.width, request.height))
            Image.fromarray(picture).save(data, "PNG")
            return {"input_reference": ("first.png", data.getvalue())}
        if request.source is None:
            return {}
        frames = at_rate(request.source, self.fps)
        with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
            path = Path(folder) / "source.mp4"
            fitted = (to_delivered(fit(frame, request.width, request.height)) for frame in frames)
            encode_mp4(fitted, path, fps=self.fps, crf=10)
            return {"video": ("source.mp4", path.read_bytes())}

    def _fetch(self, place: str, request: GenerationRequest) -> Clip:
        """Fetch the file to the disk, decode it in isolation and bring it to the size asked for."""
        with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
            path = Path(folder) / "remote.mp4"
            with path.open("wb") as file:
                self._call("GET", f"{place}/content", into=file)
            try:
                plan = SamplingPlan(every_frame=True, short_side=min(request.width, request.height))
                windows: list[Clip] = []
                with open_video(path, limits=self._limits, plan=plan) as video:
                    for window in video:
                        windows.append(window)
                        count = sum(len(each.frames) for each in windows)
                        if count * request.width * request.height * 3 > MOST_DECODED:
                            raise GeneratorError(f"{self.name}: the server's video is too large to be marked at once")
            except MediaError as error:
                raise GeneratorError(f"{self.name}: the server's file is no video ({type(error).__name__})") from error
        frames = [to_delivered(fit(each, request.width, request.height)) for clip in windows for each in clip.frames]
        return Clip(np.stack(frames), np.concatenate([each.times_s for each in windows]), windows[0].fps)

    def _forget(self, place: str) -> None:
        """Delete the video on the server: what was released is kept here, what was not must not stay anywhere."""
        try:
            self._call("DELETE", place)
        except GeneratorError:
            return  # it is not needed: a server that cannot delete keeps its own house

    def _json(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            answer = json.loads(self._call(method, path, body, headers))
        except ValueError as error:
            raise GeneratorError(f"{self.name}: the server's answer is not JSON") from error
        if not isinstance(answer, dict):
            raise GeneratorError(f"{self.name}: the server's answer is not an object")
        return answer

    def _call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        into: io.BufferedWriter | None = None,
    ) -> bytes:
        """Ask once; return the answer, or write it to a file."""
        sent = {"accept": "*/*", **(headers or {})}
        if self._server.key:
            sent["authorization"] = f"Bearer {self._server.key}"
        connection = self._connection()
        try:
            connection.request(method, f"{self._parts.path.rstrip('/')}/videos{path}", body or None, sent)
            answer = connection.getresponse()
            if answer.status >= http.client.BAD_REQUEST:
                raise self._refused(answer.status, answer.read(ANSWER_BYTES))
            if into is None:
                return answer.read(ANSWER_BYTES)
            size = 0
            while chunk := answer.read(1 << 20):
                size += len(chunk)
                if size > MOST_BYTES:
                    raise GeneratorError(f"{self.name}: the server's file is larger than {MOST_BYTES} bytes")
                into.write(chunk)
            return b""
        except (OSError, http.client.HTTPException) as error:
            raise GeneratorError(
                f"{self.name}: the server at {self._parts.hostname} cannot be used ({type(error).__name__})"
            ) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._server.answer_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._server.answer_s)

    def _refused(self, status: int, answer: bytes) -> GeneratorError:
        try:
            code = str(json.loads(answer)["error"]["code"])[:60]
        except (ValueError, KeyError, TypeError):
            code = "no code"
        words = f"{self.name}: the server answered {status} ({code if code.isidentifier() else 'unreadable code'})"
        return UnsupportedRequest(words) if status in (400, 404, 405, 422) else GeneratorError(words)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _form(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """Write multipart/form-data (RFC 7578); return body and content type."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, (filename, data) in files.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        parts += [f"{head}Content-Type: application/octet-stream\r\n\r\n".encode(), data, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"
