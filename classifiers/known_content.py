"""Measures whether frames show something that a bank of known content holds, by PDQ fingerprints of the frames.

Knows no bank, no category and no reason: it asks a directory, which says where something known shows and under which
signal. It recognises copies (re-encoded, scaled, trimmed, mirrored, with a small mark over them), never the same scene
filmed again; crops of more than a few percent, rotation and heavy overlays escape it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from classifiers.base import KnownPlace, Score, TimeSpan
from classifiers.weights import version_of
from media.clip import Clip
from media.fingerprint import Fingerprint, fingerprint
from media.known_frames import ENOUGH_FRAMES, OFFSET_TOLERANCE_S

SIGNAL = "video.known_content"
"""Some bank holds what is shown; each place is also reported under the signal that its bank stands for."""


class KnownDirectory(Protocol):
    """Who knows what is known."""

    def size(self) -> tuple[int, int]:
        """Return how many banks are in force and how many items they look for."""

    def find(self, prints: Sequence[tuple[float, Fingerprint]]) -> list[KnownPlace]:
        """Return where known items show in (seconds, fingerprint) of frames in order."""


class NothingKnown:
    """A directory without banks: for data sets, which are judged by what they show."""

    def size(self) -> tuple[int, int]:
        """Return (0, 0)."""
        return 0, 0

    def find(self, prints: Sequence[tuple[float, Fingerprint]]) -> list[KnownPlace]:
        """Return nothing."""
        return []


class KnownContentClassifier:
    """Known content in a window of frames; the value says how surely (`media.known_frames.Sighting`)."""

    name = "known_content"
    accepts = Clip

    def __init__(self, directory: KnownDirectory, signals: Callable[[], frozenset[str]]) -> None:
        """Ask this directory for every window.

        Args:
            directory: the banks.
            signals: returns every signal that is asked for now, with or without `video.known_content`.
        """
        self._directory = directory
        self._asked = signals

    @property
    def signals(self) -> frozenset[str]:
        """Every signal that is measured now."""
        return self._asked() | {SIGNAL}

    @property
    def version(self) -> str:
        """Changes with what is looked for and how."""
        return version_of(f"pdq, {ENOUGH_FRAMES} frames, {OFFSET_TOLERANCE_S} s", *sorted(self.signals))

    def score(self, content: Clip) -> list[Score]:
        """Return a Score for each place where something known shows, 0.0 for signals without one.

        The detail of a place is `bank:ID/ITEM`; that of `video.known_content` at 0.0 says how many banks and items were
        looked for, so that an empty bank never reads like a search.

        Raises:
            Exception: whatever the directory raises; a video is never clean because nobody could be asked.
        """
        banks, items = self._directory.size()
        places = self._directory.find(_prints(content)) if items else []
        scores = [Score(one.signal, one.value, TimeSpan(one.start_s, one.end_s), one.detail) for one in places]
        scores += [Score(SIGNAL, one.value, TimeSpan(one.start_s, one.end_s), one.detail) for one in places]
        looked = f"banks:{banks} items:{items}"
        silent = self.signals - {score.signal for score in scores}
        return scores + [Score(signal, 0.0, detail=looked if signal == SIGNAL else "") for signal in sorted(silent)]


def _prints(clip: Clip) -> list[tuple[float, Fingerprint]]:
    return [
        (float(time_s), fingerprint(frame, mirrored=True))
        for time_s, frame in zip(clip.times_s, clip.frames, strict=True)
    ]
