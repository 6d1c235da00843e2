"""It asks its directory for every window, passes on what it says, and never reads like a search that was none."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from classifiers.base import KnownPlace, TimeSpan
from classifiers.known_content import KnownContentClassifier
from media.clip import Clip

SIGNALS = frozenset({"video.known_content.hate", "video.known_content.fraud"})
CLIP = Clip(np.stack([skimage.data.astronaut()[:128, :128]] * 2), np.array([4.0, 4.5]), 24.0)


class Directory:
    def __init__(self, places: list[KnownPlace], items: int = 7) -> None:
        self.places, self.items, self.asked = places, items, 0

    def size(self) -> tuple[int, int]:
        return 2, self.items

    def find(self, prints):
        self.asked += 1
        assert [time_s for time_s, _ in prints] == [4.0, 4.5]
        assert all(one.mirrored_hex for _, one in prints)
        return self.places


def test_a_place_is_reported_under_its_own_signal_and_the_common_one():
    place = KnownPlace("video.known_content.hate", 0.9, 4.0, 4.5, "bank:a/1")
    scores = KnownContentClassifier(Directory([place]), lambda: SIGNALS).score(CLIP)

    told = {score.signal: (score.value, score.detail) for score in scores}
    assert told == {
        "video.known_content.hate": (0.9, "bank:a/1"),
        "video.known_content": (0.9, "bank:a/1"),
        "video.known_content.fraud": (0.0, ""),
    }
    assert all(score.span == TimeSpan(4.0, 4.5) for score in scores if score.value)


def test_nothing_found_says_how_much_was_looked_for():
    scores = KnownContentClassifier(Directory([]), lambda: SIGNALS).score(CLIP)

    assert {score.signal for score in scores} == {*SIGNALS, "video.known_content"}
    assert {score.value for score in scores} == {0.0}
    assert {score.detail for score in scores} == {"", "banks:2 items:7"}


def test_empty_banks_cost_no_hash_and_a_directory_that_fails_fails_the_measurement():
    empty = Directory([], items=0)
    KnownContentClassifier(empty, lambda: SIGNALS).score(CLIP)
    assert empty.asked == 0

    class Broken(Directory):
        def size(self):
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        KnownContentClassifier(Broken([]), lambda: SIGNALS).score(CLIP)
