"""Signs in strokes of our own: where a letter would stand, as high, none of them left out."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.label_strokes import CAPITAL, WRITTEN, line_width, write_line
from provenance.label_style import LANGUAGES, LabelStyle


def written(line: str, scale: float) -> np.ndarray:
    picture = np.zeros((round(60 * scale), line_width(line, scale) + 8), np.uint8)
    write_line(picture, line, (4, round(40 * scale)), scale)
    return picture > 128


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("sign", sorted(WRITTEN))
def test_a_sign_stands_on_the_line_a_little_larger_than_a_capital(sign: str, scale: float) -> None:
    rows, columns = np.nonzero(written(sign, scale))

    assert 1.0 < np.ptp(rows) / (CAPITAL * scale) < 1.45
    assert rows.min() >= 40 * scale - 1.3 * CAPITAL * scale
    assert abs(rows.max() - 40 * scale) < 0.25 * CAPITAL * scale
    assert columns.min() >= 3
    assert columns.max() <= 4 + line_width(sign, scale)


def test_letters_and_signs_follow_each_other_without_touching() -> None:
    seen = written("AI生成", 2.0).any(axis=0)
    runs = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(int), [0]])) == 1)

    assert len(runs) >= 4
    assert line_width("AI生成", 2.0) == line_width("AI", 2.0) + line_width("生", 2.0) + line_width("成", 2.0)


def test_two_signs_are_told_apart() -> None:
    one, other = (written(sign, 2.0) for sign in ("生", "成"))

    assert (one & other).sum() < 0.7 * min(one.sum(), other.sum())


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_language_of_ours_needs_a_font(language: str) -> None:
    assert LabelStyle(LANGUAGES[language]).font is None
