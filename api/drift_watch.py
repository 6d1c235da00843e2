"""Looks once an hour how far scores have moved, for `/metrics`: reading samples for every scrape would cost."""

from __future__ import annotations

import threading
import time

from api.wiring import House, now
from safety.drift import Drift, drifts

LOOK_EVERY_S = 3600.0


class DriftWatch:
    """Remembers what it saw last."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._looked_at = float("-inf")
        self._seen: list[Drift] = []

    def look(self, house: House) -> list[Drift]:
        """Return how far each signal has moved, at most an hour old.

        Raises:
            DatabaseError, LedgerError: the record cannot be read.
        """
        with self._turn:
            if time.monotonic() - self._looked_at > LOOK_EVERY_S:
                self._seen = drifts(house.ledger, now())
                self._looked_at = time.monotonic()
            return self._seen
