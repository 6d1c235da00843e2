"""Labels and marks about origin that can be read in frames."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from classifiers.base import MeasurementError
from classifiers.ocr import Line
from classifiers.visible_label import SIGNAL, VisibleLabelClassifier
from media.clip import Clip
from provenance.label import burn_label
from provenance.label_style import EU_ICON, LANGUAGES, LabelStyle, Place
from safety.domain import Origin, Strength
from safety.label_evidence import label_link

BOTTOM, MIDDLE, CORNER = (0.3, 0.9, 0.7, 0.95), (0.3, 0.45, 0.7, 0.55), (0.85, 0.9, 0.97, 0.95)


class Pages:
    """A reader for tests: gives each frame the lines of its turn."""

    version = "1"

    def __init__(self, *pages):
        self.pages, self.turn = pages, -1

    def read(self, picture):
        if min(picture.shape[:2]) < 32:
            raise MeasurementError("too small to be read")
        self.turn += 1
        return [Line(text, 0.9, box) for text, box in self.pages[self.turn % len(self.pages)]]


def clip_of(count, side=64):
    return Clip(np.zeros((count, side, side, 3), np.uint8), np.arange(count) * 2.0, 8.0)


def details(*pages, count=1):
    scores = VisibleLabelClassifier(Pages(*pages)).score(clip_of(count))
    assert {score.signal for score in scores} == {SIGNAL}
    return [score.detail for score in scores if score.value]


@pytest.mark.parametrize(
    "words",
    [
        "AI generated",
        "Al generated",
        "AI-generated · framegate",
        "Made with AI",
        "KI-generiert",
        "Kl-generiert",
        "Généré par l'IA",
        "Generado con IA",
        "Generato con IA",
        "Gerado por IA",
        "AI生成",
        "Al生成",
        "人工智能生成",
        "本视频由AI生成",
    ],
)
def test_labels_of_many_languages_are_found_at_the_edge(words):
    assert details([(words, BOTTOM)]) == ["label"]


@pytest.mark.parametrize("words", sorted({*LANGUAGES.values(), *EU_ICON.values(), LabelStyle().text}))
def test_our_own_labels_are_found_in_every_language(words):
    assert details([(words, BOTTOM)]) == ["label"]
    assert details([(words.replace("AI", "Al"), BOTTOM)]) == ["label"]  # as a reader of pixels sees it


@pytest.mark.parametrize(
    "words",
    [
        "AIRPORT",
        "main street",
        "made in Italy",
        "hail the king",
        "Al Pacino created it",
        "kitchen",
        "generated revenue",
    ],
)
def test_other_words_are_not(words):
    assert details([(words, BOTTOM)]) == []


def test_a_phrase_in_the_middle_or_in_a_long_line_is_a_mention():
    long = "Tonight at nine: how many of the videos that you see every day are AI generated?"

    assert details([("AI generated", MIDDLE)]) == ["mention"]
    assert details([(long, BOTTOM)]) == ["mention"]


def test_a_generators_name_counts_in_a_corner_alone_and_by_itself():
    assert details([("Kling AI", CORNER)]) == ["mark:kling ai"]
    assert details([("Sora", BOTTOM)]) == []
    assert details([("Sora's bakery", CORNER)]) == []


def test_a_label_that_stands_is_a_declaration_and_one_seen_once_is_a_hint():
    standing, _ = label_link(VisibleLabelClassifier(Pages([("AI generated", BOTTOM)])), clip_of(3))
    once, _ = label_link(VisibleLabelClassifier(Pages([("AI generated", BOTTOM)], [], [])), clip_of(3))

    assert [(each.points_to, each.strength) for each in standing] == [(Origin.SYNTHETIC, Strength.DECLARATION)]
    assert [each.strength for each in once] == [Strength.HINT]


def test_a_mark_and_a_mention_are_hints_with_their_places():
    found, missing = label_link(VisibleLabelClassifier(Pages([("Sora", CORNER), ("made with AI", MIDDLE)])), clip_of(2))

    assert [each.strength for each in found] == [Strength.HINT, Strength.HINT]
    assert found[1].detail["generator"] == "sora"
    assert found[1].detail["places"][0] == {"at_s": 0.0, "box": CORNER}
    assert missing == []


def test_frames_that_cannot_be_read_are_unmeasured():
    _, missing = label_link(VisibleLabelClassifier(Pages([])), clip_of(2, side=16))

    assert [(gap.signal, gap.reason) for gap in missing] == [(SIGNAL, "too small to be read")]
    assert label_link(None, clip_of(1))[1]


def test_a_burned_in_label_is_read_from_pixels():
    frame = np.full((360, 640, 3), (60, 90, 70), np.uint8)
    cv2.putText(frame, "AI generated", (380, 340), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2, cv2.LINE_AA)

    (score,) = VisibleLabelClassifier().score(Clip(frame[None], np.zeros(1), 8.0))

    assert score.detail == "label"
    assert score.value > 0.5


@pytest.mark.parametrize(("height", "width"), [(480, 640), (270, 480)])
def test_the_label_of_chinese_and_japanese_houses_is_read_though_no_font_is_there(height, width):
    """Drawn in strokes of our own, at the least height that a label may have."""
    ground = cv2.GaussianBlur(np.random.default_rng(1).normal(110, 60, (height, width, 3)), (0, 0), 9)
    frame = np.clip(ground, 0, 255).astype(np.uint8)
    label = LabelStyle(LANGUAGES["zh"], Place.BOTTOM_RIGHT)

    (score,) = VisibleLabelClassifier().score(burn_label(Clip(frame[None], np.zeros(1), 8.0), style=label))

    assert score.detail == "label"
    assert score.value > 0.5
