"""Content in, scores out. Knows no threshold, no policy and no category."""

from classifiers.base import (
    Classifier,
    ClassifierError,
    MeasurementError,
    Score,
    Span,
    TextSpan,
    TimeSpan,
    WeightsError,
)

__all__ = [
    "Classifier",
    "ClassifierError",
    "MeasurementError",
    "Score",
    "Span",
    "TextSpan",
    "TimeSpan",
    "WeightsError",
]
