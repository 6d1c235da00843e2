from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.training.probe import probe, wilson
from generator.training.render_clips import Example, example, render
from media.clip import Frames


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_stays_in_range(total: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, total))
    low, high = wilson(hits, total)
    assert 0 <= low <= hits / total + 1e-12
    assert hits / total - 1e-12 <= high <= 1


def test_the_interval_is_wilsons() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_clips_of_other_prompts_score_near_chance() -> None:
    """A probe that always agrees would pass any checkpoint."""

    def shuffled(wanted: Example, number: int) -> Frames:
        other = example(number + 1000, 77)
        return render(other.scene, other.layout, 128, 128, 8)

    figures = probe(shuffled, 40)
    assert all(slot["n"] == 40 for slot in figures.values())
    assert figures["colour"]["share"] < 0.4
    assert figures["place"]["share"] < 0.45
    assert math.isclose(figures["shape"]["k"] / 40, figures["shape"]["share"])


def test_grey_frames_show_nothing() -> None:
    def grey(wanted: Example, number: int) -> Frames:
        return np.full((8, 64, 64, 3), 128, np.uint8)

    assert probe(grey, 5)["colour"]["k"] == 0
