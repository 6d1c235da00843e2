"""Measures flashing that can trigger seizures: flashes a second over a quarter of the picture, in every decoded frame.

Reads what `media.flashes` found while the video was decoded; a clip without that is unmeasured, because between sampled
frames anything may flash. It judges no pattern and knows no display: brightness is that of the signal.
"""

from __future__ import annotations

from classifiers.base import MeasurementError, Score, TimeSpan
from classifiers.weights import version_of
from media.clip import Clip
from media.flashes import AREA, DARK_BELOW, FEWEST, RED_SHARE, RED_STEP, STEP

SIGNALS = {"general": "video.temporal.flashes", "red": "video.temporal.red_flashes"}
"""Kind of flashing to signal."""

_HALF = 3
"""Flashes a second that are worth 0.5: the number that broadcast practice and WCAG draw the line at."""


class FlashClassifier:
    """Flashes a second n as n / (n + 3): three are 0.5, four 0.57, ten 0.77."""

    name = "flashes"
    accepts = Clip
    signals = frozenset(SIGNALS.values())

    def __init__(self) -> None:
        """Nothing is loaded."""
        self.version = version_of(f"{STEP} {DARK_BELOW} {RED_STEP} {RED_SHARE} {AREA} {FEWEST} {_HALF}")

    def score(self, content: Clip) -> list[Score]:
        """Return a Score for each stretch that flashes, and 0.0 for a signal without one.

        Raises:
            MeasurementError: nobody looked at every frame of this clip.
        """
        if content.flashes is None:
            raise MeasurementError("flashing shows only in every frame, and not every frame was looked at")
        scores = [
            Score(
                SIGNALS[each.kind],
                each.per_second / (each.per_second + _HALF),
                TimeSpan(each.start_s, each.end_s, peak_s=each.peak_s),
                f"flashes:{each.per_second}/s",
            )
            for each in content.flashes
        ]
        silent = self.signals - {score.signal for score in scores}
        return [*scores, *(Score(signal, 0.0) for signal in sorted(silent))]
