"""Finds what is written into the picture about its origin: "AI generated", or the name of a generator in a corner.

Reads with the OCR of `classifiers.ocr`: Latin, Chinese and Japanese writing. Whether a label is true, and what follows,
is not its matter; marks without letters (a logo, a sparkle) are not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from classifiers.base import Score, TimeSpan
from classifiers.ocr import Line, OcrReader, PictureReader
from classifiers.weights import version_of
from media.clip import Clip

SIGNAL = "video.visible_label"

LABEL = "label"
"""Detail of a score for a phrase that declares synthesis at the edge of the picture."""

MENTION = "mention"
"""The same phrase in its middle, or in a long line: somebody may be talking about it."""

MARK = "mark:"
"""Begins the detail of a score for a generator's name in a corner; the name follows."""

_PHRASES = (
    r"\bai[\s-]*(generated|made|created|modified|video|image)\b",
    r"\b(generated|made|created|produced) (with|by|using) (ai|artificial intelligence)\b",
    r"\bartificially generated\b",
    r"\bki[\s-]*(generiert|erzeugt|erstellt)",
    r"\bmit ki (generiert|erzeugt|erstellt)",
    r"\bg[ée]n[ée]r[ée]e?s? par (l.?)?(ia|intelligence artificielle)\b",
    r"\bcontenu ia\b",
    r"\bai[\s-]*gegenereerd\b|\b(gemaakt|gegenereerd) met ai\b",
    r"\bgenerad[oa] (con|por) (ia|inteligencia artificial)\b",
    r"\bgenerat[oa] (con|da|dall.?)\s*(ia|intelligenza artificiale)\b",
    r"\bgerad[oa] (com|por) (ia|intelig[êe]ncia artificial)\b",
    r"ai\s*(生成|合成|创作|製作)",
    r"人工智[能慧]\s*(生成|合成)",
    r"由\s*ai",
    r"ai\s*(によって|で)\s*(生成|作成)",
)
_PHRASE = re.compile("|".join(_PHRASES), re.I)

_MARKS = re.compile(
    r"^(made (with|in) )?(sora|pika( labs| art)?|runway(ml)?|kling( ?ai)?|hailuo( ?ai)?|minimax|luma( ?ai)?|"
    r"dream machine|veo( ?[23])?|vidu( ?ai)?|pixverse|midjourney|gen-?[234]|可灵|即梦)( ?\d(\.\d)?)?$",
    re.I,
)

_CONFUSED = re.compile(r"(?<![A-Za-z])([AaKk])[l1|!](?![A-Za-z])")
"""A reader of pixels cannot tell the I of AI and KI from an l: `Al generated` is what it reads."""

EDGE = 0.3
"""Share of the picture from each side within which a label stands."""

LONGEST = 60
"""Characters of a line that is a label and not a sentence."""


class VisibleLabelClassifier:
    """Labels and marks about origin that can be read in frames; 0.0 where none is."""

    name = "visible_label"
    accepts = Clip
    signals = frozenset({SIGNAL})

    def __init__(self, reader: PictureReader | None = None) -> None:
        """Check the reader's networks now; load them with the first frame.

        Raises:
            WeightsError: rapidocr is not installed or a file is not the pinned one.
        """
        self._reader: PictureReader = reader or OcrReader()
        self.version = version_of(self._reader.version, *_PHRASES, _MARKS.pattern, f"{EDGE} {LONGEST}")

    def score(self, content: Clip) -> list[Score]:
        """Return one score for each label and mark in each frame, its value the reader's confidence.

        Raises:
            MeasurementError: the frames are too small to be read.
        """
        found = [score for at in range(len(content.frames)) for score in self._of_frame(content, at)]
        return found or [Score(SIGNAL, 0.0, TimeSpan(content.start_s, content.end_s))]

    def _of_frame(self, content: Clip, at: int) -> Iterator[Score]:
        time_s = float(content.times_s[at])
        for line in self._reader.read(content.frames[at]):
            if line.readable and (detail := _meaning(line)):
                yield Score(SIGNAL, line.confidence, TimeSpan(time_s, time_s, line.box), detail)


def _meaning(line: Line) -> str:
    left, top, right, bottom = line.box
    across, down = (left + right) / 2, (top + bottom) / 2
    text = _CONFUSED.sub(r"\1I", line.text)
    if _PHRASE.search(text):
        at_edge = not (EDGE <= down <= 1 - EDGE)
        return LABEL if at_edge and len(line.text) <= LONGEST else MENTION
    in_corner = not (EDGE <= down <= 1 - EDGE) and not (EDGE <= across <= 1 - EDGE)
    if in_corner and (mark := _MARKS.match(text.strip(" ·•.@#-"))):
        return f"{MARK}{mark[3].lower()}"
    return ""
