"""Keeps banks of known content: hashes in working tables that can be erased, each change an event in the ledger.

What is added counts from then on, even where recording it fails; what is taken away is recorded first. The ledger
keeps who, why, how many and a digest; hashes are erased when an item or its bank is removed. Which hashes a video
matches is `media.known_frames`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, insert, literal, select, update

from safety.banks import NOT_BANKED, Bank, BankItem, NewItem, digest_of, digest_of_all, pack, unpack, usable_bank_id
from safety.database import reading, utc_now, writing
from safety.errors import Conflict, InvalidContent, NotFound
from safety.records import time_to_text
from safety.tables import bank_items, bank_revision, banks

KINDS = ("bank_created", "bank_items_added", "bank_item_removed", "bank_removed")
"""Kinds of the ledger's events."""

MAX_WORDS = 500
"""Characters of an owner, a reason or a source."""

PAGE = 1000

Append = Callable[[str, str, Mapping[str, Any]], object]
"""`Ledger.append_event`: kind, id and body of an event."""

Change = tuple[int, str, str, bytes]
"""Revision, id of the item, its bank, its packed frames; no frames: it was removed."""


class BankStore:
    """Makes banks, fills, lists and empties them; safe to use from several threads and processes."""

    def __init__(
        self,
        engine: Engine,
        append: Append,
        categories: Callable[[], Collection[str]],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Keep banks in this database, of these categories, and record each change with `append`."""
        self._engine = engine
        self._append = append
        self._categories = categories
        self._clock = clock

    def create(self, id_: str, *, category: str, owner: str, reason: str, until: datetime | None, actor: str) -> Bank:
        """Make an empty bank and record it.

        Raises:
            InvalidContent: an id or a word that cannot be used, or a category that the policy does not have.
            Conflict: the id is taken, now or formerly, or `until` is not in the future.
            LedgerError: it is made, and that could not be recorded.
        """
        now = self._clock()
        known = sorted(set(self._categories()) - NOT_BANKED)
        if not usable_bank_id(id_):
            raise InvalidContent("the id of a bank has 2 to 63 lower-case letters, digits, - and _")
        if category not in known:
            raise InvalidContent(f"the policy has no category of that name to bank: it has {', '.join(known)}")
        for what, words in (("owner", owner), ("reason", reason)):
            if not words.strip() or len(words) > MAX_WORDS or not words.isprintable():
                raise InvalidContent(f"a bank needs an {what} in 1 to {MAX_WORDS} printable characters")
        if until is not None and (until.tzinfo is None or until <= now):
            raise Conflict("a bank ends at a time in the future, with its time zone")
        bank = Bank(id_, category, owner.strip(), reason.strip(), until, now)
        with writing(self._engine) as connection:
            if connection.execute(select(banks.c.id).where(banks.c.id == id_)).one_or_none() is not None:
                raise Conflict(f"there is or was a bank {id_}: choose another id, so that the record stays clear")
            values = {"id": id_, "category": category, "owner": bank.owner, "reason": bank.reason, "until": until}
            connection.execute(insert(banks), {**values, "created_at": now})
        self._append("bank_created", f"bank_created_{id_}", {
            "bank": id_, "category": category, "owner": bank.owner, "reason": bank.reason,
            "until": None if until is None else time_to_text(until), "actor": actor,
        })  # fmt: skip
        return bank

    def add(self, bank: str, items: Sequence[NewItem], *, actor: str) -> list[str]:
        """Look for these items from now on, record that, and return the ids of those that were not there yet.

        Raises:
            NotFound: there is no such bank.
            InvalidContent: a source that cannot be used.
            LedgerError: they are looked for, and that could not be recorded.
        """
        for item in items:
            if len(item.source) > MAX_WORDS or not item.source.isprintable():
                raise InvalidContent(f"what a source is called has at most {MAX_WORDS} printable characters")
        now = self._clock()
        fresh = {digest_of(item.frames): item for item in items if item.frames}
        with writing(self._engine) as connection:
            self._living(connection, bank)
            held = select(bank_items.c.digest).where(bank_items.c.bank == bank, bank_items.c.removed_at.is_(None))
            for (digest,) in connection.execute(held):
                fresh.pop(digest, None)
            if not fresh:
                return []
            revision = _next_revision(connection)
            ids = {digest: f"known_{secrets.token_hex(8)}" for digest in fresh}
            rows = [
                {"id": ids[digest], "bank": bank, "source": item.source, "digest": digest}
                | {"frames": pack(item.frames), "created_at": now, "revision": revision}
                for digest, item in fresh.items()
            ]
            connection.execute(insert(bank_items), rows)
        self._append("bank_items_added", f"bank_items_added_{bank}_{revision}", {
            "bank": bank, "items": len(rows), "digest": digest_of_all(fresh), "actor": actor,
        })  # fmt: skip
        return list(ids.values())

    def remove_item(self, bank: str, item: str, *, reason: str, actor: str) -> None:
        """Record that an item is looked for no more, then erase its hashes. Repeating keeps the first time.

        Raises:
            NotFound: the bank has no such item.
            LedgerError: it could not be recorded; it is still looked for.
        """
        mine = (bank_items.c.id == item) & (bank_items.c.bank == bank)
        with reading(self._engine) as connection:
            row = connection.execute(select(bank_items.c.digest).where(mine)).one_or_none()
        if row is None:
            raise NotFound(f"bank {bank} has no item {item}")
        self._append("bank_item_removed", f"bank_item_removed_{item}", {
            "bank": bank, "item": item, "digest": f"sha256:{row.digest}", "reason": _reason(reason), "actor": actor,
        })  # fmt: skip
        with writing(self._engine) as connection:
            self._erase(connection, mine)

    def remove(self, bank: str, *, reason: str, actor: str) -> None:
        """Record that a bank is looked for no more, then erase its hashes. Repeating keeps the first time.

        Raises:
            NotFound: there is no such bank.
            LedgerError: it could not be recorded; it is still looked for.
        """
        with reading(self._engine) as connection:
            if connection.execute(select(banks.c.id).where(banks.c.id == bank)).one_or_none() is None:
                raise NotFound(f"there is no bank {bank}")
        self._append("bank_removed", f"bank_removed_{bank}", {"bank": bank, "reason": _reason(reason), "actor": actor})
        with writing(self._engine) as connection:
            living = (banks.c.id == bank) & banks.c.removed_at.is_(None)
            connection.execute(update(banks).where(living).values(removed_at=self._clock()))
            self._erase(connection, bank_items.c.bank == bank)

    def banks(self, *, removed: bool = False) -> list[Bank]:
        """Return the banks that were not removed, oldest first, with how many items they have; or all of them."""
        living = (bank_items.c.bank == banks.c.id) & bank_items.c.removed_at.is_(None)
        count = select(func.count()).select_from(bank_items).where(living).scalar_subquery().label("items")
        query = select(banks, count).order_by(banks.c.created_at, banks.c.id)
        with reading(self._engine) as connection:
            rows = connection.execute(query if removed else query.where(banks.c.removed_at.is_(None))).all()
        return [_bank(row) for row in rows]

    def known(self) -> list[Bank]:
        """Return the banks that were not removed, without counting their items: for every window of a video."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(banks, literal(0).label("items")).where(banks.c.removed_at.is_(None)))
            return [_bank(row) for row in rows]

    def bank(self, id_: str) -> Bank:
        """Return one bank that was not removed.

        Raises:
            NotFound: there is no such bank.
        """
        found = next((each for each in self.known() if each.id == id_), None)
        if found is None:
            raise NotFound(f"there is no bank {id_}")
        return found

    def items(self, bank: str) -> Iterator[BankItem]:
        """Yield the items of a bank, ordered by id.

        Raises:
            NotFound: there is no such bank.
        """
        self.bank(bank)
        last = ""
        query = select(bank_items).where(bank_items.c.bank == bank, bank_items.c.removed_at.is_(None))
        while True:
            with reading(self._engine) as connection:
                page = connection.execute(query.where(bank_items.c.id > last).order_by(bank_items.c.id).limit(PAGE))
                rows = page.all()
            for row in rows:
                yield BankItem(row.id, row.bank, row.source, unpack(row.frames), row.created_at)
            if not rows:
                return
            last = rows[-1].id

    def changes(self, after: int) -> Iterator[Change]:
        """Yield what changed after a revision, in the order it did: for an index that is kept up to date."""
        query = select(bank_items.c.revision, bank_items.c.id, bank_items.c.bank, bank_items.c.frames)
        with reading(self._engine) as connection:
            newest = connection.execute(select(bank_revision.c.value)).scalar() or 0
            if newest <= after:
                return
            found = connection.execute(query.where(bank_items.c.revision > after).order_by(bank_items.c.revision)).all()
        for row in found:
            yield row.revision, row.id, row.bank, row.frames

    def _living(self, connection: Connection, bank: str) -> None:
        query = select(banks.c.id).where(banks.c.id == bank, banks.c.removed_at.is_(None))
        if connection.execute(query).one_or_none() is None:
            raise NotFound(f"there is no bank {bank}: make it first (`framegate bank create`)")

    def _erase(self, connection: Connection, condition: ColumnElement[bool]) -> None:
        living = condition & bank_items.c.removed_at.is_(None)
        values = {"removed_at": self._clock(), "frames": b"", "revision": _next_revision(connection)}
        connection.execute(update(bank_items).where(living).values(values))


def _next_revision(connection: Connection) -> int:
    """Count a change. The row stays locked until the transaction ends, so revisions commit in their order."""
    if connection.execute(update(bank_revision).values(value=bank_revision.c.value + 1)).rowcount == 0:
        connection.execute(insert(bank_revision), {"id": 1, "value": 1})
    return int(connection.execute(select(bank_revision.c.value)).scalar_one())


def _bank(row: Row[Any]) -> Bank:
    return Bank(row.id, row.category, row.owner, row.reason, row.until, row.created_at, row.removed_at, row.items)


def _reason(reason: str) -> str:
    if not reason.strip() or len(reason) > MAX_WORDS or not reason.isprintable():
        raise InvalidContent(f"say why in 1 to {MAX_WORDS} printable characters: it is kept for good")
    return reason.strip()
