"""Known persons are sealed at rest, looked for at once, recorded without a name, and erased when they are removed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sqlalchemy import Engine, select

from classifiers.registered_names import first_word
from safety.audit import verify
from safety.database import reading
from safety.errors import GalleryLocked, InvalidContent, LedgerError, NotFound
from safety.ledger import Ledger
from safety.lookup.consents import digest_of
from safety.lookup.people import KINDS, MAX_PHOTOS, PersonStore
from safety.people import GalleryKey, Person
from safety.records import decode
from safety.tables import persons
from tests.safety.making import NOON

NAME = "Orla Quarnivek"
FACE = np.linspace(-1, 1, 384, dtype=np.float32).reshape(3, 128)


class Keys:
    """Makes a key for an empty gallery, as the house does; may be lost or exchanged."""

    def __init__(self) -> None:
        self.key: GalleryKey | None = None

    def __call__(self, in_use: bool) -> GalleryKey:
        if self.key is None and in_use:
            raise GalleryLocked("the key is missing")
        self.key = self.key or GalleryKey(b"a" * 32)
        return self.key


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def store(ledger: Ledger, keys: Keys) -> PersonStore:
    return PersonStore(ledger.engine, ledger.append_event, keys, first_word, lambda: NOON)


def events(ledger: Ledger) -> list[tuple[str, dict[str, object]]]:
    return [(entry.kind, decode(entry.body)[1]) for entry in ledger.entries(0)]


def test_who_is_enrolled_is_listed_and_opened(store: PersonStore) -> None:
    enrolled = store.enrol([NAME, " Orla  Q "], FACE, "net", actor="root")

    assert enrolled == Person(enrolled.id, (NAME, "Orla Q"), 3, NOON)
    assert store.people() == [enrolled]
    assert store.living() == {enrolled.id}
    (opened,) = store.opened([enrolled.id, "per_none"])
    assert (opened.names, opened.recogniser) == (enrolled.names, "net")
    np.testing.assert_array_equal(opened.descriptors, FACE)


def test_the_database_holds_neither_the_name_nor_the_face(store: PersonStore, engine: Engine) -> None:
    store.enrol([NAME], FACE, "net", actor="root")

    with reading(engine) as connection:
        row = repr(tuple(connection.execute(select(persons)).one())).encode()
        sealed = bytes(connection.execute(select(persons.c.sealed)).scalar_one())
    assert b"Orla" not in row
    assert FACE.tobytes()[:32] not in sealed


def test_a_removed_person_is_erased_and_can_be_removed_again_without_a_key(
    store: PersonStore, keys: Keys, engine: Engine
) -> None:
    gone, stays = (store.enrol([name], FACE, "net", actor="root") for name in (NAME, "Bela Otherone"))
    keys.key = None

    store.remove(gone.id, actor="root")
    store.remove(gone.id, actor="root")

    with reading(engine) as connection:
        row = connection.execute(select(persons).where(persons.c.id == gone.id)).one()
    assert (bytes(row.sealed), row.salt, row.removed_at) == (b"", "", NOON)
    assert store.living() == {stays.id}
    keys.key = GalleryKey(b"a" * 32)
    assert store.people() == [stays]
    assert store.people(removed=True) == [Person(gone.id, (), 3, NOON, NOON), stays] or store.people(removed=True) == [
        stays,
        Person(gone.id, (), 3, NOON, NOON),
    ]
    assert store.opened([gone.id]) == []


def test_every_change_is_recorded_without_the_name(store: PersonStore, ledger: Ledger) -> None:
    enrolled = store.enrol([NAME], FACE, "net", actor="root")
    with reading(ledger.engine) as connection:
        salt = connection.execute(select(persons.c.salt)).scalar_one()
    store.remove(enrolled.id, actor="key_ada")

    told = events(ledger)
    assert tuple(kind for kind, _ in told) == KINDS
    made, gone = ({name: value for name, value in body.items() if name not in ("id", "at")} for _, body in told)
    assert made == {"person": enrolled.id, "actor": "root", "photos": 3, "names": digest_of(salt, [NAME])}
    assert gone == {"person": enrolled.id, "actor": "key_ada"}
    assert "Orla" not in json.dumps(told)
    assert verify(ledger.engine, ledger.public_key).ok


def test_nobody_is_sealed_with_a_second_key(store: PersonStore, keys: Keys) -> None:
    first = store.enrol([NAME], FACE, "net", actor="root")
    keys.key = GalleryKey(b"b" * 32)

    with pytest.raises(GalleryLocked, match="is sealed with the key"):
        store.enrol(["Bela Otherone"], FACE, "net", actor="root")
    assert store.living() == {first.id}
    with pytest.raises(GalleryLocked):
        store.people()


def test_a_lost_key_is_no_empty_gallery(store: PersonStore, keys: Keys) -> None:
    store.enrol([NAME], FACE, "net", actor="root")
    keys.key = None

    with pytest.raises(GalleryLocked, match="missing"):
        store.opened(store.living())
    with pytest.raises(GalleryLocked, match="missing"):
        store.enrol(["Bela Otherone"], FACE, "net", actor="root")


@pytest.mark.parametrize(
    ("names", "photos", "why"),
    [([], 3, "1 to 50 names"), (["!"], 3, "name 1 cannot be looked for"), ([NAME], 0, "1 to 20 photos"),
     ([NAME], MAX_PHOTOS + 1, "these are 21")],
)  # fmt: skip
def test_what_cannot_be_enrolled_is_refused(store: PersonStore, names: list[str], photos: int, why: str) -> None:
    with pytest.raises(InvalidContent, match=why):
        store.enrol(names, np.zeros((photos, 128), np.float32), "net", actor="root")
    assert store.living() == frozenset()


def test_nobody_is_removed_who_was_never_enrolled(store: PersonStore) -> None:
    with pytest.raises(NotFound, match="per_none"):
        store.remove("per_none", actor="root")


def test_a_person_is_looked_for_even_where_recording_fails_and_stays_where_the_removal_does(
    engine: Engine, keys: Keys
) -> None:
    def fails(*_: object) -> object:
        raise LedgerError("full")

    store = PersonStore(engine, fails, keys, first_word)

    with pytest.raises(LedgerError):
        store.enrol([NAME], FACE, "net", actor="root")
    (id_,) = store.living()
    with pytest.raises(LedgerError):
        store.remove(id_, actor="root")
    assert store.living() == {id_}
