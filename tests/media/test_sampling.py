"""Sampling leaves no blind spot longer than promised, whatever the times of the frames are."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.clip import Coverage
from media.glimpse import fit_short_side
from media.sampling import Sampler, SamplingPlan

GRAY = np.full((24, 32, 3), 128, np.uint8)
OTHER = np.full((24, 32, 3), 250, np.uint8)


def sample(times: list[float], plan: SamplingPlan, pictures: dict[int, np.ndarray] | None = None):
    """Return the times seen and the coverage."""
    sampler = Sampler(plan, frame_s=0.04)
    seen = []
    for index, time_s in enumerate(times):
        seen += sampler.offer(time_s, (pictures or {}).get(index, GRAY))
    seen += sampler.finish()
    return [time_s for time_s, _ in seen], sampler.coverage()


steps = st.lists(st.floats(0.001, 3.0), max_size=150)
plans = st.builds(
    SamplingPlan,
    fps=st.floats(0.2, 30.0),
    min_frames=st.integers(1, 40),
    window_frames=st.just(4),
    every_frame=st.just(False),
)


def times_of(parts: list[float]) -> list[float]:
    return list(itertools.accumulate(parts, initial=0.0))


@given(steps, plans)
def test_first_and_last_are_seen_in_order_and_without_repetition(parts: list[float], plan: SamplingPlan) -> None:
    times = times_of(parts)

    seen, coverage = sample(times, plan)

    assert seen[0] == times[0]
    assert seen[-1] == times[-1]
    assert seen == sorted(set(seen))
    assert set(seen) <= set(times)
    assert (coverage.frames_total, coverage.frames_seen) == (len(times), len(seen))


@given(steps, plans)
def test_no_gap_is_longer_than_a_period_and_one_frame(parts: list[float], plan: SamplingPlan) -> None:
    times = times_of(parts)

    seen, coverage = sample(times, plan)

    gaps = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert max(gaps, default=0.0) <= 1 / plan.fps + max(parts, default=0.0) + 1e-5
    assert coverage.longest_gap_s == pytest.approx(max(gaps, default=0.0))


@given(st.integers(1, 400), st.floats(5.0, 60.0), plans)
def test_at_a_steady_rate_no_gap_is_longer_than_a_period(count: int, rate: float, plan: SamplingPlan) -> None:
    _, coverage = sample([index / rate for index in range(count)], plan)

    assert coverage.longest_gap_s <= max(1 / plan.fps, 1 / rate) + 1e-5


@given(steps, plans)
def test_at_least_min_frames_are_seen_when_the_video_has_them(parts: list[float], plan: SamplingPlan) -> None:
    times = times_of(parts)

    seen, _ = sample(times, plan)

    assert len(seen) >= min(plan.min_frames, len(times))


@settings(max_examples=50)
@given(st.floats(12.0, 60.0), st.floats(0.0, 0.9), st.booleans())
def test_a_planted_half_second_is_always_sampled(rate: float, start: float, is_alike: bool) -> None:
    """Even where it looks so much like the rest that no cut is seen."""
    times = [index / rate for index in range(round(20 * rate))]
    first = int(start * len(times))
    planted = range(first, first + int(0.5 * rate))

    seen, _ = sample(times, SamplingPlan(), {} if is_alike else dict.fromkeys(planted, OTHER))

    assert {times[index] for index in planted} & set(seen)


@settings(max_examples=50)
@given(st.integers(0, 299))
def test_a_single_frame_unlike_the_rest_is_seen(index: int) -> None:
    """Shown for a thirtieth of a second between two regular samples."""
    times = [frame / 30 for frame in range(300)]

    seen, _ = sample(times, SamplingPlan(), {index: OTHER})

    assert times[index] in seen


def test_strobing_cannot_make_every_frame_expensive() -> None:
    times = [frame / 30 for frame in range(30 * 60)]

    seen, _ = sample(times, SamplingPlan(), dict.fromkeys(range(1, len(times), 2), OTHER))

    assert len(seen) <= 60 * (2 + 4) + 10


def test_every_frame_means_every_frame() -> None:
    times = [frame / 30 for frame in range(100)]

    seen, coverage = sample(times, SamplingPlan(every_frame=True))

    assert seen == times
    assert coverage == Coverage(100, 100, pytest.approx(99 / 30 + 0.04), pytest.approx(1 / 30), 4, 4)


def test_nothing_offered_is_nothing_seen() -> None:
    assert sample([], SamplingPlan()) == ([], Coverage(0, 0, 0.0, 0.0))


def test_memory_does_not_grow_with_length() -> None:
    sampler = Sampler(SamplingPlan(), 0.04)
    peaks = []
    tracemalloc.start()
    for index in range(6000):
        sampler.offer(index / 30, np.full((48, 64, 3), index % 256, np.uint8))
        if index in {1000, 5999}:
            peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()

    assert peaks[1] < peaks[0] * 1.1


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 200))
def test_resizing_keeps_the_shape_and_never_enlarges(height: int, width: int, short_side: int) -> None:
    fitted = fit_short_side(np.zeros((height, width, 3), np.uint8), short_side)

    new_height, new_width = fitted.shape[:2]
    assert min(new_height, new_width) == min(short_side, height, width)
    assert abs(new_height / new_width - height / width) <= 0.5 / min(new_height, new_width) * (height / width + 1) + 0.5


@pytest.mark.parametrize("wrong", [{"fps": 0}, {"fps": float("nan")}, {"min_frames": 0}, {"window_frames": 0}])
def test_a_plan_that_would_see_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        SamplingPlan(**wrong)  # type: ignore[arg-type]
