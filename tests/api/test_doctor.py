"""The doctor sees a ledger that lost entries, or whose head or checkpoint is of another key."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from api.doctor import examine


def ledger_check(house):
    (check,) = (each for each in examine(house) if each.name == "ledger")
    return check


@pytest.fixture
def recorded(house):
    for number in range(3):
        house.ledger.append_event("remark", f"r{number}", {})
    house.ledger.checkpoint()
    house.ledger.append_event("remark", "r3", {})
    return house


def test_an_empty_and_a_whole_ledger_are_well(house):
    assert (ledger_check(house).ok, ledger_check(house).detail) == (True, "empty")


def test_it_says_what_the_newest_checkpoint_covers(recorded):
    assert ledger_check(recorded).detail == "4 entries, the newest checkpoint covers 3"
    assert ledger_check(recorded).ok


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DELETE FROM entries WHERE position = 3", "run `framegate ledger verify`"),
        ("UPDATE ledger_head SET size = 5", "its signature 4"),
        ("UPDATE ledger_head SET note = replace(note, 'framegate head', 'framegate tail')", "signature"),
        ("UPDATE checkpoints SET note = 'nonsense'", "not a signed note"),
    ],
)
def test_a_damaged_ledger_is_found(recorded, without_triggers, change, says):
    with without_triggers(recorded.engine) as connection:
        connection.execute(text(change))

    check = ledger_check(recorded)

    assert not check.ok
    assert says in check.detail
