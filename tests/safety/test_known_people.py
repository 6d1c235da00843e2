"""A name binds a person to the registry of consents: exactly this person is excused, whoever opted out never is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import MeasurementError, Score, TimeSpan
from classifiers.registered_names import first_word
from safety.domain import Measurement, Unmeasured
from safety.errors import GalleryLocked
from safety.known_people import (
    CONSENTED,
    KNOWN,
    OPTED_OUT,
    PERSON_SIGNALS,
    KnownPeople,
    apply_consents,
    nobody_known,
)
from safety.ledger import Ledger
from safety.lookup import LikenessRegistry, PersonStore
from safety.people import GalleryKey
from tests.safety.making import NOON

ADA, TWIN = "Ada Quarnivek", "Ada Quarnivek Bell"
FACE = np.ones((2, 128), np.float32)


def fold(name: str) -> tuple[str, ...]:
    return tuple(name.casefold().split())


@dataclass
class House:
    """Registry and gallery on one database, with a clock."""

    ledger: Ledger
    now: list = field(default_factory=lambda: [NOON])
    key: GalleryKey | None = field(default_factory=lambda: GalleryKey(b"a" * 32))

    def __post_init__(self) -> None:
        def key(_: bool) -> GalleryKey:
            if self.key is None:
                raise GalleryLocked("the key is missing")
            return self.key

        clock = lambda: self.now[0]  # noqa: E731
        self.registry = LikenessRegistry(self.ledger.engine, self.ledger.append_event, first_word, clock)
        self.store = PersonStore(self.ledger.engine, self.ledger.append_event, key, first_word, clock)
        self.people = self.opened()

    def opened(self, recogniser: str = "net") -> KnownPeople:
        return KnownPeople(self.store, self.registry, fold, recogniser)

    def enrol(self, name: str, recogniser: str = "net") -> str:
        id_ = self.store.enrol([name], FACE, recogniser, actor="root").id
        self.people.enrolled()
        return id_


@pytest.fixture
def house(ledger: Ledger) -> House:
    return House(ledger)


def test_everybody_enrolled_is_looked_for_at_once_and_no_longer_than_that(house: House) -> None:
    assert house.people.enrolled()[0] == ()
    ada, bela = house.enrol(ADA), house.enrol("Bela")
    ids, rows = house.people.enrolled()
    assert (sorted(set(ids)), len(ids), rows.shape) == (sorted([ada, bela]), 4, (4, 128))

    house.store.remove(ada, actor="root")
    assert set(house.people.enrolled()[0]) == {bela}
    house.store.remove(bela, actor="root")
    assert house.people.enrolled()[0] == ()


def test_a_consent_counts_for_its_requester_its_time_and_exactly_its_person(house: House) -> None:
    ada, twin = house.enrol(ADA), house.enrol(TWIN)
    assert house.people.consented({ada, twin}, "key_ada") == frozenset()

    granted = house.registry.grant(["ada  QUARNIVEK"], "key_ada", until=NOON + timedelta(days=1), actor="root")

    assert house.people.consented({ada, twin}, "key_ada") == {ada}
    assert house.people.consented({ada, twin}, "key_bob") == frozenset()
    assert house.people.consented({granted.id}, "key_ada") == {granted.id}, "registrations of texts still count"
    house.now[0] = NOON + timedelta(days=1)
    assert house.people.consented({ada, twin}, "key_ada") == frozenset()


def test_an_opt_out_counts_for_everybody_whose_name_holds_it(house: House) -> None:
    ada, twin, other = house.enrol(ADA), house.enrol(TWIN), house.enrol("Ada Bell")

    added = house.registry.opt_out([ADA], actor="root")

    assert house.people.opted_out({ada, twin, other, added.id}) == {ada, twin, added.id}
    house.registry.remove_opt_out(added.id, actor="root")
    assert house.people.opted_out({ada, twin, other}) == frozenset()


def test_a_locked_gallery_and_one_of_another_network_are_unmeasured_not_empty(house: House) -> None:
    house.enrol(ADA)
    house.key = GalleryKey(b"b" * 32)
    with pytest.raises(MeasurementError, match=r"cannot be looked for: per_.* is sealed with the key"):
        house.opened().enrolled()
    house.key = None
    with pytest.raises(MeasurementError, match="the key is missing"):
        house.opened().enrolled()
    house.key = GalleryKey(b"a" * 32)
    with pytest.raises(MeasurementError, match="1 persons were enrolled with another network, per_"):
        house.opened("net 2").enrolled()


@dataclass(frozen=True)
class Registry:
    out: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()

    def opted_out(self, ids: Collection[str]) -> frozenset[str]:
        return self.out & frozenset(ids)

    def consented(self, ids: Collection[str], requester: str) -> frozenset[str]:
        return self.may & frozenset(ids) if requester == "key_ada" else frozenset()


def seen(*people: tuple[str, float]) -> Measurement:
    scores = [Score(KNOWN, value, TimeSpan(1.0, 2.0), f"person:{id_}" if id_ else "persons:3") for id_, value in people]
    return Measurement((Score("frame.nudity", 0.2), *scores))


def strongest(measurement: Measurement, signal: str) -> float | None:
    return max((score.value for score in measurement.scores if score.signal == signal), default=None)


def test_who_consented_is_recorded_and_no_longer_known() -> None:
    told = apply_consents(seen(("per_1", 0.95), ("per_2", 0.4)), "key_ada", Registry(may=frozenset({"per_1"})))

    assert strongest(told, CONSENTED) == 0.95
    assert strongest(told, KNOWN) == 0.4
    assert strongest(told, OPTED_OUT) == 0.0
    (score,) = [score for score in told.scores if score.signal == CONSENTED]
    assert (score.detail, score.span) == ("person:per_1", TimeSpan(1.0, 2.0))


@pytest.mark.parametrize("requester", ["key_bob", ""])
def test_nobody_elses_consent_counts(requester: str) -> None:
    told = apply_consents(seen(("per_1", 0.95)), requester, Registry(may=frozenset({"per_1"})))

    assert (strongest(told, KNOWN), strongest(told, CONSENTED)) == (0.95, 0.0)


def test_an_opt_out_is_stronger_than_a_consent() -> None:
    both = frozenset({"per_1"})
    told = apply_consents(seen(("per_1", 0.95)), "key_ada", Registry(out=both, may=both))

    assert (strongest(told, KNOWN), strongest(told, OPTED_OUT), strongest(told, CONSENTED)) == (0.95, 0.95, 0.0)


def test_nobody_seen_is_said_as_nobody_opted_out_and_nobody_excused() -> None:
    told = nobody_known(seen(("", 0.0)))

    assert {signal: strongest(told, signal) for signal in (KNOWN, *PERSON_SIGNALS)} == dict.fromkeys(
        (KNOWN, *PERSON_SIGNALS), 0.0
    )


@pytest.mark.parametrize(
    "measurement",
    [
        Measurement((Score("frame.nudity", 0.2),)),
        Measurement((Score(KNOWN, 0.0),), unmeasured=(Unmeasured(KNOWN, "locked"),)),
    ],
)
def test_where_nobody_looked_for_persons_all_of_it_stays_unmeasured(measurement: Measurement) -> None:
    assert apply_consents(measurement, "key_ada", Registry()) == measurement == nobody_known(measurement)


people = st.sampled_from(["per_1", "per_2", "per_3"])


@given(
    st.lists(st.tuples(people, st.floats(0, 1)), max_size=6),
    st.frozensets(people),
    st.frozensets(people),
    st.sampled_from(["key_ada", "key_bob", ""]),
)
def test_a_registry_only_ever_excuses_who_consented_and_did_not_opt_out(
    found: Iterable[tuple[str, float]], out: frozenset[str], may: frozenset[str], requester: str
) -> None:
    before = seen(*found)
    told = apply_consents(before, requester, Registry(out, may))

    assert apply_consents(told, requester, Registry(out, may)) == told
    excused = (may - out) if requester == "key_ada" else frozenset()
    for id_, value in found:
        kept = [s.value for s in told.scores if s.signal == KNOWN and s.detail == f"person:{id_}"]
        assert (value in kept) == (id_ not in excused)
        refused = [s.value for s in told.scores if s.signal == OPTED_OUT and s.detail == f"person:{id_}"]
        assert (value in refused) == (id_ in out)
    if found:
        assert all(strongest(told, signal) is not None for signal in (KNOWN, *PERSON_SIGNALS))
    assert told.scores[0] == before.scores[0]
