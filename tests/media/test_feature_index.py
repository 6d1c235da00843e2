"""Copies that were cropped, turned, filmed off a screen and written over are known again, and strangers are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from media.clip import Clip
from media.feature_index import CANDIDATES, FeatureIndex, is_spread
from media.local_features import KEPT_POINTS, FrameFeatures, described, local_features
from provenance.label import burn_label
from provenance.label_style import LabelStyle
from tests.media.leaves import cropped, encoded, mirrored, on_a_screen, pan, scene, turned, written_over


class Known:
    """An index over clips that a dictionary keeps."""

    def __init__(self, **clips: list[np.ndarray]) -> None:
        self.kept: dict[str, list[FrameFeatures]] = {}
        self.loaded: list[str] = []
        self.index = FeatureIndex(self.load)
        for key, frames in clips.items():
            self.add(key, frames)

    def add(self, key: str, frames: list[np.ndarray]) -> None:
        self.kept[key] = described(frames, KEPT_POINTS)
        self.index.add(key, self.kept[key])

    def load(self, key: str) -> list[FrameFeatures]:
        self.loaded.append(key)
        return self.kept[key]

    def keys(self, frames: list[np.ndarray]) -> list[str]:
        return [each.key for each in self.index.matches(described([encoded(frame) for frame in frames]))]


@pytest.fixture(scope="module")
def known() -> Known:
    return Known(**{f"clip {seed}": pan(seed) for seed in range(4)}, still=[scene(10)])


@pytest.mark.parametrize("change", [cropped, turned, on_a_screen, written_over, mirrored])
def test_a_changed_copy_is_known_again(known: Known, change) -> None:
    found = known.index.matches(described([encoded(change(frame)) for frame in pan(2)[1:5]]))

    assert [each.key for each in found] == ["clip 2"]
    assert found[0].mirrored is (change is mirrored)
    assert found[0].share >= 0.5


def test_frames_between_the_key_frames_are_known_by_what_they_share(known: Known) -> None:
    between = [cropped(each) for each in pan(1, 12, 12)]

    assert known.keys(between[1::4]) == known.keys([cropped(pan(1)[0])] * 1) == ["clip 1"]


def test_strangers_are_not_known_nor_by_the_words_that_stand_on_both(known: Known) -> None:
    written = Known(**{f"clip {seed}": [written_over(each) for each in pan(seed)] for seed in range(4)})

    for seed in range(20, 24):
        assert known.keys(pan(seed)) == []
        assert written.keys([written_over(each) for each in pan(seed)]) == []


def window(content: np.ndarray) -> np.ndarray:
    """The frame of a program, the same for all: a bar of tools, a column of names, a row of states."""
    out = np.full((360, 640, 3), 235, np.uint8)
    for column in range(18):
        cv2.rectangle(out, (8 + 34 * column, 6), (34 + 34 * column, 30), (60 + 9 * column, 120, 200 - 9 * column), -1)
    for row in range(14):
        cv2.putText(out, f"entry {row * 37 % 101}", (6, 60 + 20 * row), cv2.FONT_HERSHEY_PLAIN, 0.9, (20, 20, 20), 1)
    cv2.putText(out, "line 12, column 7   saved   ready", (6, 352), cv2.FONT_HERSHEY_PLAIN, 0.9, (20, 20, 20), 1)
    out[40:336, 110:632] = content[40:336, 110:632]
    return out


def test_the_same_program_around_another_content_is_no_copy() -> None:
    shown = Known(**{f"clip {seed}": [window(each) for each in pan(seed)] for seed in range(3)})

    for seed in range(30, 34):
        assert shown.keys([window(each) for each in pan(seed)]) == []
    assert shown.keys([window(each) for each in pan(1)]) == ["clip 1"]


def with_object(place: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The place with something else in the middle, over so much of its width and height."""
    out, other = place.copy(), scene(seed)
    rows, columns = (slice(round(side * (1 - share) / 2), round(side * (1 + share) / 2)) for side in place.shape[:2])
    out[rows, columns] = other[rows, columns]
    return out


def test_the_same_place_with_another_object_is_told_by_how_much_of_the_picture_is_another() -> None:
    """Honest about what it does: a small object leaves a near copy of the picture, a large one another picture."""
    place = Known(place=[with_object(scene(40), 0.3, 41)])

    assert place.keys([with_object(scene(40), 0.3, 42)]) == ["place"]
    assert place.keys([with_object(scene(40), 0.85, 42)]) == []


def test_one_frame_of_many_is_not_enough(known: Known) -> None:
    assert known.keys([pan(1)[2], *(scene(seed) for seed in range(50, 53))]) == []
    assert known.keys([pan(1)[2], pan(1)[4], *(scene(seed) for seed in range(50, 52))]) == ["clip 1"]


def test_a_still_is_known_by_itself_and_frames_without_texture_do_not_count(known: Known) -> None:
    flat = np.full((360, 640, 3), 90, np.uint8)

    assert known.keys([cropped(scene(10))]) == ["still"]
    assert known.keys([flat, cropped(scene(10)), flat]) == ["still"]
    assert known.keys([flat]) == known.keys([]) == []


