"""Writing is looked for closely only where a glance shows some, and nothing that is found is lost by that."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from classifiers import text_finder
from classifiers.ocr import NETWORKS, PACKAGE
from classifiers.text_finder import TextFinder
from classifiers.weights import from_package


@pytest.fixture(scope="module")
def finder():
    return TextFinder(from_package(PACKAGE, *NETWORKS["Det"]))


def written(picture, text, place, *, scale=1.0):
    picture = picture.copy()
    for colour, thickness in ((0, 0, 0), 8), ((255, 255, 255), 2):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)
    return picture


def large(photo):
    return cv2.resize(photo, (1280, 720), interpolation=cv2.INTER_AREA)


def test_small_writing_in_a_large_photograph_is_framed_closely(finder):
    picture = written(large(skimage.data.rocket()), "MEET ME AT NOON", (900, 690), scale=0.9)

    lines = finder.find(picture)

    right = [line for line in lines if line[:, 0].min() > 880 and line[:, 1].min() > 640]
    assert right
    (width, _), _ = cv2.getTextSize("MEET ME AT NOON", cv2.FONT_HERSHEY_SIMPLEX, 0.9, 2)
    assert max(line[:, 0].max() for line in right) == pytest.approx(900 + width, abs=15)
    assert all(np.ptp(line[:, 1]) < 60 for line in right)


def test_little_of_a_picture_with_little_writing_is_looked_at_closely(finder):
    picture = written(np.full((720, 1280, 3), 90, np.uint8), "MEET ME", (100, 100))

    (piece,) = finder.pieces(picture)

    left, top, right, bottom = piece
    assert left < 100
    assert right > 220
    assert top < 80
    assert bottom > 100
    assert (right - left) * (bottom - top) < 0.1 * 720 * 1280


def test_where_nothing_could_be_writing_nothing_is_looked_at_closely(finder):
    assert finder.pieces(np.full((720, 1280, 3), 200, np.uint8)) == []
    assert finder.find(np.full((720, 1280, 3), 200, np.uint8)).shape == (0, 4, 2)


def test_a_picture_full_of_writing_is_looked_at_whole(finder):
    page = np.full((720, 1280, 3), 90, np.uint8)
    for row in range(12):
        page = written(page, "WRITING FROM EDGE TO EDGE OF IT ALL", (10, 55 + 58 * row), scale=2.2)

    (piece,) = finder.pieces(page)

    assert text_finder._pixels(piece) > 0.95 * 720 * 1280
    assert text_finder._scale(text_finder._cut(page, piece), page) == 0.75
    assert len(finder.find(page)) >= 12


def test_lines_come_in_reading_order(finder):
    picture = np.full((720, 1280, 3), 90, np.uint8)
    for text, place in ("lower", (60, 650)), ("right", (1000, 80)), ("left", (60, 80)):
        picture = written(picture, text, place)

    corners = [line[0].tolist() for line in finder.find(picture)]

    assert [(x > 640, y > 360) for x, y in corners] == [(False, False), (True, False), (False, True)]


def noise(cell, seed=7):
    """Coloured noise in blobs of `cell` pixels with hard edges."""
    dots = np.random.default_rng(seed).integers(0, 256, (-(-720 // cell), -(-1280 // cell), 3), np.uint8)
    return np.repeat(np.repeat(dots, cell, axis=0), cell, axis=1)[:720, :1280].copy()


def soft_noise(spread, seed=7):
    """Coloured noise without edges, its blobs about four times `spread` pixels wide."""
    dots = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (720, 1280, 3)), (0, 0), spread)
    return np.clip(dots / dots.std() * 55 + 128, 0, 255).astype(np.uint8)


def lettered(picture, high, opacity=1.0, place=(300, 400)):
    """White letters, `high` pixels high without an outline, of an opacity."""
    over = picture.copy()
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(over, "MEET ME AT NOON BY THE GATE", place, font, high / 22, (255, 255, 255), 2, cv2.LINE_AA)
    return cv2.addWeighted(over, opacity, picture, 1 - opacity, 0)


def covers(lines, left, right, at):
    return any(
        line[:, 0].min() < left + 60 and line[:, 0].max() > right - 60 and line[:, 1].min() < at < line[:, 1].max()
        for line in lines
    )


@pytest.mark.parametrize(
    ("ground", "high", "opacity"),
    [
        pytest.param(noise(16), 16, 1.0, id="blobs of 16, letters of 16"),
        pytest.param(noise(12), 24, 0.6, id="blobs of 12, letters of 24 at 60 %"),
        pytest.param(soft_noise(3), 18, 1.0, id="soft blobs of 12, letters of 18"),
        pytest.param(soft_noise(4), 24, 0.6, id="soft blobs of 16, letters of 24 at 60 %"),
    ],
)
def test_small_writing_on_a_fine_busy_texture_is_found_though_the_glance_sees_none(finder, ground, high, opacity):
    picture = lettered(ground, high, opacity)
    assert finder.pieces(picture) == []

    assert covers(finder.find(picture), 300, 300 + 20 * high, 400 - high // 2)


def test_letters_of_18_pixels_on_blobs_of_16_are_found(finder):
    assert covers(finder.find(lettered(noise(16), 18)), 300, 300 + 20 * 18, 391)


def test_writing_on_a_calm_corner_does_not_draw_the_eye_from_the_texture(finder):
    picture = soft_noise(3)
    picture[:120, :420] = 90
    picture = written(lettered(picture, 18), "MEET ME", (40, 80))
    assert len(finder.pieces(picture)) == 1

    lines = finder.find(picture)

    assert covers(lines, 40, 160, 70)
    assert covers(lines, 300, 300 + 20 * 18, 391)
    assert len(lines) == 2


@pytest.mark.parametrize("texture", [noise(16), noise(8), soft_noise(2), soft_noise(4)])
def test_a_fine_texture_is_busy_and_a_picture_small_enough_for_the_glance_is_not(texture):
    assert text_finder.is_busy(texture)
    assert not text_finder.is_busy(texture[:270, :480])


def test_a_calm_picture_costs_the_glance_alone(finder, monkeypatch):
    looked: list[tuple[int, ...]] = []
    look = finder._map
    monkeypatch.setattr(finder, "_map", lambda picture: looked.append(picture.shape[:2]) or look(picture))

    assert finder.find(np.full((720, 1280, 3), 200, np.uint8)).shape == (0, 4, 2)

    assert looked == [(256, 480)]


boxes = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 30), st.integers(1, 30)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(st.lists(boxes, max_size=12))
def test_joined_pieces_lie_apart_and_cover_all_that_was_joined(given_boxes):
    joined = text_finder._apart(given_boxes)

    assert not any(text_finder._overlap(one, other) for at, one in enumerate(joined) for other in joined[at + 1 :])
    for left, top, right, bottom in given_boxes:
        assert any(a <= left and b <= top and c >= right and d >= bottom for a, b, c, d in joined)


@given(
    left=st.floats(-5, 1290),
    top=st.floats(-5, 730),
    across=st.floats(1, 1300),
    down=st.floats(1, 740),
)
def test_a_fitting_piece_lies_within_the_picture_and_covers_what_it_was_made_for(left, top, across, down):
    piece = text_finder._fitting(np.array([left, top, across, down]), 1280, 720)

    assert 0 <= piece[0] < piece[2] <= 1280
    assert 0 <= piece[1] < piece[3] <= 720
    assert piece[0] <= max(left, 0) or piece[2] == 1280
    assert piece[2] >= min(left + across, 1280) - 1
    assert piece[3] >= min(top + down, 720) - 1
