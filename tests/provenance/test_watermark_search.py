"""A cropped or framed picture is found where it lies, by the pilot alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from provenance.watermark_carrier import GRID, Carrier
from provenance.watermark_code import WatermarkCode
from provenance.watermark_search import WHOLE, Place, climb, likely, placed, unframed

CARRIER = Carrier.for_key(b"a key of sixteen")


def marked_picture() -> np.ndarray:
    luma = cv2.GaussianBlur(np.random.default_rng(4).normal(0, 1, (GRID, GRID)).astype(np.float32), (0, 0), 4)
    luma = 128 + 25 * luma / luma.std()
    return luma + CARRIER.write(CARRIER.ground(luma, WatermarkCode().encode("0123456789ab")), 6.0)


def cropped(picture: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    return cv2.resize(picture[top : top + height, left : left + width], (GRID, GRID), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("place", [(12, 12, 231, 231), (3, 60, 180, 180), (0, 40, 256, 200), (30, 0, 210, 256)])
def test_a_crop_is_found_where_it_lies(place: tuple[int, int, int, int]) -> None:
    top, left, height, width = place
    seen = cropped(marked_picture(), *place)
    heard, found = max((climb(CARRIER, seen, each) for each in likely(CARRIER, seen, 2)), key=lambda each: each[0])

    assert heard > 6
    assert (found.height, found.width, found.top, found.left) == pytest.approx((height, width, top, left), abs=1.5)


def test_without_a_mark_no_place_is_heard_well() -> None:
    picture = np.random.default_rng(4).normal(128, 20, (GRID, GRID)).astype(np.float32)

    assert max(climb(CARRIER, picture, place)[0] for place in likely(CARRIER, picture, 3)) < 6


def test_the_whole_stays_as_it_is_and_covers_all() -> None:
    picture = marked_picture()
    seen, cover = placed(picture, WHOLE)

    assert np.allclose(seen, picture, atol=1e-2)
    assert np.all(cover == 1)


def test_cover_is_the_share_of_each_tile() -> None:
    _, cover = placed(marked_picture(), Place(128, 128, 8, 64))

    assert cover[0, 4] == 0.5
    assert cover[1, 4] == cover[7, 11] == 1
    assert cover[8, 4] == 0.5
    assert cover[9, 4] == cover[1, 3] == cover[1, 12] == 0


def test_a_plain_frame_is_taken_off() -> None:
    framed = np.full((GRID, GRID), 60, np.float32)
    framed[:20] = 30
    framed[20:240, 30:230] = cv2.resize(marked_picture(), (200, 220))
    inner = unframed(framed)

    assert inner is not None
    assert np.abs(inner - cv2.resize(framed[20:240, 30:230], (GRID, GRID))).max() < 1e-3


@pytest.mark.parametrize("level", [0, 128])
def test_a_picture_without_a_frame_or_of_nothing_else_has_none(level: int) -> None:
    assert unframed(marked_picture()) is None
    assert unframed(np.full((GRID, GRID), level, np.float32)) is None
