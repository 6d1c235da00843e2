"""Clips that are made for measuring: many, diverse, always the same."""

from __future__ import annotations

import numpy as np

from media.specimens import make, specimens


def test_thirty_kinds_and_more_with_names_of_their_own() -> None:
    names = [each.name for each in specimens()]

    assert len(set(names)) == len(names) >= 30


def test_each_has_the_frames_asked_for_at_an_even_size() -> None:
    for specimen in specimens():
        clip = make(specimen, 2)

        assert clip.frames.shape[0] == 2, specimen.name
        assert clip.frames.shape[1] % 2 == clip.frames.shape[2] % 2 == 0, specimen.name
        assert min(clip.frames.shape[1:3]) >= 240, specimen.name
        assert clip.fps == specimen.fps


def test_the_same_specimen_is_the_same_clip() -> None:
    specimen = next(each for each in specimens() if each.name == "snow at night")

    assert np.array_equal(make(specimen, 3).frames, make(specimen, 3).frames)


def test_still_ones_stand_and_moving_ones_move() -> None:
    by_name = {each.name: each for each in specimens()}
    still, moving = (make(by_name[name], 5).frames.astype(int) for name in ("palace, still", "palace, pan"))

    assert np.abs(still[0] - still[4]).mean() < 1 < np.abs(moving[0] - moving[4]).mean()
