"""Counts what each stranger asks for, so that one of them cannot use the reader of watermarks as an oracle.

A bucket for each address holds a minute's worth of turns and fills evenly. Of IPv6 the first 64 bits are one client:
whoever has one such address has all of them. Counts for one process; behind a proxy the address is what uvicorn makes
of its headers. Knows no key and keeps nothing.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from api.errors import BusyError

MOST_CLIENTS = 10_000
"""Addresses remembered; who was not seen for longest is forgotten, with a full bucket."""


class ClientLimits:
    """Turns of every client."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._turn = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # turns left, and when that was

    def take(self, address: str | None) -> None:
        """Take a turn of this client.

        Raises:
            BusyError: it has none left; says when there will be one.
        """
        client = client_of(address)
        with self._turn:
            now = self._clock()
            left, since = self._buckets.pop(client, (float(self._per_minute), now))
            left = min(float(self._per_minute), left + (now - since) * self._per_minute / 60)
            taken = left >= 1
            self._buckets[client] = (left - 1 if taken else left, now)
            if len(self._buckets) > MOST_CLIENTS:
                self._buckets.popitem(last=False)
        if not taken:
            wait_s = max(1, round((1 - left) * 60 / self._per_minute))
            raise BusyError(f"{self._per_minute} files a minute are looked at for each client: wait {wait_s} s", wait_s)


def client_of(address: str | None) -> str:
    """Return what counts as one client: an IPv4 address, the network of an IPv6 one, or the text itself."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
