"""The frame around every request: its id, its size, its turn, its time, and the last resort when something breaks.

Plain ASGI, so that an upload is counted as it streams in, before anything parses it. Knows no route.
"""

from __future__ import annotations

import re
import time
import uuid

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import OverloadedError, RequestTooLargeError
from api.metrics import Metrics
from api.problems import problem_response, unexpected
from api.settings import Settings

UPLOAD_PATHS = frozenset({"/v1/persons", "/v1/scans", "/v1/verify", "/v1/c2pa/matches/byContent"})
"""Routes that take videos; every other body is held to `request_max_bytes`."""

FORM_PATHS = frozenset({"/v1/videos", "/v1/videos/edits", "/v1/videos/extensions", "/v1/releases"})
"""Routes that take videos in forms only: their JSON is held to `request_max_bytes`."""

JUDGED_PATHS = frozenset({"/v1/moderations"}) | FORM_PATHS
"""Routes whose POST has a prompt judged before it answers: so many at once as the settings say, and no queue behind."""

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Edge:
    """ASGI middleware: wraps the whole app."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._judging = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, within its limits, and answer for it if nobody else does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        id_ = given if _GIVEN_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = id_
        answer = _Answer(send, id_)
        body = _Body(receive, _limit(scope))
        started = time.perf_counter()
        judged = scope["method"] == "POST" and (scope["path"] in JUDGED_PATHS or scope["path"].endswith("/remix"))
        try:
            if judged and self._judging >= _house_settings(scope).judging_at_once:
                error = OverloadedError("too many prompts wait to be judged")
                await problem_response(Request(scope), error)(scope, body.receive, answer.send)
            else:
                self._judging += judged
                try:
                    await self._pass_on(scope, body, answer)
                finally:
                    self._judging -= judged
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.observe_request(route, scope["method"], answer.status, time.perf_counter() - started)

    async def _pass_on(self, scope: Scope, body: _Body, answer: _Answer) -> None:
        request = Request(scope)
        try:
            body.refuse(Headers(scope=scope).get("content-length"))
            await self._app(scope, body.receive, _unless_exceeded(body, answer))
            body.refuse()
        except RequestTooLargeError as error:
            if not answer.status:
                await problem_response(request, error)(scope, body.receive, answer.send)
        except ClientDisconnect:
            pass  # nobody is left to answer; counted with status 0
        except Exception as error:
            response = unexpected(request, error)
            if not answer.status:
                await response(scope, body.receive, answer.send)
            else:
                raise  # half an answer is out: the server must cut the connection


class _Body:
    """The request's body, counted."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._seen = 0

    @property
    def exceeded(self) -> bool:
        return self._seen > self._limit

    def refuse(self, declared: str | None = None) -> None:
        """Raise RequestTooLargeError if too much was declared, or came."""
        if self.exceeded or (declared is not None and declared.isdigit() and int(declared) > self._limit):
            raise RequestTooLargeError(f"the request is larger than the {self._limit} bytes that are accepted here")

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            self.refuse()
        return message


class _Answer:
    """The response on its way out: remembers its status and adds the headers that every answer has."""

    def __init__(self, send: Send, id_: str) -> None:
        self._send = send
        self._id = id_
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._id
            headers["x-content-type-options"] = "nosniff"
            headers.setdefault("cache-control", "no-store")
        await self._send(message)


def _unless_exceeded(body: _Body, answer: _Answer) -> Send:
    """Drop what is answered after the body turned out too large: a parser took that for a fault of its own."""

    async def send(message: Message) -> None:
        if answer.status or not body.exceeded:
            await answer.send(message)

    return send


def _limit(scope: Scope) -> int:
    settings = _house_settings(scope)
    is_form = Headers(scope=scope).get("content-type", "").lower().startswith("multipart/form-data")
    uploads = scope["path"] in UPLOAD_PATHS or (scope["path"] in FORM_PATHS and is_form)
    return settings.upload_max_bytes if uploads else settings.request_max_bytes


def _house_settings(scope: Scope) -> Settings:
    settings: Settings = scope["app"].state.house.settings
    return settings
