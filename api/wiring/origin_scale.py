"""Finds out how often the origin detector in use calls real videos generated: the shipped measurement, or your own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from api.settings import Settings
from classifiers.base import Classifier, ConfigurationError, KnownFalseAlarms, false_alarms_of
from classifiers.false_alarms import FalseAlarms, log_odds, read_false_alarms, write_false_alarms
from media.clip import Clip
from safety.errors import InvalidContent
from safety.evaluate.origin_scores import DIGITS, MeasuredClip

CONDITION = "as_is"
"""Uploads are looked at as they are decoded."""


def known_false_alarms(settings: Settings, detector: Classifier[Clip] | None) -> KnownFalseAlarms | None:
    """Return what is known of a detector's false alarms; None: nobody measured them, or there is no detector.

    Raises:
        ConfigurationError: the file of the settings cannot be read, or was measured with another detector or version.
    """
    path = settings.origin_false_alarms
    if path is None or detector is None:
        return None if detector is None else false_alarms_of(detector)
    found = read_false_alarms(path)
    if found.detector != detector.version:
        raise ConfigurationError(
            f"{path.name} was measured with version {found.detector or '(none)'} of an origin detector, and "
            f"{detector.name} here is {detector.version}: measure again (`framegate evaluate origin --false-alarms`)"
        )
    return found


def keep_false_alarms(
    path: Path, clips: Sequence[MeasuredClip], detector: Classifier[Clip], trained_on: frozenset[str]
) -> FalseAlarms:
    """Write what a detector said of the real clips that it has not learned from, and return it.

    Raises:
        InvalidContent: there are none, or the file cannot be written.
    """
    of_source: dict[str, list[float]] = {}
    for clip in clips:
        if not clip.row.made and CONDITION in clip.scores and clip.sha256[:DIGITS] not in trained_on:
            of_source.setdefault(clip.row.source, []).append(log_odds(clip.scores[CONDITION]))
    if not of_source:
        raise InvalidContent("false alarms: no real clip could be measured that this detector has not learned from")
    found = FalseAlarms(of_source, detector.version)
    try:
        write_false_alarms(path, found)
    except OSError as error:
        raise InvalidContent(f"{path} cannot be written: {error.strerror}") from error
    return found
