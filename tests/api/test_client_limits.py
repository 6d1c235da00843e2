"""One client has so many turns a minute, whatever addresses it has; others are not held up by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import client_limits
from api.client_limits import ClientLimits, client_of
from api.errors import BusyError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def refused(limits: ClientLimits, address: str) -> bool:
    try:
        limits.take(address)
    except BusyError:
        return True
    return False


def test_a_client_has_its_turns_and_gets_them_back_with_time() -> None:
    clock = Clock()
    limits = ClientLimits(3, clock)
    assert [refused(limits, "192.0.2.1") for _ in range(4)] == [False, False, False, True]
    assert not refused(limits, "192.0.2.2")
    clock.now += 20

    assert [refused(limits, "192.0.2.1") for _ in range(2)] == [False, True]
    with pytest.raises(BusyError) as error:
        limits.take("192.0.2.1")
    assert error.value.retry_after_s == 20


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.integers(1, 10))
def test_no_pattern_of_asking_gets_more_than_a_bucket_and_what_filled_meanwhile(
    pauses: list[float], per_minute: int
) -> None:
    clock = Clock()
    limits = ClientLimits(per_minute, clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        passed += not refused(limits, "192.0.2.1")

    assert passed <= per_minute + sum(pauses) * per_minute / 60 + 1e-6


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_what_counts_as_one_client(address: str | None, client: str) -> None:
    assert client_of(address) == client


def test_memory_does_not_grow_with_the_number_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_limits, "MOST_CLIENTS", 3)
    limits = ClientLimits(1, Clock())
    for number in range(5):
        limits.take(f"192.0.2.{number}")

    assert [refused(limits, f"192.0.2.{number}") for number in (4, 3, 2)] == [True, True, True]
    assert not refused(limits, "192.0.2.0")  # forgotten


def test_both_public_readers_count_together_and_say_when_to_come_back(client, house) -> None:
    house.settings = house.settings.model_copy(update={"verify_per_minute": 2})
    answers = [
        client.post("/v1/verify", files={"file": ("a.mp4", b"nothing")}),
        client.post("/v1/c2pa/matches/byContent", content=b"nothing"),
        client.post("/v1/verify", files={"file": ("a.mp4", b"nothing")}),
        client.post("/v1/c2pa/matches/byContent", content=b"nothing"),
    ]

    assert [answer.status_code for answer in answers[2:]] == [429, 429]
    assert 429 not in [answer.status_code for answer in answers[:2]]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    binding = {"alg": "io.framegate.local-features.1", "value": "AAAA"}
    assert client.get("/v1/c2pa/matches/byBinding", params=binding).status_code == 429
    assert client.post("/v1/c2pa/matches/byBinding", json=binding).status_code == 429
    assert client.get("/v1/c2pa/services/supportedAlgorithms").status_code == 200
