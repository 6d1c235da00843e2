"""Windows over a whole video, and the stretches of it that stand out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import MeasurementError, Score, TimeSpan
from media.clip import Clip
from safety.domain import Origin, Strength
from safety.forensic_evidence import forensic_link
from safety.origin_windows import MAX_WINDOWS, WINDOW_FRAMES, OriginWindows, first_stride, stretches

FPS = 4.0


class Brightness:
    """Scores a window by its brightness; refuses windows under four frames and black ones."""

    name = "forensics"
    version = "1"
    accepts = Clip
    signals = frozenset({"video.synthetic"})

    def score(self, content):
        if len(content.frames) < 4 or content.frames.max() == 0:
            raise MeasurementError("nothing to see")
        return [Score("video.synthetic", float(content.frames.mean() / 255), TimeSpan(content.start_s, content.end_s))]


def watched(values):
    """What has seen one frame for each brightness (0 to 255), in clips of 16 as the scan gives them."""
    windows = OriginWindows(Brightness())
    frames = np.array(values, np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    for start in range(0, len(frames), 16):
        part = frames[start : start + 16]
        windows.watch(Clip(part, (start + np.arange(len(part))) / FPS, FPS))
    return windows


@given(st.integers(4, 700))
def test_windows_are_spread_over_all_of_a_video_of_any_length(count):
    seen = watched([100] * count)

    assert 1 <= len(seen.windows) <= MAX_WINDOWS
    starts = [window.span.start_s for window in seen.windows]
    assert starts == sorted(starts)
    assert starts[0] == 0
    longest = 2 * seen.stride * WINDOW_FRAMES / FPS
    assert all(later - earlier <= longest for earlier, later in itertools.pairwise([*starts, count / FPS]))


def test_a_bright_part_of_a_dark_video_is_found_with_its_start_and_end():
    (stretch,) = stretches(watched([20] * 40 + [250] * 8 + [20] * 40).windows, 0.9)

    assert stretch.carries
    assert stretch.start_s == pytest.approx(40 / FPS, abs=0.25)
    assert stretch.end_s == pytest.approx(48 / FPS, abs=0.25)


def test_one_weaker_window_does_not_tear_a_part_in_two():
    (stretch,) = stretches(watched([20] * 16 + [250] * 8 + [215] * 4 + [250] * 8 + [20] * 16).windows, 0.9)

    assert (stretch.windows, stretch.carries) == (5, True)
    assert stretch.value >= 0.9


def test_windows_that_only_come_near_the_threshold_are_no_part():
    assert stretches(watched([20] * 16 + [215] * 16 + [20] * 16).windows, 0.9) == []


@given(st.lists(st.floats(0.01, 0.99), max_size=24), st.floats(0.05, 0.98))
def test_every_stretch_reaches_the_threshold_and_none_that_does_is_left_out(values, threshold):
    windows = [Score("video.synthetic", value, TimeSpan(at, at + 0.75)) for at, value in enumerate(values)]

    found = stretches(windows, threshold)

    assert all(each.value >= threshold - 1e-9 for each in found)
    for at, value in enumerate(values):
        if value >= threshold:
            assert any(each.start_s <= at and at + 0.75 <= each.end_s for each in found)


def test_a_dense_clip_is_watched_in_windows_of_a_second():
    windows = OriginWindows(Brightness())
    windows.watch(Clip(np.full((32, 4, 4, 3), 90, np.uint8), np.arange(32) / 16, 16.0))

    assert [len(range(round(each.span.start_s * 16), round(each.span.end_s * 16) + 1)) for each in windows.windows] == [
        16, 16,
    ]  # fmt: skip


@given(st.floats(0, 40_000))
def test_a_video_of_known_length_is_watched_in_enough_windows_and_never_in_many_more(duration_s):
    stride = first_stride(duration_s, FPS)

    estimated = math.ceil(math.ceil(duration_s) / stride)
    assert estimated <= MAX_WINDOWS + 1
    assert stride == 1 or estimated > MAX_WINDOWS / 2 - 1


def test_a_part_at_either_end_ends_with_the_video():
    first, last = stretches(watched([250] * 16 + [20] * 32 + [250] * 16).windows, 0.9)

    assert first.start_s == 0
    assert last.end_s == 63 / FPS


def test_a_generated_part_asks_for_review_though_the_whole_does_not():
    (evidence,), missing = forensic_link(watched([20] * 32 + [250] * 16 + [20] * 32), 0.9)

    assert missing == []
    assert (evidence.points_to, evidence.strength) == (Origin.LIKELY_SYNTHETIC, Strength.ESTIMATE)
    assert evidence.detail["score"] < 0.9
    assert "from 7.9 s to 11.9 s" in evidence.summary


def test_one_odd_window_is_a_hint_and_no_more():
    (evidence,), _ = forensic_link(watched([20] * 32 + [250] * 4 + [20] * 32), 0.9)

    assert evidence.strength is Strength.HINT
    assert "by chance" in evidence.summary


def test_a_whole_generated_video_is_one_piece_of_evidence():
    (evidence,), _ = forensic_link(watched([250] * 64), 0.9)

    assert evidence.strength is Strength.ESTIMATE
    assert "start_s" not in evidence.detail


def test_windows_that_could_not_be_measured_are_counted():
    (evidence,), _ = forensic_link(watched([0] * 16 + [250] * 16), 0.9)

    assert evidence.detail["windows_unmeasured"] == 4
    assert evidence.detail["windows"] == 4


@pytest.mark.parametrize("values", [[100], [100] * 3, [0] * 40])
def test_a_video_without_a_window_is_unmeasured(values):
    evidence, missing = forensic_link(watched(values), 0.9)

    assert evidence == []
    assert {gap.signal for gap in missing} == {"video.synthetic", "origin.likely_synthetic"}
    assert {gap.reason for gap in missing} == {"nothing to see"}


@given(st.lists(st.integers(0, 1), min_size=1, max_size=24))
def test_stretches_cover_every_high_window_and_no_low_one(pattern):
    windows = [
        Score("video.synthetic", 0.95 if high else 0.1, TimeSpan(2.0 * at, 2.0 * at + 1.75))
        for at, high in enumerate(pattern)
    ]

    found = stretches(windows, 0.9)

    for window, high in zip(windows, pattern, strict=True):
        middle = (window.span.start_s + window.span.end_s) / 2
        assert any(each.start_s <= middle <= each.end_s for each in found) == bool(high)
    assert sum(each.windows for each in found) == sum(pattern)
