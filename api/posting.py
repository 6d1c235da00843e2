"""Posts to a receiver that nobody trusts: only its status is read, and the whole exchange has one deadline.

A receiver may answer a byte at a time, for ever or with a bomb: a time limit for each read stops none of that. Says
nothing about what is posted (`api.webhooks`), and logs no address: its path may be a secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

ANSWER_WITHIN_S = 5.0
"""From the first try to connect to the end of the answer's headers."""

NO_CONTENT = 204


class Poster:
    """Posts to one address. A context; use it in one thread, outside any event loop."""

    def __init__(self, url: str, *, within_s: float = ANSWER_WITHIN_S) -> None:
        self._url = url
        self._within_s = within_s
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(timeout=within_s, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._runner as runner:
            runner.run(self._client.aclose())

    def post(self, body: bytes, headers: Mapping[str, str]) -> int | str:
        """Return the status of the answer, or what went wrong on the way to it. Redirects are not followed."""
        try:
            return self._runner.run(self._status(body, headers))
        except TimeoutError:
            return f"no answer within {self._within_s:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__

    async def _status(self, body: bytes, headers: Mapping[str, str]) -> int:
        async with (
            asyncio.timeout(self._within_s),
            self._client.stream("POST", self._url, content=body, headers=headers) as answer,
        ):
            if answer.status_code == NO_CONTENT:  # which has no body by definition: the connection can be used again
                await answer.aread()
            return answer.status_code
