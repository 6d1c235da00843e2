"""Remembers a bounded number of answers for a bounded time, in this process only. Keeps digests, never texts."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class AnswerCache(Generic[Answer]):
    """The answers used last. Safe for several threads."""

    def __init__(self, entries: int, lives_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep at most `entries` answers (0: none), each for `lives_s` seconds of `clock`."""
        self._entries, self._lives_s, self._clock = entries, lives_s, clock
        self._kept: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, *key: str) -> Answer | None:
        """Return the answer to this key, unless it is too old or was never kept."""
        digest = _digest(key)
        with self._lock:
            found = self._kept.get(digest)
            if found is None:
                return None
            at, answer = found
            if self._clock() - at >= self._lives_s:
                del self._kept[digest]
                return None
            self._kept.move_to_end(digest)
            return answer

    def put(self, answer: Answer, *key: str) -> None:
        """Keep an answer; the one that was not used for longest makes room."""
        with self._lock:
            self._kept[_digest(key)] = (self._clock(), answer)
            self._kept.move_to_end(_digest(key))
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)


def _digest(key: tuple[str, ...]) -> bytes:
    """One digest of all parts, none of which can run into the next."""
    whole = hashlib.sha256()
    for part in key:
        whole.update(hashlib.sha256(part.encode(errors="surrogatepass")).digest())
    return whole.digest()
