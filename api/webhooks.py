"""Tells another system what the ledger records: signed messages, in its order, each until it is taken or too old.

    ledger ─▶ place of the receiver ─▶ message ─▶ POST, signed ─▶ 2xx: the place moves on
                                                          └─▶ else: again later, in the same place

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

import httpx

from api.errors import WebhookError
from api.wiring import House, now
from safety.announcements import TYPES, announcement
from safety.lookup.deliveries import Deliveries, Told
from safety.lookup.record import Entry, LedgerReader

log = logging.getLogger(__name__)

SECRET_BYTES = 24
"""Least bytes of a secret, as Standard Webhooks asks."""

PREFIX = "whsec_"
ANSWER_WITHIN_S = 5.0
TURN_S = 10.0
"""Longest turn: other chores wait meanwhile."""

PAGE = 100
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
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
    """After failing for so long a message is left out, which is told to the log."""

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
        with httpx.Client(timeout=ANSWER_WITHIN_S, follow_redirects=False) as client:
            while time.monotonic() < end and (page := self.reader.entries(told.position, PAGE)):
                for entry in page:
                    message = self._message(entry)
                    fault = "" if message is None else self._post(client, secrets, entry.id, message)
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

    def _post(self, client: httpx.Client, secrets: Sequence[bytes], id_: str, body: bytes) -> str:
        """Return what went wrong; empty where it was taken."""
        at = int(self.clock().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": str(at),
            "webhook-signature": signatures(secrets, id_, at, body),
        }
        try:
            answer = client.post(self.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__
        return "" if answer.is_success else f"HTTP {answer.status_code}"

    def _after(self, told: Told, entry: Entry, fault: str) -> Told:
        """Return the place behind an entry, or in front of it and a time where it is to be told again."""
        if not fault:
            return Told(told.receiver, entry.position + 1)
        at = self.clock()
        since = told.failing_since or at
        if at - since >= self.give_up:
            log.error("the webhook was not told about %s for %s and leaves it out (%s)", entry.id, at - since, fault)
            return Told(told.receiver, entry.position + 1)
        wait = min(FIRST_WAIT * 2 ** min(told.failures, 20), LONGEST_WAIT)
        log.warning("the webhook did not take %s (%s): again in %s", entry.id, fault, wait)
        return Told(told.receiver, entry.position, told.failures + 1, since, at + wait)


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
