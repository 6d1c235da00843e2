"""Nobody waits for ever, nobody is told of somebody else's fault, and a group is as large as what waits."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from safety.errors import Conflict, LedgerError, SafetyError
from safety.group_commit import MAX_GROUP, GroupCommit


class Slow:
    """A commit that waits for permission, so that a group can gather behind it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.entered = threading.Event()
        self.groups: list[list[int]] = []

    def commit(self, group: Sequence[int]) -> Sequence[int | SafetyError]:
        self.groups.append(list(group))
        self.entered.set()
        self.go.wait()
        return [Conflict(f"{item} is odd") if item % 2 else item * 10 for item in group]


def test_what_waits_is_committed_together_and_in_order() -> None:
    slow = Slow()
    writer = GroupCommit[int, int](slow.commit, "writer")
    with ThreadPoolExecutor(40) as pool:
        first = pool.submit(writer.submit, 0)
        slow.entered.wait()
        rest = [pool.submit(writer.submit, 2) for _ in range(30)]
        while len(writer._waiting) < 30:
            pass
        slow.go.set()
        assert [future.result() for future in (first, *rest)] == [0] + [20] * 30
    writer.close()

    assert [len(group) for group in slow.groups] == [1, 30]


def test_a_group_is_bounded() -> None:
    slow = Slow()
    writer = GroupCommit[int, int](slow.commit, "writer")
    with ThreadPoolExecutor(MAX_GROUP + 10) as pool:
        futures = [pool.submit(writer.submit, 2 * number) for number in range(MAX_GROUP + 9)]
        slow.entered.wait()
        slow.go.set()
        assert sorted(future.result() for future in futures) == [20 * number for number in range(MAX_GROUP + 9)]
    writer.close()

    assert max(len(group) for group in slow.groups) <= MAX_GROUP


def test_each_caller_gets_its_own_answer() -> None:
    slow = Slow()
    slow.go.set()
    writer = GroupCommit[int, int](slow.commit, "writer")

    assert writer.submit(2) == 20
    with pytest.raises(Conflict, match="3 is odd"):
        writer.submit(3)
    assert writer.submit(4) == 40
    writer.close()


def test_a_group_that_fails_fails_for_all_and_the_next_one_works() -> None:
    failing = True

    def commit(group: Sequence[int]) -> Sequence[int | SafetyError]:
        if failing:
            raise LedgerError("disk full")
        return list(group)

    writer = GroupCommit[int, int](commit, "writer")
    with pytest.raises(LedgerError, match="disk full"):
        writer.submit(1)
    failing = False

    assert writer.submit(2) == 2
    writer.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", [ZeroDivisionError("a fault of ours"), None])
def test_a_fault_in_the_writer_leaves_nobody_waiting(fault: Exception | None) -> None:
    def commit(group: Sequence[int]) -> Sequence[int | SafetyError]:
        if fault is not None:
            raise fault
        return []  # too few answers

    writer = GroupCommit[int, int](commit, "writer")
    with pytest.raises(LedgerError, match="writer stopped"):
        writer.submit(1)
    with pytest.raises(LedgerError, match="closed"):
        writer.submit(2)
    writer.close()


def test_closing_finishes_what_waits_and_may_be_repeated() -> None:
    slow = Slow()
    writer = GroupCommit[int, int](slow.commit, "writer")
    with ThreadPoolExecutor(4) as pool:
        pending = [pool.submit(writer.submit, 2) for _ in range(3)]
        slow.entered.wait()
        while sum(map(len, slow.groups)) + len(writer._waiting) < 2:
            pass
        closing = pool.submit(writer.close)
        slow.go.set()
        closing.result()
        answers = [future.exception() or future.result() for future in pending]

    assert all(answer == 20 or isinstance(answer, LedgerError) for answer in answers)
    assert 20 in answers
    writer.close()
    with pytest.raises(LedgerError, match="closed"):
        writer.submit(2)


def test_a_writer_that_was_never_used_closes() -> None:
    GroupCommit[int, int](list, "writer").close()
