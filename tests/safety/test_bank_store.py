"""Banks count at once in every process, end when they should, and every change of them is on record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from media.fingerprint import Fingerprint
from media.known_frames import KnownFrame
from safety.audit import verify
from safety.banks import NewItem
from safety.database import reading
from safety.errors import Conflict, InvalidContent, LedgerError, NotFound
from safety.known_banks import KnownBanks
from safety.ledger import Ledger
from safety.lookup.banks import KINDS, BankStore
from safety.records import decode
from safety.tables import bank_items
from tests.safety.making import NOON

HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
OTHER = "0f" * 32
ITEM = NewItem("ticket 7", (KnownFrame(HASH),))
CATEGORIES = ("violence", "extremism", "evasion")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(ledger: Ledger, clock: Clock) -> BankStore:
    return BankStore(ledger.engine, ledger.append_event, lambda: CATEGORIES, clock)


def made(store: BankStore, id_: str = "shared", until: datetime | None = None, category: str = "extremism") -> str:
    return store.create(id_, category=category, owner="GIFCT", reason="programme", until=until, actor="root").id


def seen(store: BankStore, clock: Clock, hash_hex: str = HASH) -> list[tuple[str, str]]:
    places = KnownBanks(store, clock).find([(1.0, Fingerprint(hash_hex, 90))])
    return [(place.signal, place.detail) for place in places]


def events(ledger: Ledger) -> list[tuple[str, dict]]:
    told = ((entry.kind, decode(entry.body)[1]) for entry in ledger.entries())
    return [each for each in told if each[0] in KINDS]


def test_what_is_banked_is_found_under_its_category_by_indexes_opened_before(store: BankStore, clock: Clock) -> None:
    banks = KnownBanks(store, clock)
    assert banks.size() == (0, 0)
    made(store)
    (item,) = store.add("shared", [ITEM], actor="root")

    (place,) = banks.find([(1.0, Fingerprint(HASH, 90))])

    assert banks.size() == (1, 1)
    assert (place.signal, place.value) == ("video.known_content.extremism", 1.0)
    assert place.detail == f"bank:shared/{item}"
    assert banks.find([(1.0, Fingerprint(OTHER, 90))]) == []


def test_removed_items_and_banks_are_forgotten_and_their_hashes_erased(
    store: BankStore, clock: Clock, engine: Engine
) -> None:
    banks = KnownBanks(store, clock)
    made(store)
    made(store, "second", category="violence")
    (item,) = store.add("shared", [ITEM], actor="root")
    store.add("second", [ITEM], actor="root")
    assert len(banks.find([(1.0, Fingerprint(HASH, 90))])) == 2

    for _ in range(2):
        store.remove_item("shared", item, reason="mistake", actor="root")
    assert [each.signal for each in banks.find([(1.0, Fingerprint(HASH, 90))])] == ["video.known_content.violence"]
    for _ in range(2):
        store.remove("second", reason="the programme ended", actor="root")

    assert banks.find([(1.0, Fingerprint(HASH, 90))]) == []
    assert banks.size() == (1, 0)
    assert [bank.id for bank in store.banks()] == ["shared"]
    assert {bank.id for bank in store.banks(removed=True)} == {"shared", "second"}
    with reading(engine) as connection:
        assert set(connection.execute(select(bank_items.c.frames)).scalars()) == {b""}


def test_a_removed_item_may_be_banked_again(store: BankStore, clock: Clock) -> None:
    made(store)
    (item,) = store.add("shared", [ITEM], actor="root")
    assert store.add("shared", [ITEM, ITEM], actor="root") == []
    store.remove_item("shared", item, reason="mistake", actor="root")
    (again,) = store.add("shared", [ITEM], actor="root")

    assert again != item
    assert [detail for _, detail in seen(store, clock)] == [f"bank:shared/{again}"]


def test_a_bank_answers_nothing_once_its_time_is_over(store: BankStore, clock: Clock) -> None:
    made(store, until=NOON + timedelta(days=1))
    store.add("shared", [ITEM], actor="root")
    assert seen(store, clock)

    clock.now = NOON + timedelta(days=1)

    assert seen(store, clock) == []
    assert KnownBanks(store, clock).size() == (0, 0)
    assert [bank.items for bank in store.banks()] == [1], "it is still there, to be looked at and exported"


def test_every_change_is_in_the_ledger_and_no_hash_is(store: BankStore, ledger: Ledger, engine: Engine) -> None:
    made(store)
    (item,) = store.add("shared", [ITEM], actor="eve")
    store.remove_item("shared", item, reason="a mistake", actor="eve")
    store.remove("shared", reason="over", actor="root")

    told = events(ledger)

    assert tuple(kind for kind, _ in told) == KINDS
    assert told[0][1] | {"at": 0} == {
        "id": "bank_created_shared", "at": 0, "bank": "shared", "category": "extremism", "owner": "GIFCT",
        "reason": "programme", "until": None, "actor": "root",
    }  # fmt: skip
    assert (told[1][1]["items"], told[1][1]["actor"]) == (1, "eve")
    assert (told[2][1]["item"], told[2][1]["reason"]) == (item, "a mistake")
    assert HASH not in json.dumps(told)
    assert verify(engine, ledger.public_key).ok


def test_what_cannot_be_recorded_is_looked_for_all_the_same_and_never_forgotten(ledger: Ledger, clock: Clock) -> None:
    def broken(kind: str, id_: str, body: object) -> object:
        if kind == "bank_created":
            return None
        raise LedgerError("the disk is full")

    store = BankStore(ledger.engine, broken, lambda: CATEGORIES, clock)
    made(store)

    with pytest.raises(LedgerError):
        store.add("shared", [ITEM], actor="root")
    (item,) = store.items("shared")
    with pytest.raises(LedgerError):
        store.remove_item("shared", item.id, reason="why", actor="root")
    with pytest.raises(LedgerError):
        store.remove("shared", reason="why", actor="root")
    assert seen(store, clock)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"id_": "Upper"}, InvalidContent),
        ({"id_": "x"}, InvalidContent),
        ({"category": "weather"}, InvalidContent),
        ({"category": "evasion"}, InvalidContent),
        ({"owner": " "}, InvalidContent),
        ({"reason": "two\nlines"}, InvalidContent),
        ({"until": NOON}, Conflict),
        ({"until": datetime(2999, 1, 1)}, Conflict),
    ],
)
def test_a_bank_says_whose_it_is_and_why(store: BankStore, changes: dict, error: type[Exception]) -> None:
    given = {"id_": "shared", "category": "violence", "owner": "us", "reason": "why", "until": None, "actor": "root"}

    with pytest.raises(error):
        store.create(**given | changes)
    assert store.banks(removed=True) == []


def test_an_id_is_used_once_for_good_and_strangers_are_not_found(store: BankStore) -> None:
    made(store)
    with pytest.raises(Conflict):
        made(store)
    store.remove("shared", reason="over", actor="root")
    with pytest.raises(Conflict):
        made(store)
    for act in (
        lambda: store.add("shared", [ITEM], actor="root"),
        lambda: store.remove("none", reason="why", actor="root"),
        lambda: store.remove_item("shared", "known_0", reason="why", actor="root"),
        lambda: next(store.items("none")),
        lambda: store.bank("none"),
    ):
        with pytest.raises(NotFound):
            act()
