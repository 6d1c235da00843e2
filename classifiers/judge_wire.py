"""Carries questions to a judge over HTTP and its replies back, within a hard limit of time and size.

Only the configured address is contacted: no redirect is followed, no proxy of the environment is used. It asks and
parses envelopes; what a question or an answer means is `classifiers.judge_families`. No text of either is in an error.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, Final

import httpx

from classifiers.base import MeasurementError
from classifiers.judge_families import Body, Reply

MAX_REPLY_BYTES: Final = 256 * 1024
"""Far more than any family says; a judge that sends more is broken or not ours."""

_GRACE_S: Final = 1.0
"""Seconds beyond the limit after which even our own loop is not waited for."""


class Wire:
    """One address. Safe for several threads; close it when it is no longer needed."""

    def __init__(
        self, base_url: str, *, seconds: float, at_once: int, key: str | None = None, ca_file: Path | None = None
    ) -> None:
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._seconds = seconds
        self._at_once = at_once
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        # Without TLS there is nothing to verify, and loading the authorities costs more than many an answer.
        encrypted = base_url.startswith("https:")
        self._verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if ca_file else encrypted
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: httpx.AsyncClient | None = None

    def ask(self, bodies: Sequence[Body]) -> list[Reply]:
        """Return the reply to each question, asked side by side; all of them within the limit of seconds.

        Raises:
            MeasurementError: no connection, no answer in time, an HTTP error or redirect, too long, or no completion.
        """
        waiting = asyncio.run_coroutine_threadsafe(self._ask_all(bodies), self._running())
        try:
            return waiting.result(self._seconds + _GRACE_S)
        except FutureTimeoutError:
            waiting.cancel()
            raise self._too_late() from None
        except CancelledError:
            raise MeasurementError("the judge was closed") from None

    def close(self) -> None:
        """Close connections and thread; may be called twice, and asking again opens them again."""
        with self._lock:
            loop, thread, client = self._loop, self._thread, self._client
            self._loop = self._thread = self._client = None
        if loop is not None and thread is not None and client is not None:
            asyncio.run_coroutine_threadsafe(_end(client), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        """The loop in which the connections live: they outlast a call, and a call can be cut off at any point."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._client = httpx.AsyncClient(
                    headers=self._headers,
                    verify=self._verify,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=self._seconds,
                    limits=httpx.Limits(max_connections=self._at_once, max_keepalive_connections=self._at_once),
                )
                self._thread = threading.Thread(target=self._loop.run_forever, name="judge", daemon=True)
                self._thread.start()
            return self._loop

    async def _ask_all(self, bodies: Sequence[Body]) -> list[Reply]:
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.gather(*(self._ask(body) for body in bodies))
        except (TimeoutError, httpx.TimeoutException):
            raise self._too_late() from None
        except httpx.HTTPError as error:
            raise MeasurementError(f"the judge cannot be reached ({type(error).__name__})") from None

    async def _ask(self, body: Body) -> Reply:
        try:
            return _reply(await self._post(body))
        except (httpx.NetworkError, httpx.RemoteProtocolError):  # also: a kept connection that the server had closed
            return _reply(await self._post(body))

    async def _post(self, body: Body) -> bytes:
        client = self._client
        if client is None:
            raise MeasurementError("the judge was closed")
        async with client.stream("POST", self._url, json=body) as response:
            if response.status_code != httpx.codes.OK:
                raise MeasurementError(f"the judge answered with HTTP status {response.status_code}")
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > MAX_REPLY_BYTES:
                    raise MeasurementError(f"the judge's answer is longer than {MAX_REPLY_BYTES} bytes")
            return bytes(content)

    def _too_late(self) -> MeasurementError:
        return MeasurementError(f"the judge did not answer within {self._seconds:g} s")


async def _end(client: httpx.AsyncClient) -> None:
    """Give up what is still being asked, and close the connections."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await client.aclose()


def _reply(content: bytes) -> Reply:
    """Read the envelope of a chat completion.

    Raises:
        MeasurementError: it is none, or says nothing.
    """
    try:
        (choice,) = json.loads(content)["choices"]
        text, finish = choice["message"]["content"], choice["finish_reason"]
        first = _first_tokens(choice.get("logprobs"))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        raise MeasurementError("the judge's answer is no chat completion") from None
    if not isinstance(text, str) or not text.strip():
        raise MeasurementError("the judge's answer is empty")
    return Reply(text, finish == "stop", first)


def _first_tokens(logprobs: Any) -> dict[str, float]:  # noqa: ANN401 - somebody's JSON
    if not logprobs or not logprobs.get("content"):
        return {}
    return {str(row["token"]): float(row["logprob"]) for row in logprobs["content"][0]["top_logprobs"]}
