"""Content in, scores out. Knows no threshold, no policy and no category."""

import os

# Before anything of this floor loads ONNX Runtime: its official builds report usage over the network and keep a device
# id in the home folder unless this is set first (section "Disabling Telemetry" of its Privacy.md).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from classifiers.base import (
    Classifier,
    ClassifierError,
    ConfigurationError,
    MeasurementError,
    Score,
    SecondReader,
    Span,
    TextSpan,
    TimeSpan,
    WeightsError,
)

__all__ = [
    "Classifier",
    "ClassifierError",
    "ConfigurationError",
    "MeasurementError",
    "Score",
    "SecondReader",
    "Span",
    "TextSpan",
    "TimeSpan",
    "WeightsError",
]
