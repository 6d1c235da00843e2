"""Writing in frames: read by the real reader, judged by the given text classifiers, placed in time and picture."""

from __future__ import annotations

import logging
import socket

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import MeasurementError, Score, TextSpan, WeightsError
from classifiers.ocr import Line, OcrReader
from classifiers.text_in_frames import READ_GAP_S, TextInFramesClassifier, frames_to_read
from media.clip import Clip


class WordClassifier:
    """Finds one word; refuses text without a Latin letter."""

    name = "words"
    version = "1"
    accepts = str
    signals = frozenset({"terms.bad", "terms.worse"})

    def __init__(self):
        self.seen = []

    def score(self, content):
        self.seen.append(content)
        if not any(char.isascii() and char.isalpha() for char in content):
            raise MeasurementError("script not supported")
        at = content.lower().find("attack")
        bad = Score("terms.bad", 0.9, TextSpan(at, at + 6), "term:attack") if at >= 0 else Score("terms.bad", 0.0)
        return [bad, Score("terms.worse", 0.1)]


class WrittenReader:
    """Reads what was written for it: one list of lines for each distinct brightness of the frame."""

    version = "written"

    def __init__(self, pages):
        self.pages = pages

    def read(self, picture):
        return self.pages[int(picture[0, 0, 0])]


def line(text, confidence=0.9, box=(0.1, 0.1, 0.5, 0.2)):
    return Line(text, confidence, box)


def clip_of(*frames, start_s=0.0, fps=1.0):
    return Clip(np.stack(frames), start_s + np.arange(len(frames)) / fps, fps=fps)


def plain(level, size=64):
    return np.full((size, size, 3), level, dtype=np.uint8)


def written(picture, text, y=0.5):
    picture = picture.copy()
    place = (20, int(picture.shape[0] * y))
    for colour, thickness in ((0, 0, 0), 8), ((255, 255, 255), 2):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.0, colour, thickness, cv2.LINE_AA)
    return picture


def by_signal(scores):
    return {score.signal: score for score in scores}


@pytest.fixture(scope="module")
def reader():
    return OcrReader()


def test_writing_in_a_photograph_reaches_the_text_classifiers_with_time_and_place(reader):
    words = WordClassifier()
    classifier = TextInFramesClassifier([words], reader)
    frame = written(skimage.data.astronaut(), "ATTACK AT DAWN", y=0.9)

    scores = by_signal(classifier.score(clip_of(skimage.data.astronaut(), frame, start_s=7.0)))

    assert words.seen == ["ATTACK AT DAWN"]
    assert scores["frame.text"].value > 0.8
    assert scores["frame.terms.bad"].value == 0.9
    assert scores["frame.terms.bad"].detail == "term:attack"
    span = scores["frame.terms.bad"].span
    assert (span.start_s, span.end_s) == (8.0, 8.0)
    left, top, right, bottom = span.box
    assert left < 0.1
    assert 0.4 < right < 1.0
    assert 0.75 < top < bottom < 1.0


def test_a_frame_without_writing_scores_nothing_and_is_still_measured(reader):
    classifier = TextInFramesClassifier([WordClassifier()], reader)

    scores = by_signal(classifier.score(clip_of(skimage.data.rocket())))

    assert {signal: score.value for signal, score in scores.items()} == {
        "frame.text": 0.0,
        "frame.terms.bad": 0.0,
        "frame.terms.worse": 0.0,
    }


