"""The index of our releases survives an entry that it cannot read, and holds up nobody while it compares."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from media.fingerprint import fingerprint
from media.local_features import described
from safety.domain import Release
from safety.known import ReleaseIndex
from safety.withdrawals import Withdrawals
from tests.media.leaves import cropped, scene
from tests.safety.making import a_release_of, allowed
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def of_a_later_format(release: Release) -> Release:
    raw = [base64.b64decode(each) for each in release.features]
    return replace(release, features=tuple(base64.b64encode(b"\x09" + each[1:]).decode() for each in raw))


def test_a_release_of_an_unknown_feature_format_is_known_by_its_other_marks_and_told_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    decisions = allowed(world.ledger)
    world.ledger.append_release(a_release_of([scene(1)], 1, decisions=decisions))
    world.ledger.append_release(of_a_later_format(a_release_of([scene(2)], 2, decisions=decisions)))
    world.ledger.append_release(a_release_of([scene(3)], 3, decisions=decisions))
    index = ReleaseIndex(world.ledger)

    with caplog.at_level(logging.WARNING, logger="safety.known"):
        for _ in range(3):
            near = index.near(fingerprint(scene(2)).hash_hex)
            assert [release for release, _ in near] == ["rel_2"]
    assert [each.key for each in index.showing(described([cropped(scene(3))]))] == ["rel_3"]
    assert index.showing(described([cropped(scene(2))])) == []
    assert len([each for each in caplog.records if "rel_2" in each.getMessage()]) == 1


def test_nobody_waits_while_points_are_compared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ledger.append_release(a_release_of([scene(1)], 1, decisions=allowed(world.ledger)))
    index, read, answered = ReleaseIndex(world.ledger), world.ledger.release, []

    def reading(id_: str) -> Release | None:
        """What the comparison reads: somebody else asks at that very moment."""
        other = threading.Thread(target=lambda: answered.append(index.state()), daemon=True)
        other.start()
        other.join(timeout=20)
        return read(id_)

    monkeypatch.setattr(world.ledger, "release", reading)

    assert [each.key for each in index.showing(described([cropped(scene(1))]))] == ["rel_1"]
    assert len(answered) == 1


def test_withdrawn_releases_are_those_whose_newest_event_says_so(world: World) -> None:
    decisions = allowed(world.ledger)
    for number in range(3):
        kept = world.blobs.put_bytes(f"file {number}".encode())
        world.ledger.append_release(replace(a_release_of([scene(1)], number, decisions=decisions), sha256=kept))
    index, withdrawals = ReleaseIndex(world.ledger), Withdrawals(world.ledger, world.blobs, lambda _: ())
    assert index.withdrawals.releases() == frozenset()

    for number in range(2):
        withdrawals.withdraw(f"rel_{number}", by="ada", reason="why", code="person")
    withdrawals.restore("rel_1", by="ada", reason="why")

    assert index.withdrawals.releases() == {"rel_0"}
