"""Tells another system what the ledger records: signed messages, in its order, each until it is taken or too old.

    ledger ─▶ place of the receiver ─▶ message ─▶ POST, signed ─▶ 2xx: the place moves on
                                                          └─▶ else: again later, in the same place
                                                              (refused for good, or too old: left out, aloud)

Signed as Standard Webhooks does (`webhook-id`, `webhook-timestamp`, `webhook-signature`). A message may come twice and
has the same id then. Nothing waits for it: the ledger is the outbox, so appending knows nothing of receivers. A worker
does it (`api.housekeeping`); messages are made by `safety.announcements`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from api.errors import WebhookError
from api.posting import Poster
from api.wiring import House, now
from safety.announcements import TYPES, announcement
from safety.lookup.deliveries import Deliveries, Told
from safety.lookup.record import Entry, LedgerReader

log = logging.getLogger(__name__)

SECRET_BYTES = 24
"""Least bytes of a secret, as Standard Webhooks asks."""

PREFIX = "whsec_"
TURN_S = 10.0
"""After it no further message is told in a turn: other chores wait meanwhile."""

PAGE = 100
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
LEAST_TRIES = 8
"""Before a message is left out, in ten minutes: a receiver that is being replaced may answer anything meanwhile."""

TAKEN = range(200, 300)
FOR_GOOD = frozenset(map(str, range(400, 500))) - {
    *("401", "403", "404", "405", "407", "408", "410", "421", "425", "429")
}
"""Statuses that refuse a message itself; those left out are about the receiver, its address or its secret."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def usable_url(url: str) -> str:
    """Return an address that may be told.

    Raises:
        ValueError: it is not https, except on this machine, or carries a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
        raise ValueError("a webhook's address is https://HOST/…, without a password")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("a webhook is told over https; plain http is for this machine only")
    return url


def shown_url(url: str) -> str:
    """Return scheme, host and port of an address: a receiver may have put a token behind them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def usable_types(words: str) -> frozenset[str]:
    """Return the kinds of messages that are told.

    Raises:
        ValueError: one of them does not exist.
    """
    wanted = frozenset(words.split())
    if unknown := sorted(wanted - set(TYPES)):
        raise ValueError(f"{unknown[0]!r} is no kind of message; there are {', '.join(TYPES)}")
    return wanted


def read_secrets(path: Path) -> list[bytes]:
    """Return the secrets of a file, one `whsec_…` a line: a message is signed with each, so that they can be changed.

    Raises:
        WebhookError: it cannot be read, or holds something else. What it holds is not repeated.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        secrets = [base64.b64decode(line.removeprefix(PREFIX), validate=True) for line in lines]
    except OSError as error:
        raise WebhookError(f"the webhook secret {path} cannot be read: {error.strerror}") from error
    except ValueError:
        raise WebhookError(f"the webhook secret {path} is no base64 after `{PREFIX}`") from None
    if not secrets or any(len(each) < SECRET_BYTES for each in secrets):
        raise WebhookError(f"the webhook secret {path} needs {SECRET_BYTES} bytes or more in each line")
    return secrets


def signatures(secrets: Sequence[bytes], id_: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: `v1,` and an HMAC-SHA256 for each secret, a space between."""
    signed = f"{id_}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in secrets)


@dataclass(frozen=True)
class Webhook:
    """One receiver."""

    url: str
    secrets: Callable[[], Sequence[bytes]]
    types: Collection[str]
    reader: LedgerReader
    deliveries: Deliveries
    clock: Callable[[], datetime]
    give_up: timedelta
    """An entry that is older and failed `LEAST_TRIES` times is left out, which is told to the log."""

    @property
    def receiver(self) -> str:
        """What its place is kept under."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:32]

    def place(self) -> Told:
        """Return how far it was told; called for the first time, it begins with what is recorded from now on."""
        return self.deliveries.of(self.receiver, start=self.reader.size())

    def deliver(self) -> int:
        """Tell what is due until an attempt fails or the turn is over; return how many messages were taken.

        Raises:
            DatabaseError, LedgerError: the record cannot be read.
            WebhookError: the secrets cannot be read.
        """
        kept, taken, end = self.place(), 0, time.monotonic() + TURN_S
        if kept.next_at is not None and self.clock() < kept.next_at:
            return 0
        told, secrets = kept, self.secrets()
        with Poster(self.url) as poster:
            while time.monotonic() < end and (page := self.reader.entries(told.position, PAGE)):
                for entry in page:
                    message = self._message(entry)
                    fault = "" if message is None else self._post(poster, secrets, entry.id, message)
                    told = self._after(told, entry, fault)
                    if message is None and entry is not page[-1]:
                        continue  # of what nobody is told, only the end of a page is kept
                    if not self.deliveries.move(kept, told):
                        return taken  # another process does it
                    kept = told
                    if told.failures:
                        return taken
                    taken += message is not None and not fault
                    if time.monotonic() >= end:
                        return taken
        return taken

    def _message(self, entry: Entry) -> bytes | None:
        made = announcement(entry.body, self.reader.decision)
        if made is None or made["type"] not in self.types:
            return None
        return json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode()

    def _post(self, poster: Poster, secrets: Sequence[bytes], id_: str, body: bytes) -> str:
        """Return what went wrong, a refused status as its digits; empty where it was taken."""
        at = int(self.clock().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": str(at),
            "webhook-signature": signatures(secrets, id_, at, body),
        }
        answer = poster.post(body, headers)
        return "" if answer in TAKEN else str(answer)

    def _after(self, told: Told, entry: Entry, fault: str) -> Told:
        """Return the place behind an entry, or in front of it and a time where it is to be told again."""
        if not fault:
            return Told(told.receiver, entry.position + 1)
        at, tries = self.clock(), told.failures + 1
        since = told.failing_since or at
        if tries >= LEAST_TRIES and fault in FOR_GOOD:
            log.error("the webhook refused %s for good (%s): it is left out; the ledger has it", entry.id, fault)
            return Told(told.receiver, entry.position + 1)
        if tries >= LEAST_TRIES and at - entry.at >= self.give_up:
            log.error("the webhook took nothing since %s: %s is left out, too old (%s)", since, entry.id, fault)
            return Told(told.receiver, entry.position + 1, failing_since=since)
        wait = min(FIRST_WAIT * 2 ** min(told.failures, 20), LONGEST_WAIT)
        log.warning("the webhook did not take %s (%s): again in %s", entry.id, fault, wait)
        return Told(told.receiver, entry.position, tries, since, at + wait)


def webhook_of(house: House) -> Webhook | None:
    """Return who is told what this house records; None where the settings name nobody.

    Raises:
        WebhookError: the settings cannot be meant.
    """
    settings = house.settings
    if not settings.webhook_url:
        return None
    file = settings.webhook_secret_file
    if file is None:
        raise WebhookError("FRAMEGATE_WEBHOOK_URL needs FRAMEGATE_WEBHOOK_SECRET_FILE (`framegate webhook secret`)")
    try:
        url, types = usable_url(settings.webhook_url), usable_types(settings.webhook_events)
    except ValueError as error:
        raise WebhookError(str(error)) from None
    read_secrets(file)
    give_up = timedelta(days=settings.webhook_days)
    return Webhook(url, lambda: read_secrets(file), types, house.ledger, Deliveries(house.engine), now, give_up)