def test_reading_is_silent_and_opens_no_connection(capsys, monkeypatch):
    def refused(*_):
        raise AssertionError("a network connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    lines = OcrReader().read(written(skimage.data.coffee(), "HELLO"))

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
    assert not logging.getLogger("RapidOCR").isEnabledFor(logging.ERROR)
    assert "HELLO" in [line.text for line in lines]


def test_lines_are_judged_together_and_a_hit_is_placed_on_its_own_line():
    first, second = line("they will", box=(0.1, 0.1, 0.9, 0.2)), line("attack us", box=(0.2, 0.5, 0.6, 0.6))
    words = WordClassifier()
    classifier = TextInFramesClassifier([words], WrittenReader({5: [first, second]}))

    scores = by_signal(classifier.score(clip_of(plain(5))))

    assert words.seen == ["they will attack us"]
    assert scores["frame.terms.bad"].span.box == second.box
    assert scores["frame.terms.worse"].span.box == (0.1, 0.1, 0.9, 0.6)


def test_writing_that_a_text_classifier_cannot_measure_is_unmeasured_not_clean():
    classifier = TextInFramesClassifier([WordClassifier()], WrittenReader({5: [line("смерть")]}))

    with pytest.raises(MeasurementError, match=r"at 0\.00 s was read, but words cannot measure it"):
        classifier.score(clip_of(plain(5)))


def test_the_message_of_an_unmeasured_window_does_not_repeat_the_writing():
    classifier = TextInFramesClassifier([WordClassifier()], WrittenReader({5: [line("секретно")]}))

    with pytest.raises(MeasurementError) as caught:
        classifier.score(clip_of(plain(5)))

    assert "секретно" not in str(caught.value)


@pytest.mark.parametrize(("noise", "present"), [("1488", 0.9), ("жа", 0.0), ("X 7", 0.0), ("-", 0.0)])
def test_less_than_three_letters_say_nothing(noise, present):
    words = WordClassifier()
    classifier = TextInFramesClassifier([words], WrittenReader({5: [line(noise)]}))

    scores = by_signal(classifier.score(clip_of(plain(5))))

    assert words.seen == []
    assert scores["frame.text"].value == present
    assert scores["frame.terms.bad"].value == 0.0


def test_the_same_writing_is_judged_once():
    words = WordClassifier()
    classifier = TextInFramesClassifier([words], WrittenReader({5: [line("hello")], 105: [line("hello")]}))

    classifier.score(clip_of(plain(5), plain(105)))

    assert words.seen == ["hello"]


def test_the_worst_frame_counts():
    pages = {5: [line("hello")], 105: [line("attack")], 205: [line("goodbye")]}
    classifier = TextInFramesClassifier([WordClassifier()], WrittenReader(pages))

    scores = by_signal(classifier.score(clip_of(plain(5), plain(105), plain(205))))

    assert scores["frame.terms.bad"].value == 0.9
    assert scores["frame.terms.bad"].span.start_s == 1.0


def test_frames_that_show_the_same_are_read_once_and_new_writing_is_noticed():
    still = skimage.data.coffee()
    noisy = np.clip(still.astype(int) + np.random.default_rng(0).integers(-6, 7, still.shape), 0, 255).astype(np.uint8)
    subtitled = written(still, "NEW WORDS", y=0.9)

    assert frames_to_read(clip_of(still, noisy, still, subtitled, subtitled)) == [0, 3]


def test_sixteen_different_frames_half_a_second_apart_are_all_read():
    levels = [*range(0, 256, 17)]
    words = WordClassifier()
    reader = WrittenReader({level: [line(f"page of grey {level}")] for level in levels})

    TextInFramesClassifier([words], reader).score(clip_of(*map(plain, levels), start_s=0.1, fps=2.0))

    assert words.seen == [f"page of grey {level}" for level in levels]


@pytest.mark.parametrize("fps", [8.0, 3.0, 2.002, 29.97])
def test_a_changing_window_of_two_seconds_is_read_at_gaps_of_half_a_second_at_most(fps):
    frames = [plain(level) for level in (0, 50, 100, 150, 200)] * 12
    clip = clip_of(*frames[: int(2 * fps)], start_s=4.0, fps=fps)

    read = frames_to_read(clip)

    assert (read[0], read[-1]) == (0, len(clip.frames) - 1)
    assert np.diff(clip.times_s[read]).max() <= READ_GAP_S
    assert len(read) <= 7


def test_writing_that_appears_soon_after_a_reading_and_stays_is_read():
    clip = clip_of(plain(0), *[plain(100)] * 14, plain(200), fps=8.0)

    assert frames_to_read(clip) == [0, 4, 15]


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 60, 120, 180, 240]), st.floats(0.01, 1.0)),
        min_size=1,
        max_size=24,
    )
)
def test_no_picture_that_stands_longer_than_the_gap_stays_unread(shown):
    levels, steps = zip(*shown, strict=True)
    times_s = np.cumsum(steps)
    clip = Clip(np.stack([plain(level, size=8) for level in levels]), times_s, fps=10.0)

    read = frames_to_read(clip)

    for first, level in enumerate(levels):
        run = first
        while run + 1 < len(levels) and levels[run + 1] == level:
            run += 1
        gone_s = times_s[run + 1] if run + 1 < len(levels) else np.inf
        if gone_s - times_s[first] > READ_GAP_S:
            latest_read = max(at for at in read if at <= run)
            assert levels[latest_read] == level


def test_signals_are_named_after_the_text_signals():
    classifier = TextInFramesClassifier([WordClassifier()], WrittenReader({}))

    assert classifier.signals == {"frame.text", "frame.terms.bad", "frame.terms.worse"}


def test_frames_too_small_to_read_are_unmeasured(reader):
    with pytest.raises(MeasurementError, match="too small to be read"):
        TextInFramesClassifier([WordClassifier()], reader).score(clip_of(plain(0, size=16)))


def test_altered_reading_networks_are_refused(tmp_path):
    altered = tmp_path / "det.onnx"
    altered.write_bytes(b"altered")

    with pytest.raises(WeightsError, match="SHA-256"):
        OcrReader({"Det": altered})
