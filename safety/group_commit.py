"""One writer for many callers: while a group is being committed, the next one gathers. Knows no database.

An fsync costs milliseconds and is paid once for a group, so throughput grows with the number of callers and no caller
returns before its item is durable.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from safety.errors import LedgerError, SafetyError

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_GROUP = 512
"""Items committed together at most: bounds the memory and the time of one transaction."""


class GroupCommit(Generic[Item, Result]):
    """Hands groups of items to `commit` from one thread, which starts with the first item."""

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Result | SafetyError]], name: str) -> None:
        """Take `commit`: it returns, for each item, its result or why it alone was refused.

        When it raises a SafetyError, nothing of the group was done and every caller gets that error.
        """
        self._commit = commit
        self._name = name
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, item: Item) -> Result:
        """Return what `commit` made of the item, once its group is done.

        Raises:
            SafetyError: this item was refused, or its group failed.
            LedgerError: closed.
        """
        future: Future[Result] = Future()
        with self._changed:
            if self._closed:
                raise LedgerError(f"the {self._name} is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._waiting.append((item, future))
            self._changed.notify()
        return future.result()

    def close(self) -> None:
        """Commit what waits, then refuse everything. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            try:
                results = self._commit([item for item, _ in group])
                answers = list(zip(group, results, strict=True))
            except SafetyError as error:
                answers = [(each, error) for each in group]
            except BaseException as error:
                # A fault in `commit` itself: nobody may wait for ever.
                self._give_up([future for _, future in group], type(error).__name__)
                raise
            for (_, future), answer in answers:
                if isinstance(answer, SafetyError):
                    # Each caller gets an error of its own: raising one object in many threads mixes their traces.
                    future.set_exception(type(answer)(*answer.args))
                else:
                    future.set_result(answer)

    def _next_group(self) -> list[tuple[Item, Future[Result]]]:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]

    def _give_up(self, futures: list[Future[Result]], why: str) -> None:
        with self._changed:
            self._closed = True
            futures += [future for _, future in self._waiting]
            self._waiting.clear()
        for future in futures:
            future.set_exception(LedgerError(f"the {self._name} stopped ({why}); restart the process"))
