"""Lets threads that come at the same time share a batch: while one batch runs, the next gathers. Waits for nobody.

For networks that gain from batches (a checkpoint on a GPU). It has no thread of its own and no timer: whoever finds a
free lane runs what has gathered, its own items among it. Knows no text and no network.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from classifiers.base import MeasurementError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Item, Result]):
    item: Item
    done: bool = False
    result: Result | None = None
    fault: str = ""


class Batcher(Generic[Item, Result]):
    """Hands batches to `run`, at most `largest` items in each and `at_once` batches at a time."""

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Result]], *, largest: int, at_once: int) -> None:
        self._run = run
        self._largest = largest
        self._free = at_once
        self._waiting: deque[_Ticket[Item, Result]] = deque()
        self._changed = threading.Condition()

    def __call__(self, items: Sequence[Item]) -> list[Result]:
        """Return the result of each item, in order; blocks until all are there.

        Raises:
            MeasurementError: a batch with one of them failed.
        """
        tickets = [_Ticket[Item, Result](item) for item in items]
        with self._changed:
            self._waiting.extend(tickets)
            while not all(ticket.done for ticket in tickets):
                if self._free and self._waiting:
                    self._run_next()
                else:
                    self._changed.wait()
        if fault := next((ticket.fault for ticket in tickets if ticket.fault), ""):
            raise MeasurementError(fault)
        return [cast("Result", ticket.result) for ticket in tickets]

    def _run_next(self) -> None:
        """Run one batch; called and left with the lock held, which is free while the batch runs."""
        batch = [self._waiting.popleft() for _ in range(min(self._largest, len(self._waiting)))]
        fault = "the batch it was measured in failed"
        self._free -= 1
        self._changed.release()
        try:
            for ticket, result in zip(batch, self._run([ticket.item for ticket in batch]), strict=True):
                ticket.result = result
            fault = ""
        except MeasurementError as error:
            fault = str(error)
        finally:  # whatever happens, nobody waits for ever
            self._changed.acquire()
            self._free += 1
            for ticket in batch:
                ticket.done, ticket.fault = True, fault
            self._changed.notify_all()
