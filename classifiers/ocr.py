"""Reads writing in one picture with rapidocr (PP-OCR networks), from pinned files in its wheel, never from a network.

Returns what stands there and how sure the reader is. It judges no words. It reads Latin and CJK writing; other scripts
come out as regions that cannot be read, and are reported as such instead of being dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.base import MeasurementError
from classifiers.text_finder import VERSION as FINDING
from classifiers.text_finder import TextFinder
from classifiers.weights import from_package, pinned, version_of

if TYPE_CHECKING:
    from rapidocr import RapidOCR

PACKAGE = "rapidocr"
NETWORKS = {
    "Det": ("models/PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"),
    "Cls": (
        "models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    ),
    "Rec": ("models/PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"),
}
"""Finds lines, turns upside-down ones, reads them: file and SHA-256 of each."""

_READABLE = 0.5
"""rapidocr's own limit (config.yaml, text_score): below it the characters are guesses."""

_SHORTEST_SIDE = 32
"""Pixels; smaller pictures cannot carry a legible line of two words."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of writing in a picture."""

    text: str
    """What was read; empty where writing was found that cannot be read."""

    confidence: float
    """The reader's probability for a read line, the finder's for one that could not be read; [0, 1]."""

    box: tuple[float, float, float, float]
    """(left, top, right, bottom), each a share of width or height in [0, 1]."""

    @property
    def readable(self) -> bool:
        """Whether `text` is what stands there rather than a guess."""
        return bool(self.text)


class PictureReader(Protocol):
    """Reads the lines of one RGB picture."""

    version: str

    def read(self, picture: NDArray[np.uint8]) -> list[Line]:
        """Return the lines of uint8 (H, W, 3) RGB in reading order."""


class OcrReader:
    """PP-OCRv6 small, on the CPU. Safe for several threads; one picture is read at a time."""

    def __init__(self, weights: dict[str, Path] | None = None, *, threads: int = 1) -> None:
        """Check all three networks now; load them with the first picture.

        Args:
            weights: other paths of the networks by their key in `NETWORKS`, for tests and unusual installs.
            threads: CPU threads of one network.

        Raises:
            WeightsError: rapidocr is not installed or a file is not the pinned one.
        """
        found = weights or {}
        self._paths = {
            part: pinned(found[part], sha256) if part in found else from_package(PACKAGE, relative, sha256)
            for part, (relative, sha256) in NETWORKS.items()
        }
        self._threads = threads
        self._finder = TextFinder(self._paths["Det"], threads=threads)
        self._lock = Lock()
        self._engine: RapidOCR | None = None
        self.version = version_of(*(sha256 for _, sha256 in NETWORKS.values()), f"readable from {_READABLE}, {FINDING}")

    def read(self, picture: NDArray[np.uint8]) -> list[Line]:
        """Return the lines of uint8 (H, W, 3) RGB in reading order.

        Raises:
            MeasurementError: the picture is too small to carry legible writing.
        """
        height, width = picture.shape[:2]
        if min(height, width) < _SHORTEST_SIDE:
            raise MeasurementError(
                f"a frame of {width}x{height} is too small to be read: at least {_SHORTEST_SIDE} pixels are needed"
            )
        bgr = np.ascontiguousarray(picture[:, :, ::-1])
        boxes = self._finder.find(bgr)
        if not len(boxes):
            return []
        with self._lock:  # rapidocr keeps state between its steps
            texts, scores = self._read(bgr, boxes)
        size = np.array([width, height], dtype=np.float64)
        lines = []
        for corners, text, score in zip(boxes, texts, scores, strict=True):
            left, top = np.clip(np.min(corners, axis=0) / size, 0.0, 1.0)
            right, bottom = np.clip(np.max(corners, axis=0) / size, 0.0, 1.0)
            readable = score >= _READABLE and text.strip()
            lines.append(
                Line(
                    text=text.strip() if readable else "",
                    confidence=min(max(float(score), 0.0), 1.0),
                    box=(float(left), float(top), float(right), float(bottom)),
                )
            )
        return lines

    def _read(self, picture: NDArray[np.uint8], boxes: NDArray[np.int32]) -> tuple[list[str], list[float]]:
        """Turn each line upright and read it."""
        engine = self._loaded()
        from rapidocr.utils.process_img import get_rotate_crop_image  # noqa: PLC0415 - as rapidocr itself

        cut = [get_rotate_crop_image(picture, box.astype(np.float32)) for box in boxes]
        upright, _ = engine.cls_and_rotate(cut)
        read = engine.recognize_txt(upright)
        return list(read.txts or ()), [float(score) for score in read.scores or ()]

    def _loaded(self) -> RapidOCR:
        if self._engine is None:
            from rapidocr import RapidOCR  # noqa: PLC0415 - its import alone costs a second

            self._engine = RapidOCR(
                params={
                    "Global.log_level": "critical",
                    "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                    # An explicit path is what keeps rapidocr from looking for, and downloading, its own.
                    **{f"{part}.model_path": str(path) for part, path in self._paths.items()},
                }
            )
        return self._engine