def test_what_is_added_later_is_found_and_few_candidates_are_looked_at() -> None:
    many = Known(**{f"clip {seed}": [scene(seed)] for seed in range(60, 75)})
    many.add("nothing", [])
    assert many.keys([cropped(scene(90))]) == []

    many.add("late", [scene(90)])
    many.loaded.clear()

    assert many.keys([cropped(scene(90))]) == ["late"]
    assert 1 <= len(many.loaded) <= 2 * CANDIDATES
    assert len(many.index) == 16


def test_near_copies_are_all_named_the_best_first() -> None:
    near = Known(first=[scene(80)], second=[written_over(scene(80))])

    assert near.keys([scene(80)]) == ["first", "second"]
    assert near.keys([written_over(scene(80))]) == ["second", "first"]


def test_a_pattern_that_repeats_without_end_finds_nothing_and_costs_little() -> None:
    board = np.kron(np.indices((18, 32)).sum(axis=0) % 2, np.ones((20, 20)))[..., None].repeat(3, axis=2)
    boards = Known(board=[(board * 255).astype(np.uint8)])

    assert boards.keys([scene(3)]) == []
    assert len(local_features((board * 255).astype(np.uint8)).points) > 50


def gradient(seed: int) -> np.ndarray:
    """A picture without a corner: a sky, a wall, a fade."""
    random = np.random.default_rng(seed)
    start, end = random.integers(30, 220, (2, 3))
    ramp = np.linspace(start, end, 360)[:, None].repeat(640, axis=1)
    return np.ascontiguousarray(ramp.astype(np.uint8))


def news(frame: np.ndarray) -> np.ndarray:
    """A channel's bar over the lowest fifth."""
    out = frame.copy()
    out[290:] = (150, 20, 20)
    for row, words in ((315, "LIVE  the council meets at noon about the new bridge"), (345, "weather 12 C   18:42")):
        cv2.putText(out, words, (8, row), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2, cv2.LINE_AA)
    return out


def boxed(frame: np.ndarray) -> np.ndarray:
    """A sign in the middle that says little, dense with corners."""
    out = frame.copy()
    out[130:200, 250:420] = scene(7)[130:200, 250:420]
    return out


def labelled(frame: np.ndarray) -> np.ndarray:
    style = LabelStyle(height=0.1)
    return burn_label(Clip(frame[None], np.zeros(1), 1.0), "AI-generated", style=style).frames[0]


def framed(frame: np.ndarray) -> np.ndarray:
    """A bar below, a line of words above and a column of names at the side: much of the frame, none of its middle."""
    out = news(frame)
    out[:40] = (20, 20, 90)
    cv2.putText(out, "channel 7   morning news   and more", (8, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 0), 2)
    for row in range(12):
        cv2.putText(out, f"row {row * 37 % 101}", (4, 62 + 18 * row), cv2.FONT_HERSHEY_PLAIN, 0.9, (250, 250, 250), 1)
    return out


@pytest.mark.parametrize("overlay", [news, boxed, labelled, framed])
def test_a_flat_picture_under_an_overlay_leads_to_no_stranger_under_the_same(overlay) -> None:
    under = Known(
        **{f"flat {seed}": [overlay(gradient(seed)), overlay(gradient(seed + 9))] for seed in range(2)},
        textured=[overlay(scene(31)), overlay(scene(32))],
    )

    assert under.keys([overlay(gradient(5)), overlay(gradient(6))]) == []
    assert under.keys([overlay(scene(41)), overlay(scene(42))]) == []
    assert under.keys([overlay(scene(43))]) == []
    assert under.keys([overlay(scene(31)), overlay(scene(32))]) == ["textured"]


def test_thin_frames_are_left_out_and_the_others_of_their_video_are_known() -> None:
    mixed = Known(mixed=[news(gradient(1)), scene(31), gradient(2), scene(32)])

    assert [is_spread(each) for each in mixed.kept["mixed"]] == [False, True, False, True]
    assert mixed.keys([cropped(scene(31)), cropped(scene(32))]) == ["mixed"]


def variants(count: int) -> dict[str, list[np.ndarray]]:
    """One scene, each time with something else in a corner of it."""
    return {f"variant {at}": [with_object(scene(40), 0.2, 100 + at)] for at in range(count)}


def test_seven_variants_of_one_scene_hide_no_eighth() -> None:
    many = Known(**variants(7), eighth=[cropped(scene(40), 0.05, 0.05, 0.9)])

    assert set(many.keys([scene(40)])) == {*many.kept}
    assert len(many.loaded) == len(set(many.loaded))  # both passes look at one copy


def test_videos_asked_for_by_name_are_compared_however_many_are_more_alike(monkeypatch) -> None:
    monkeypatch.setattr("media.feature_index.CANDIDATES", 2)
    many = Known(**variants(4), withdrawn=[cropped(scene(40), 0.05, 0.05, 0.9)])
    asked = described([scene(40)])

    assert "withdrawn" not in {each.key for each in many.index.matches(asked)}
    found = [each.key for each in many.index.matches(asked, {"withdrawn"})]
    assert len(found) == 3
    assert "withdrawn" in found
    assert [each.key for each in many.index.matches(asked, {"withdrawn"}, alone=True)] == ["withdrawn"]
    assert many.index.matches(asked, {"variant of nothing"}, alone=True) == []
