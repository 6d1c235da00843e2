"""Registrations take effect at once, end at once, are recorded without a name, and are erased when they end."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from classifiers.registered_names import RegisteredNames, first_word
from safety.audit import verify
from safety.consent import Consent
from safety.database import reading
from safety.errors import Conflict, InvalidContent, LedgerError, NotFound
from safety.ledger import Ledger
from safety.lookup.consents import KINDS, LikenessRegistry, digest_of
from safety.records import decode
from safety.tables import consents, likeness_names, opt_outs
from tests.safety.making import NOON

PERSON = "Orla Quarnivek"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(ledger: Ledger, clock: Clock) -> LikenessRegistry:
    return LikenessRegistry(ledger.engine, ledger.append_event, first_word, clock)


def places(registry: LikenessRegistry, text: str) -> list[str]:
    return [score.detail for score in RegisteredNames(registry.directory).score(text) if score.value]


def events(ledger: Ledger) -> list[tuple[str, dict[str, object]]]:
    return [(entry.kind, decode(entry.body)[1]) for entry in ledger.entries(0)]


def test_a_consent_counts_for_its_requester_until_its_time(registry: LikenessRegistry, clock: Clock) -> None:
    granted = registry.grant([PERSON], "key_ada", until=NOON + timedelta(days=1), actor="root")

    assert registry.consented({granted.id}, "key_ada") == {granted.id}
    assert registry.consented({granted.id}, "key_bob") == frozenset()
    clock.now = NOON + timedelta(days=1)
    assert registry.consented({granted.id}, "key_ada") == frozenset()
    assert not granted.in_force(clock.now)


def test_a_revoked_consent_counts_no_more_and_its_names_are_erased(registry: LikenessRegistry, engine: Engine) -> None:
    granted = registry.grant([PERSON, "Orla Q"], "key_ada", until=None, actor="root")
    registry.revoke(granted.id, actor="root")
    registry.revoke(granted.id, actor="root")

    assert registry.consented({granted.id}, "key_ada") == frozenset()
    assert registry.consents() == []
    assert registry.consents(ended=True) == [Consent(granted.id, (), "key_ada", None, NOON, NOON)]
    with reading(engine) as connection:
        assert connection.execute(select(likeness_names)).all() == []
        assert connection.execute(select(consents.c.salt)).scalar_one() == ""


def test_an_opt_out_is_found_however_it_is_spelled_and_ends_when_removed(registry: LikenessRegistry) -> None:
    added = registry.opt_out([PERSON, "奥拉卡"], actor="root")

    for text in ("ORLA QUARNIVEK sings", "Orla Qua\u200brnivek sings", "Órla-Quarnivék sings", "奥拉卡在唱歌"):
        assert places(registry, text) == [f"registered:{added.id}"]
    assert places(registry, "Orla sings") == []
    assert registry.opted_out({added.id, "out_other"}) == {added.id}

    registry.remove_opt_out(added.id, actor="root")

    assert places(registry, f"{PERSON} sings") == []
    assert (registry.opted_out({added.id}), registry.opt_outs()) == (frozenset(), [])


def test_every_change_is_in_the_ledger_and_no_name_is(
    registry: LikenessRegistry, ledger: Ledger, engine: Engine
) -> None:
    granted = registry.grant([PERSON], "key_ada", until=NOON + timedelta(days=1), actor="root")
    registry.revoke(granted.id, actor="eve")
    added = registry.opt_out([PERSON], actor="root")
    with reading(engine) as connection:
        salt = connection.execute(select(opt_outs.c.salt)).scalar_one()
    registry.remove_opt_out(added.id, actor="root")

    told = events(ledger)

    assert tuple(kind for kind, _ in told) == KINDS
    assert [record["registration"] for _, record in told] == [granted.id, granted.id, added.id, added.id]
    assert told[0][1]["requester"] == "key_ada"
    assert told[1][1]["actor"] == "eve"
    assert told[2][1]["names"] == digest_of(salt, [PERSON])
    assert told[0][1]["names"] != told[2][1]["names"], "the salt is new each time: equal names are not linked"
    assert "quarnivek" not in json.dumps(told).lower()
    assert verify(engine, ledger.public_key).ok


def test_a_permission_that_cannot_be_recorded_is_none_and_a_restriction_stands(ledger: Ledger, clock: Clock) -> None:
    def broken(kind: str, id_: str, body: object) -> object:
        raise LedgerError("the disk is full")

    registry = LikenessRegistry(ledger.engine, broken, first_word, clock)

    with pytest.raises(LedgerError):
        registry.grant([PERSON], "key_ada", until=None, actor="root")
    assert registry.consents() == []
    with pytest.raises(LedgerError):
        registry.opt_out([PERSON], actor="root")
    assert [each.names for each in registry.opt_outs()] == [(PERSON,)]
    with pytest.raises(LedgerError):
        registry.remove_opt_out(registry.opt_outs()[0].id, actor="root")
    assert len(registry.opt_outs()) == 1


@pytest.mark.parametrize("names", [[], ["…"], ["x" * 201], ["a* b"], ["nul\0"], ["half \ud800"], ["n"], ["O."]])
def test_what_cannot_be_looked_for_is_not_registered(registry: LikenessRegistry, names: list[str]) -> None:
    with pytest.raises(InvalidContent):
        registry.opt_out(names, actor="root")
    assert registry.opt_outs() == []


@pytest.mark.parametrize("until", [NOON, NOON - timedelta(days=1), datetime(2099, 1, 1)])
def test_a_consent_ends_in_the_future(registry: LikenessRegistry, until: datetime) -> None:
    with pytest.raises(Conflict):
        registry.grant([PERSON], "key_ada", until=until, actor="root")


def test_what_was_never_registered_is_not_found(registry: LikenessRegistry) -> None:
    with pytest.raises(NotFound):
        registry.revoke("con_none", actor="root")
    with pytest.raises(NotFound):
        registry.remove_opt_out("out_none", actor="root")


def test_many_words_are_asked_for_in_pieces(registry: LikenessRegistry) -> None:
    added = registry.opt_out([PERSON], actor="root")
    text = " ".join(f"w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(1200))

    assert places(registry, f"{text} {PERSON}") == [f"registered:{added.id}"]
