"""Reads what a prompt means: a fine-tuned sentence encoder with one calibrated probability a signal.

English text is read by the English encoder, text in the other supported languages by the multilingual one, mixed and
doubtful text by both; any other language is unmeasured. It knows no names (see `entities`), no listed phrases (see
`lexicon`) and no threshold. Figures and blind spots: docs/cards/text_encoder.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from classifiers.base import MeasurementError, Score, WeightsError
from classifiers.languages import Readers, readers_of
from classifiers.multilingual_text import MultilingualText, higher
from classifiers.normalize import Normalized, normalize
from classifiers.passages import after_frame, passages, stretches
from classifiers.sentence_encoder import SentenceEncoder
from classifiers.weights import embedded, version_of

CONFIG_FILE: Final = "text_encoder/config.json"
CONFIG_SHA256: Final = "88a1a1add9e4a6a4ca262d0cba0ddf658f9a4fa0deb3d3b825c449268d468f4f"

READING: Final = "mixed text by passage, long text by stretch, framed text without its frame; unknown unmeasured"
"""How texts are dealt to the encoders: part of the version, like weights."""

SIGNALS: Final = frozenset(
    {
        "text.sexual",
        "text.violence",
        "text.hate",
        "text.harassment",
        "text.self_harm",
        "text.illicit",
        "text.public_figure",
        "text.ip",
        "text.deceptive",
        "text.disturbing",
    }
)


class TextEncoderClassifier:
    """Text in, one Score a signal out. A long text is read in windows and the highest window counts."""

    name = "text_encoder"
    accepts = str
    signals = SIGNALS

    def __init__(self) -> None:
        """Load the encoder.

        Raises:
            WeightsError: a file is missing, altered or of other signals.
        """
        self._encoder = SentenceEncoder()
        config = json.loads(embedded(CONFIG_FILE, CONFIG_SHA256).read_text(encoding="utf-8"))
        self._order: tuple[str, ...] = tuple(config["signals"])
        if set(self._order) != SIGNALS:
            raise WeightsError("config.json of the text encoder names other signals; reinstall framegate")
        self._multilingual = MultilingualText(SIGNALS)
        self.version = version_of(*self._encoder.digests, CONFIG_SHA256, *self._multilingual.digests, READING)

    def score(self, content: str) -> list[Score]:
        """Return one Score a signal: the highest over the text's windows, with that window's span if there are several.

        Raises:
            MeasurementError: no letters, an unsupported language or script, or longer than the encoder reads.
        """
        normalized = normalize(content)
        readers = readers_of(normalized.text)
        scores = self._read(normalized, readers)
        for part in _parts(normalized, readers):
            scores = higher(scores, self._read_alone(part))
        return scores

    def _read(self, normalized: Normalized, readers: Readers) -> list[Score]:
        english = self._english(normalized) if readers.english else []
        return higher(english, self._multilingual.score(normalized, readers.others) if readers.others else [])

    def _read_alone(self, part: Normalized) -> list[Score]:
        """Scores of a part by whoever reads it; none where it says too little alone. The whole text was read."""
        try:
            scores = self._read(part, readers_of(part.text))
        except MeasurementError:
            return []
        whole = part.to_original(0, len(part.text))
        return [score if score.span else replace(score, span=whole) for score in scores]

    def _english(self, normalized: Normalized) -> list[Score]:
        """The English encoder's Scores."""
        windows = self._encoder.windows(normalized.text)
        table = self._encoder.probabilities(windows)
        best = table.argmax(axis=0)
        scores = []
        for head, signal in enumerate(self._order):
            window = windows[best[head]]
            span = normalized.to_original(window.start, window.end) if len(windows) > 1 else None
            scores.append(Score(signal, float(table[best[head], head]), span))
        return scores


def _parts(normalized: Normalized, readers: Readers) -> Iterator[Normalized]:
    """What is read alone beside the whole text, so that nothing around it thins it out."""
    yield from passages(normalized) if readers.mixed else stretches(normalized)
    framed = after_frame(normalized)
    if framed is not None:
        yield framed
