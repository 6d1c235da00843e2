"""Answers which banked items a clip shows: an index in memory over `safety.lookup.banks`, as new as its database.

Every question first reads what changed since the last one, in whatever process, so a bank counts from the moment it is
filled and an item is forgotten the moment it is removed. Banks whose time is over answer nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from classifiers.base import KnownPlace
from media.fingerprint import Fingerprint
from media.known_frames import KnownFrames
from safety.banks import Bank, known_signal, unpack
from safety.lookup.banks import BankStore


class KnownBanks:
    """One index for a process; safe for several threads."""

    def __init__(self, store: BankStore, clock: Callable[[], datetime]) -> None:
        """Look things up in these banks. Nothing is read before the first question."""
        self._store = store
        self._clock = clock
        self._index = KnownFrames()
        self._bank_of: dict[str, str] = {}
        self._items: Counter[str] = Counter()
        """How many items each bank has."""

        self._revision = 0
        self._lock = threading.Lock()

    def size(self) -> tuple[int, int]:
        """Return how many banks are in force and how many items they look for.

        Raises:
            DatabaseError: the database is gone: nothing may be called clean.
        """
        with self._lock:
            banks = self._refreshed()
            return len(banks), sum(self._items[bank] for bank in banks)

    def state(self) -> str:
        """Return a text that changes whenever an answer may: with every item, and when a bank's time begins or ends.

        Raises:
            DatabaseError: the database is gone.
        """
        with self._lock:
            banks = self._refreshed()
            return f"{self._revision} {' '.join(sorted(banks))}"

    def find(self, prints: Sequence[tuple[float, Fingerprint]]) -> list[KnownPlace]:
        """Return where banked items show in (seconds, fingerprint) of frames in order, highest value first.

        Raises:
            DatabaseError: the database is gone: nothing may be called clean.
        """
        with self._lock:
            banks = self._refreshed()
            sightings = self._index.find(prints, lambda item: self._bank_of[item] in banks)
            return [
                KnownPlace(
                    signal=known_signal(banks[self._bank_of[each.item]].category),
                    value=each.value,
                    start_s=each.start_s,
                    end_s=each.end_s,
                    detail=f"bank:{self._bank_of[each.item]}/{each.item}",
                )
                for each in sightings
            ]

    def _refreshed(self) -> dict[str, Bank]:
        """Bring the index up to date and return the banks in force."""
        for revision, item, bank, frames in self._store.changes(self._revision):
            self._index.drop(item)
            if (former := self._bank_of.pop(item, None)) is not None:
                self._items[former] -= 1
            if frames:
                self._index.add(item, unpack(frames))
                self._bank_of[item] = bank
                self._items[bank] += 1
            self._revision = revision
        now = self._clock()
        return {bank.id: bank for bank in self._store.known() if bank.in_force(now)}
