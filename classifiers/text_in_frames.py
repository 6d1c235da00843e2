"""Reads writing in frames and measures it with the text classifiers: `text.hate` of a sign becomes `frame.text.hate`.

Knows no word list and no network of its own: reading is `classifiers.ocr`, meaning is the text classifiers that it is
given. A still picture is read once, a changing one at least every `READ_GAP_S` seconds; writing that comes and goes
between two readings goes unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from classifiers.base import Classifier, MeasurementError, Score, TextSpan, TimeSpan
from classifiers.ocr import Line, OcrReader, PictureReader
from classifiers.weights import version_of
from media.clip import Clip

PRESENT = "frame.text"
"""Some writing is there; its value is the reader's confidence, not a harm."""

_FEWEST_LETTERS = 3
"""Less than this is a logo or noise (textures are read as single letters): nothing that could be judged."""

READ_GAP_S = 0.5
"""Seconds: a picture that stands longer than this is read. Shorter flashes may fall between two readings."""

_THUMBNAIL = 64
_SAME_WITHIN = 16.0
"""Grey levels. Frames none of whose 64x64 cells differ by more carry the same writing: a letter that appears in a line
of a twentieth of the height changes its cells by half the contrast and more."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Page:
    """What stands in one frame: the readable lines joined by spaces."""

    time_s: float
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    def box_of(self, start: int, end: int) -> Box:
        """Return the box around the lines that `text[start:end]` touches."""
        touched, at = [], 0
        for line in self.lines:
            if at < end and start < at + len(line.text):
                touched.append(line.box)
            at += len(line.text) + 1
        return _around(touched or [line.box for line in self.lines])


class TextInFramesClassifier:
    """Every signal of the given text classifiers, measured on what is written in the frames."""

    name = "text_in_frames"
    accepts = Clip

    def __init__(
        self,
        text_classifiers: Sequence[Classifier[str]],
        reader: PictureReader | None = None,
    ) -> None:
        """Check the reader's networks now; load them with the first frame.

        Args:
            text_classifiers: what measures the writing; each of their signals `x` is reported as `frame.x`.
            reader: what reads a frame; rapidocr by default.

        Raises:
            WeightsError: rapidocr is not installed or a file is not the pinned one.
        """
        self._text_classifiers = tuple(text_classifiers)
        self._reader: PictureReader = reader or OcrReader()
        self.signals = derived_signals(classifier.signals for classifier in self._text_classifiers)
        self.version = version_of(
            self._reader.version,
            *(f"{classifier.name} {classifier.version}" for classifier in self._text_classifiers),
            f"read every {READ_GAP_S} s, same within {_SAME_WITHIN}, at least {_FEWEST_LETTERS} letters",
        )

    def score(self, content: Clip) -> list[Score]:
        """Return the highest score of each signal over the frames that were read; 0.0 where nothing is written.

        Raises:
            MeasurementError: a text classifier cannot measure what is written (another script or language, say), or the
                frames are too small to be read.
        """
        pages = list(self._pages(content))
        best = {signal: Score(signal, 0.0) for signal in sorted(self.signals)}
        for score in self._scores(pages):
            if score.value > best[score.signal].value:
                best[score.signal] = score
        return list(best.values())

    def _pages(self, clip: Clip) -> Iterator[_Page]:
        for at in frames_to_read(clip):
            lines = tuple(line for line in self._reader.read(clip.frames[at]) if line.readable)
            if lines:
                yield _Page(float(clip.times_s[at]), lines)

    def _scores(self, pages: Sequence[_Page]) -> Iterator[Score]:
        judged: set[str] = set()
        for page in pages:
            for line in page.lines:
                if sum(character.isalnum() for character in line.text) >= _FEWEST_LETTERS:
                    yield Score(PRESENT, line.confidence, TimeSpan(page.time_s, page.time_s, line.box))
            if page.text in judged or sum(character.isalpha() for character in page.text) < _FEWEST_LETTERS:
                continue
            judged.add(page.text)
            for classifier in self._text_classifiers:
                yield from _measured(classifier, page)


def derived_signals(text_signals: Iterable[Iterable[str]]) -> frozenset[str]:
    """Return the frame signals that stand for these sets of text signals, and `frame.text` itself."""
    return frozenset({PRESENT, *(f"frame.{signal}" for signals in text_signals for signal in signals)})


def _measured(classifier: Classifier[str], page: _Page) -> Iterator[Score]:
    try:
        scores = classifier.score(page.text)
    except MeasurementError as error:
        raise MeasurementError(
            f"writing at {page.time_s:.2f} s was read, but {classifier.name} cannot measure it: {error}"
        ) from error
    for score in scores:
        span = score.span
        start, end = (span.start, span.end) if isinstance(span, TextSpan) else (0, len(page.text))
        place = TimeSpan(page.time_s, page.time_s, page.box_of(start, end))
        yield Score(f"frame.{score.signal}", score.value, place, score.detail)


def frames_to_read(clip: Clip) -> list[int]:
    """Return the indexes of the frames to read, ascending: the first, then those that differ from the last one read.

    A frame that differs is passed over only while the next frame still lies within `READ_GAP_S` of the last one read,
    so a changing clip is read at gaps of at most `READ_GAP_S`, or frame by frame where its frames lie further apart.
    Its last frame has no next one: it is read unless it shows what was read last.
    """
    chosen: list[int] = []
    last_cells: NDArray[np.float32] | None = None
    last_s = 0.0
    following_s = np.append(clip.times_s[1:], np.inf)
    for at, (frame, time_s, next_s) in enumerate(zip(clip.frames, clip.times_s, following_s, strict=True)):
        if chosen and next_s - last_s <= READ_GAP_S:
            continue
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        cells = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
        if last_cells is None or float(np.abs(cells - last_cells).max()) > _SAME_WITHIN:
            chosen.append(at)
            last_cells, last_s = cells, float(time_s)
    return chosen


def _around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around `boxes`."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
