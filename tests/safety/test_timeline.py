"""From frame scores to stretches of time: edges, what lasts, and the law that more never means less."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import Score, TimeSpan
from safety.timeline import MOST_SEGMENTS, Timeline

FRAME_S = 1 / 24


def timeline(values, *, step_s=FRAME_S, lasting_s=0.0, start_s=0.0):
    made = Timeline("s", lasting_s)
    times = [start_s + index * step_s for index in range(len(values))]
    made.add(Score("s", value, TimeSpan(time, time)) for value, time in zip(values, times, strict=True))
    return made


def test_a_segment_reaches_from_its_first_frame_to_the_end_of_its_last():
    values = [0.01] * 48 + [0.9] * 12 + [0.01] * 48

    first, *_ = timeline(values).scores(FRAME_S)

    assert first.value == 0.9
    assert (first.span.start_s, first.span.end_s) == (pytest.approx(2.0), pytest.approx(2.5))


def test_the_peak_is_where_it_is_strongest():
    first, *_ = timeline([0.1, 0.6, 0.95, 0.6, 0.1]).scores(FRAME_S)

    assert first.span.peak_s == pytest.approx(2 * FRAME_S)
    assert (first.span.start_s, first.span.end_s) == (pytest.approx(FRAME_S), pytest.approx(4 * FRAME_S))


def test_a_short_dip_does_not_end_a_segment_and_a_long_one_does():
    short, long = [0.9] * 6 + [0.0] * 6 + [0.8] * 6, [0.9] * 6 + [0.0] * 24 + [0.8] * 6

    assert timeline(short).scores(FRAME_S)[0].span.end_s == pytest.approx(18 * FRAME_S)
    first, second, *_ = timeline(long).scores(FRAME_S)
    assert first.span.end_s == pytest.approx(6 * FRAME_S)
    assert (second.value, second.span.start_s) == (0.8, pytest.approx(30 * FRAME_S))


def test_boxes_of_a_segment_are_joined():
    made = Timeline("s", 0.0)
    made.add([Score("s", 0.9, TimeSpan(0.0, 0.0, (0.1, 0.1, 0.2, 0.2))), Score("s", 0.0, TimeSpan(2.0, 2.0))])
    made.add([Score("s", 0.8, TimeSpan(0.1, 0.1, (0.3, 0.0, 0.4, 0.2)))])

    first, *_ = made.scores(0.1)

    assert first.span.box == (0.1, 0.0, 0.4, 0.2)


def test_what_does_not_last_does_not_count():
    blink = [0.0] * 24 + [0.95] * 3 + [0.0] * 24

    assert timeline(blink, lasting_s=0.2).scores(FRAME_S)[0].value == 0.0
    assert timeline(blink).scores(FRAME_S)[0].value == 0.95


def test_half_a_second_lasts_wherever_it_begins():
    for before in range(30):
        values = [0.0] * before + [0.95] * 12 + [0.0] * 30
        (first, *_) = timeline(values, lasting_s=0.2).scores(FRAME_S)
        assert first.value == 0.95
        assert first.span.end_s - first.span.start_s == pytest.approx(0.5)


def test_every_second_frame_agrees_with_the_one_after_next():
    """Alternating with harmless frames hides nothing."""
    values = [0.95, 0.0] * 12

    (first, *_) = timeline(values, lasting_s=0.2).scores(FRAME_S)

    assert first.value == 0.95


def test_a_frame_whose_neighbourhood_nobody_saw_counts_alone():
    assert timeline([0.9, 0.0], step_s=3.0, lasting_s=0.2).scores(0.1)[0].value == 0.9
    assert timeline([0.9], lasting_s=0.2).scores(0.1)[0].value == 0.9


def test_a_frame_counts_alone_in_stretches_that_were_not_explored():
    made = timeline([0.0, 0.9, 0.0, 0.0], step_s=0.5, lasting_s=0.2)

    assert made.scores(0.1)[0].value == 0.0
    assert made.scores(0.1, alone=[(0.5, 1.0)])[0].value == 0.9


def test_what_to_look_at_closer_lies_beside_frames_that_reach_the_level():
    made = timeline([0.0, 0.0, 0.9, 0.0], step_s=0.5, lasting_s=0.2)

    assert made.peaks(0.8) == [(0.5, 1.0), (1.0, 1.5)]
    assert made.peaks(0.95) == []


def test_at_the_ends_of_the_video_there_is_nothing_to_look_at():
    assert timeline([0.9, 0.9], step_s=0.5).peaks(0.8) == []


def test_the_record_stays_small():
    values = [0.9, 0.0, 0.0] * 100

    assert len(timeline(values, step_s=0.5).scores(0.04)) == MOST_SEGMENTS


def test_windows_may_come_in_any_order():
    values = [0.1, 0.9, 0.8, 0.1, 0.0, 0.7]
    whole = timeline(values)
    parts = Timeline("s", 0.0)
    for index in (3, 0, 5, 1, 4, 2):
        parts.add([Score("s", values[index], TimeSpan(index * FRAME_S, index * FRAME_S))])

    assert parts.scores(FRAME_S) == whole.scores(FRAME_S)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
    st.integers(0, 39),
    st.floats(0, 1),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([FRAME_S, 0.25, 0.5]),
)
def test_raising_a_frame_never_lowers_the_strongest_score(values, index, higher, lasting_s, step_s):
    raised = list(values)
    raised[index % len(values)] = max(higher, values[index % len(values)])

    before = timeline(values, lasting_s=lasting_s, step_s=step_s).scores(FRAME_S)[0].value
    after = timeline(raised, lasting_s=lasting_s, step_s=step_s).scores(FRAME_S)[0].value

    assert after >= before


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.sampled_from([FRAME_S, 0.5]))
def test_segments_do_not_overlap_and_come_strongest_first(values, step_s):
    scores = timeline(values, step_s=step_s).scores(FRAME_S)

    assert [score.value for score in scores] == sorted((score.value for score in scores), reverse=True)
    spans = sorted((score.span.start_s, score.span.end_s) for score in scores)
    assert all(end <= start + 1e-9 for (_, end), (start, _) in itertools.pairwise(spans))
    assert scores[0].value == max(values)
