"""One writer for many callers: while a group is being committed, the next one gathers. Knows no database.

An fsync costs milliseconds and is paid once for a group, so throughput grows with the number of callers and no caller
returns before its item is durable.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from safety.errors import LedgerError, SafetyError

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_GROUP = 512
"""Items committed together at most: bounds the memory and the time of one transaction."""

GATHER_S = 0.002
"""Longest that a group waits until half as many are there as in the group before. Callers that were answered together
come back one after the other; without it the first one would be committed alone, at the price of all."""


class _Waiting(Generic[Item, Result]):
    """One caller: a bare lock instead of a Future, which costs as much as the rest of an append."""

    __slots__ = ("answer", "done", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answer: Result | SafetyError = LedgerError("not answered")
        self.done = threading.Lock()
        self.done.acquire()

    def finish(self, answer: Result | SafetyError) -> None:
        self.answer = answer
        self.done.release()


class GroupCommit(Generic[Item, Result]):
    """Hands groups of items to `commit` from one thread, which starts with the first item."""

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Result | SafetyError]], name: str) -> None:
        """Take `commit`: it returns, for each item, its result or why it alone was refused.

        When it raises a SafetyError, nothing of the group was done and every caller gets that error.
        """
        self._commit = commit
        self._name = name
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._enough = 1

    def submit(self, item: Item) -> Result:
        """Return what `commit` made of the item, once its group is done.

        Raises:
            SafetyError: this item was refused, or its group failed.
            LedgerError: closed.
        """
        waiting = _Waiting[Item, Result](item)
        with self._changed:
            if self._closed:
                raise LedgerError(f"the {self._name} is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._waiting.append(waiting)
            if len(self._waiting) in (1, self._enough):
                self._changed.notify()
        waiting.done.acquire()
        if isinstance(waiting.answer, SafetyError):
            # Each caller raises an error of its own: raising one object in many threads mixes their traces.
            raise type(waiting.answer)(*waiting.answer.args)
        return waiting.answer

    def close(self) -> None:
        """Commit what waits, then refuse everything. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            answers: Sequence[Result | SafetyError]
            try:
                answers = self._commit([each.item for each in group])
                if len(answers) != len(group):
                    raise RuntimeError(f"{len(answers)} answers for {len(group)} items")
            except SafetyError as error:
                answers = [error] * len(group)
            except BaseException as error:
                # A fault in `commit` itself: nobody may wait for ever.
                self._give_up(group, type(error).__name__)
                raise
            for each, answer in zip(group, answers, strict=True):
                each.finish(answer)

    def _next_group(self) -> list[_Waiting[Item, Result]]:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            self._changed.wait_for(lambda: len(self._waiting) >= self._enough or self._closed, GATHER_S)
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
            self._enough = max(1, len(group) // 2)
            return group

    def _give_up(self, group: list[_Waiting[Item, Result]], why: str) -> None:
        with self._changed:
            self._closed = True
            group = [*group, *self._waiting]
            self._waiting.clear()
        for each in group:
            each.finish(LedgerError(f"the {self._name} stopped ({why}); restart the process"))
