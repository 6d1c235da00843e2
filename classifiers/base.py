"""What a classifier is: content in, Scores out. Knows no threshold and no policy.

ClassifierError
├── WeightsError        a weights file is missing or is not the one that was pinned
├── ConfigurationError  a plug-in is described in a way that cannot be meant
└── MeasurementError    this content could not be measured (reported as unmeasured, never as clean)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard, TypeVar

from media.clip import Clip

Content = TypeVar("Content", str, Clip, contravariant=True)


class ClassifierError(Exception):
    """A classifier could not be built or could not measure."""


class WeightsError(ClassifierError):
    """A weights file is missing, unreadable or its SHA-256 is not the pinned one."""


class ConfigurationError(ClassifierError):
    """The file of text plug-ins asks for what is not there, or for what cannot be meant."""


class MeasurementError(ClassifierError):
    """The content is outside what this classifier can measure."""


@dataclass(frozen=True, slots=True)
class TextSpan:
    """Characters of the original text, in code points: `text[start:end]`."""

    start: int
    end: int
    scene: int | None = None
    """Number of the storyboard's scene; None outside storyboards and from classifiers, which see one text.

    The characters are those of what the requester gave: of this scene where scenes were given one by one, else of the
    whole text.
    """


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Seconds of a video, with an optional box of the frame."""

    start_s: float
    end_s: float
    box: tuple[float, float, float, float] | None = None
    """(left, top, right, bottom), each a share of width or height in [0, 1]."""

    peak_s: float | None = None
    """Seconds at which it is strongest; None where it is equally strong all along, or nobody looked frame by frame."""


Span = TextSpan | TimeSpan


@dataclass(frozen=True, slots=True)
class Score:
    """A calibrated probability that a Signal is present, and where."""

    signal: str
    """Stable dotted name: `text.violence`, `frame.nudity`, `video.synthetic`."""

    value: float
    """Probability in [0, 1]."""

    span: Span | None = None
    detail: str = ""
    """A short code that helps a reader (`person:…`, `weapon:revolver`); never the prompt."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.value <= 1.0:  # also refuses NaN
            raise MeasurementError(f"{self.signal} scored {self.value}, which is not a probability")


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """Where a clip shows something that somebody keeps a record of, and under which signal that is reported."""

    signal: str
    value: float
    """In [0, 1]: how surely."""

    start_s: float
    end_s: float
    detail: str
    """Which record: `bank:ID/ITEM`."""


class Classifier(Protocol[Content]):
    """One instrument. Stateless between calls, safe to call from several threads."""

    @property
    def name(self) -> str:
        """Stable name for the ledger: `text_encoder`."""

    @property
    def version(self) -> str:
        """Digest of weights and settings: equal versions give equal scores."""

    @property
    def accepts(self) -> type[str] | type[Clip]:
        """The kind of content it takes: `str` or `Clip`."""

    @property
    def signals(self) -> frozenset[str]:
        """Every signal that `score` reports."""

    def score(self, content: Content) -> list[Score]:
        """Return at least one Score for each signal and none for any other.

        A Clip may be one window of a longer video; times are those of the whole video.

        Raises:
            MeasurementError: the content cannot be measured. Never guesses.
        """


class FrameClassifier(Classifier[Clip], Protocol):
    """A classifier of clips that measures each frame by itself.

    `score` then returns at least one Score for each signal *and frame*, its span the time of that frame, with a box
    where it knows one. What lasts how long is put together from them by whoever sees the whole video.
    """

    @property
    def lasting_s(self) -> float:
        """Seconds that a thing must last to count: a frame counts as far as another one, at least so far away and not
        much further, agrees. 0: a frame counts alone. What chance picks out of many frames does not last."""


def is_frame_classifier(classifier: Classifier[Any]) -> TypeGuard[FrameClassifier]:
    """Say whether a classifier measures frame by frame."""
    return hasattr(classifier, "lasting_s")


def tells_apart(classifier: Classifier[Any]) -> bool:
    """Say whether a frame classifier's scores of different details are about different things, persons say.

    Frames then agree only where their details do.
    """
    return bool(getattr(classifier, "tells_apart", False))


class KnownFalseAlarms(Protocol):
    """What is known about how often a detector calls innocent content by its signal (`classifiers.false_alarms`)."""

    def share(self, value: float) -> float:
        """Return the share of innocent content, in (0, 1], that reaches this probability."""

    def threshold(self, share: float) -> float:
        """Return the lowest probability that at most this share of innocent content reaches.

        Raises:
            ConfigurationError: too little was measured to tell so small a share.
        """


def false_alarms_of(classifier: Classifier[Any]) -> KnownFalseAlarms | None:
    """Return what a detector knows of its false alarms; None: nobody measured them."""
    known: KnownFalseAlarms | None = getattr(classifier, "false_alarms", None)
    return known


class SecondReader(Classifier[str], Protocol):
    """A classifier of prompts that reads after the others and is told what they scored."""

    def score_after(self, content: str, earlier: Sequence[Score]) -> list[Score]:
        """Return what `score` would, or spare itself where the others are sure: then what they scored.

        Raises:
            MeasurementError: the content cannot be measured. Never guesses.
        """

    def close(self) -> None:
        """Let go of what it holds open: connections, say. May be called twice."""


def is_second_reader(classifier: Classifier[Any]) -> TypeGuard[SecondReader]:
    """Say whether a classifier reads after the others. Looks for its method: cheaper than a protocol check."""
    return hasattr(classifier, "score_after")
