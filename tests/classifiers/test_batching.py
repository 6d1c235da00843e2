"""Threads share batches: every item runs once, in batches of bounded size, and nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.base import MeasurementError
from classifiers.batching import Batcher


@given(
    st.lists(st.lists(st.integers(0, 99), max_size=7), min_size=1, max_size=6),
    st.integers(1, 5),
    st.integers(1, 3),
)
@settings(max_examples=30, deadline=None)
def test_every_caller_gets_its_own_results_in_order(calls, largest, at_once):
    batches = []

    def run(items):
        batches.append(len(items))
        return [item * 2 for item in items]

    double = Batcher(run, largest=largest, at_once=at_once)
    with ThreadPoolExecutor(len(calls)) as pool:
        assert list(pool.map(double, calls)) == [[item * 2 for item in items] for items in calls]

    assert sum(batches) == sum(map(len, calls))
    assert max(batches, default=0) <= largest


def test_what_comes_while_a_batch_runs_makes_one_batch():
    begun, go_on, batches = threading.Event(), threading.Event(), []

    def run(items):
        batches.append(sorted(items))
        begun.set()
        assert go_on.wait(30)
        return items

    batcher = Batcher(run, largest=8, at_once=1)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(batcher, [0])
        assert begun.wait(30)
        others = [pool.submit(batcher, [number]) for number in (1, 2, 3)]
        while len(batcher._waiting) < 3:  # all three have come
            pass
        go_on.set()
        assert [future.result(30) for future in (first, *others)] == [[0], [1], [2], [3]]

    assert batches == [[0], [1, 2, 3]]


def test_no_more_batches_run_at_once_than_there_are_lanes():
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def run(items):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(30)  # passes only if two batches run at the same time
        with lock:
            running -= 1
        return items

    batcher = Batcher(run, largest=1, at_once=2)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: batcher([number]), range(6)))

    assert most == 2


def test_a_batch_that_fails_is_unmeasured_for_all_in_it_and_the_next_one_runs():
    def run(items):
        if "bad" in items:
            raise MeasurementError("out of memory")
        return items

    batcher = Batcher(run, largest=4, at_once=1)

    with pytest.raises(MeasurementError, match="out of memory"):
        batcher(["good", "bad"])
    assert batcher(["good"]) == ["good"]


def test_a_fault_in_the_batch_itself_reaches_its_caller_and_frees_the_lane():
    def run(items):
        if items == [0]:
            raise KeyError("a bug")
        return items[1:]  # a result is missing

    batcher = Batcher(run, largest=2, at_once=1)

    with pytest.raises(KeyError):
        batcher([0])
    with pytest.raises(ValueError, match="shorter"):
        batcher([1])
    assert batcher([]) == []
