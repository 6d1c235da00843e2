"""Asks a detection service about windows of a video: one HTTP request with a short MP4, classes with scores back.

The shape is that of Hive's synchronous task (`status[].response.output[].classes[]`, each `class` and `score`). What is
uploaded leaves the house: nothing is sent unless such a detector is configured. No answer, a late one or one of another
shape leaves the window unmeasured. Only the configured address is contacted; no redirect, no proxy of the environment.
"""

from __future__ import annotations

import json
import ssl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from classifiers.base import ConfigurationError, MeasurementError, Score, TimeSpan
from classifiers.frame_blocks import OriginDetectorBlock
from classifiers.weights import version_of
from media.clip import Clip
from media.codec import encode_mp4
from media.errors import MediaError
from media.glimpse import fit_short_side

Json = dict[str, Any]

SIGNAL = "video.synthetic"
MAX_REPLY_BYTES = 1024 * 1024

_FPS = 4.0
"""Frames a second of what is sent: about as densely as the scan looks."""

_CRF = 12
"""x264 quality of what is sent: little is lost of the textures that a detector reads."""


class RemoteOriginDetector:
    """One window in, the service's probability of synthesis out: the mean over the pictures that it answers about."""

    accepts = Clip
    signals = frozenset({SIGNAL})

    def __init__(self, block: OriginDetectorBlock, beside: Path = Path()) -> None:
        """Prepare everything; nobody is contacted yet.

        Args:
            block: what the plug-in file says.
            beside: the folder that relative files of the block start from.

        Raises:
            ConfigurationError: a key or authority file cannot be read.
        """
        self.name, self._block = block.name, block
        self.version = version_of(block.model_dump_json(include={"url", "classes", "side"}), f"{_FPS} {_CRF}")
        try:
            key = (beside / block.key_file).read_text(encoding="ascii").strip() if block.key_file else ""
            encrypted: ssl.SSLContext | bool = block.url.startswith("https:")
            if block.ca_file:
                encrypted = ssl.create_default_context(cafile=beside / block.ca_file)
        except (OSError, UnicodeDecodeError) as error:
            kind = type(error).__name__
            raise ConfigurationError(f"{block.name}: key_file or ca_file cannot be read ({kind})") from None
        self._headers = {"authorization": f"{block.scheme} {key}"} if key else {}
        self._verify = encrypted

    def score(self, content: Clip) -> list[Score]:
        """Send a window and return what the service says about it.

        Raises:
            MeasurementError: no answer of that shape in time.
        """
        reply = self._ask(self._encoded(content))
        try:
            value = _mean([_probability(output, self._block.classes) for output in _outputs(reply)])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MeasurementError(f"{self.name}: the answer has not the shape of a detector's") from error
        return [Score(SIGNAL, value, TimeSpan(content.start_s, content.end_s), f"remote:{self.name}")]

    def _encoded(self, content: Clip) -> bytes:
        frames = [fit_short_side(frame, self._block.side) for frame in content.frames]
        even = [frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "window.mp4"
            try:
                encode_mp4(even, path, fps=_FPS, crf=_CRF)
            except MediaError as error:
                raise MeasurementError(f"{self.name}: the window cannot be sent: {error}") from error
            return path.read_bytes()

    def _ask(self, video: bytes) -> Json:
        started = time.monotonic()
        try:
            with (
                httpx.Client(verify=self._verify, trust_env=False, timeout=self._block.seconds) as client,
                client.stream(
                    "POST", self._block.url, headers=self._headers, files={"media": ("window.mp4", video, "video/mp4")}
                ) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise MeasurementError(f"{self.name}: the detector answered HTTP {answer.status_code}")
                received = b""
                for part in answer.iter_bytes():
                    received += part
                    if len(received) > MAX_REPLY_BYTES:
                        raise MeasurementError(f"{self.name}: the answer is longer than {MAX_REPLY_BYTES} bytes")
                    if time.monotonic() - started > self._block.seconds:  # a reply that drips never times out by itself
                        raise MeasurementError(f"{self.name}: no answer within {self._block.seconds:g} s")
        except httpx.TimeoutException:
            raise MeasurementError(f"{self.name}: no answer within {self._block.seconds:g} s") from None
        except httpx.HTTPError as error:
            raise MeasurementError(f"{self.name}: the detector cannot be asked ({type(error).__name__})") from None
        try:
            reply = json.loads(received)
        except ValueError:
            raise MeasurementError(f"{self.name}: the answer is not JSON") from None
        if not isinstance(reply, dict):
            raise MeasurementError(f"{self.name}: the answer has not the shape of a detector's")
        return reply


def _outputs(reply: Json) -> Iterator[Json]:
    for status in reply["status"]:
        yield from status["response"]["output"]


def _probability(output: Json, classes: list[str]) -> float:
    """Return the sum of the scores of these classes, which a service gives as shares of one."""
    scores = {str(each["class"]): float(each["score"]) for each in output["classes"]}
    if not set(classes) & set(scores):
        raise ValueError("none of the classes")
    value = sum(scores.get(name, 0.0) for name in classes)
    if not 0.0 <= value <= 1.0 + 1e-6:  # also refuses NaN
        raise ValueError("not a probability")
    return min(value, 1.0)


def _mean(values: list[float]) -> float:
    if not values:
        raise ValueError("no picture was judged")
    return sum(values) / len(values)
