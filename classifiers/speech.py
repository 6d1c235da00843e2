"""Measures what is said in a video: a transcriber listens, the text classifiers judge the words.

`text.hate` of what was said becomes `audio.text.hate`, with the seconds. Without a transcriber a file with sound is
unmeasured; a file without sound is measured: nothing is said. It knows no voices, no music and no noises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.base import Classifier, MeasurementError, Score, TimeSpan
from classifiers.weights import version_of
from media.clip import Clip

SPEECH = "audio.speech"
"""Words were heard: 1.0; not a harm."""

_FEWEST_LETTERS = 3


class Transcriber(Protocol):
    """Turns sound into words."""

    version: str

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        """Return what is said in float32 (N,) in [-1, 1], 16 000 a second; empty where nothing is.

        Raises:
            MeasurementError: nobody could tell.
        """


class SpeechClassifier:
    """Every signal of the given text classifiers, measured on what is said."""

    name = "speech"
    accepts = Clip

    def __init__(self, text_classifiers: Sequence[Classifier[str]], transcriber: Transcriber | None) -> None:
        """Listen with this transcriber; None: whatever has sound is unmeasured."""
        self._text_classifiers = tuple(text_classifiers)
        self._transcriber = transcriber
        self.signals = spoken_signals(classifier.signals for classifier in self._text_classifiers)
        self.version = version_of(
            transcriber.version if transcriber else "no transcriber",
            *(f"{classifier.name} {classifier.version}" for classifier in self._text_classifiers),
            str(_FEWEST_LETTERS),
        )

    def score(self, content: Clip) -> list[Score]:
        """Return a Score of every signal for the sound of this window; 0.0 where nothing is said.

        Raises:
            MeasurementError: there is sound that nobody listened to, or words that nobody can judge.
        """
        if content.sound is not None and not len(content.sound.samples):
            return self._nothing()
        if content.sound is None or self._transcriber is None:
            raise MeasurementError("the file has sound, and no transcriber is configured that could listen to it")
        words = self._transcriber.transcribe(content.sound.samples.astype(np.float32) / np.float32(32768))
        if sum(character.isalpha() for character in words) < _FEWEST_LETTERS:
            return self._nothing()
        place = TimeSpan(content.sound.start_s, content.sound.end_s)
        best = {score.signal: score for score in self._nothing()}
        best[SPEECH] = Score(SPEECH, 1.0, place)
        for classifier in self._text_classifiers:
            try:
                scores = classifier.score(words)
            except MeasurementError as error:
                raise MeasurementError(
                    f"what is said at {place.start_s:.1f} s was heard, but {classifier.name} cannot measure it: {error}"
                ) from error
            for score in scores:
                signal = f"audio.{score.signal}"
                if score.value > best[signal].value:
                    best[signal] = Score(signal, score.value, place, score.detail)
        return list(best.values())

    def _nothing(self) -> list[Score]:
        return [Score(signal, 0.0) for signal in sorted(self.signals)]


def spoken_signals(text_signals: Iterable[Iterable[str]]) -> frozenset[str]:
    """Return the signals of speech that stand for these sets of text signals, and `audio.speech` itself."""
    return frozenset({SPEECH, *(f"audio.{signal}" for signals in text_signals for signal in signals)})
