"""One similarity carries all points of a copy, and none those of a stranger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.feature_match import agreement
from media.local_features import ANGLE_STEPS, KEPT_POINTS, PLACE_UNIT, POINT, SIZE_STEPS, FrameFeatures, local_features
from tests.media.leaves import cropped, encoded, scene

EMPTY = np.empty(0, POINT)


def random_points(seed: int, count: int = KEPT_POINTS) -> np.ndarray:
    random = np.random.default_rng(seed)
    points = np.empty(count, POINT)
    points["code"] = random.integers(0, 2**64, (count, 4), dtype=np.uint64)
    points["x"], points["y"] = random.integers(0, 256 * PLACE_UNIT, count), random.integers(0, 144 * PLACE_UNIT, count)
    points["angle"], points["size"] = random.integers(0, ANGLE_STEPS, count), random.integers(10, 30, count)
    return points


def moved(points: np.ndarray, zoom: float, turn_deg: float, right: float, down: float) -> FrameFeatures:
    """The same points as another camera sees them, those out of its picture left out."""
    made = points.copy()
    a = zoom * np.exp(1j * np.radians(turn_deg))
    at = a * (points["x"] + 1j * points["y"]) / PLACE_UNIT + right + 1j * down
    inside = (at.real >= 0) & (at.real < 256) & (at.imag >= 0) & (at.imag < 144)
    made, at = made[inside], at[inside]
    made["x"], made["y"] = np.rint(at.real * PLACE_UNIT), np.rint(at.imag * PLACE_UNIT)
    made["angle"] = (made["angle"].astype(int) + round(turn_deg / 360 * ANGLE_STEPS)) % ANGLE_STEPS
    made["size"] = made["size"].astype(int) + round(np.log2(zoom) * SIZE_STEPS)
    return FrameFeatures(256, 144, made, EMPTY)


@settings(max_examples=25)
@given(
    st.integers(0, 2**32),
    st.floats(0.5, 1.8),
    st.floats(-30, 30),
    st.floats(-40, 40),
    st.floats(-25, 25),
)
def test_every_point_that_is_in_view_is_found_wherever_it_went(
    seed: int, zoom: float, turn_deg: float, right: float, down: float
) -> None:
    points = random_points(seed)
    copy = moved(points, zoom, turn_deg, right, down)
    found = agreement(FrameFeatures(256, 144, points, EMPTY), copy)

    if len(copy.points) >= 8:
        assert found.points >= len(copy.points) - 1
        assert found.coverage >= 0.9
        assert found.zoom == pytest.approx(zoom, rel=0.05)
        assert found.turn_deg == pytest.approx(turn_deg, abs=3)


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(2**31, 2**32))
def test_points_of_strangers_agree_in_nothing(one: int, other: int) -> None:
    kept = FrameFeatures(256, 144, random_points(one), EMPTY)

    assert agreement(kept, FrameFeatures(256, 144, random_points(other, 200), EMPTY)).points == 0


def test_points_in_other_places_do_not_agree_however_like_their_codes() -> None:
    kept, shuffled = random_points(1), random_points(1)
    for field in ("x", "y"):
        shuffled[field] = np.random.default_rng(2).permutation(shuffled[field])

    assert agreement(FrameFeatures(256, 144, kept, EMPTY), FrameFeatures(256, 144, shuffled, EMPTY)).points < 8


def test_a_crop_tells_how_much_of_the_frame_it_shows() -> None:
    kept = local_features(scene(4), KEPT_POINTS)
    found = agreement(kept, local_features(encoded(cropped(scene(4), keep=0.7))))

    assert found.points >= 10
    assert found.view == pytest.approx(0.49, abs=0.08)
    assert found.zoom == pytest.approx(1 / 0.7, rel=0.03)
    assert agreement(kept, local_features(scene(5))).points < 4
