"""Scores frames, or windows of frames, with any image or video classifier in the transformers format.

By the label map of its `[[frame_classifier]]`. An image classifier sees each frame; a video classifier sees a window
at once, so it can know what no single frame shows: the door for harm that is in the sequence. What a checkpoint is
worth for your policy only your own measurement can say (`framegate evaluate frames`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, AutoModelForImageClassification, AutoModelForVideoClassification

from classifiers.base import MeasurementError, Score, TimeSpan
from classifiers.checkpoint_files import CLOSED, check_labels, find_checkpoint, labels_of, reading, refuse_untrained
from classifiers.frame_blocks import CheckpointBlock, FrameClassifierBlock
from classifiers.picture_input import read_picture_input
from media.clip import Clip

Array = NDArray[np.float64]


def device_of(block: CheckpointBlock) -> str:
    """Return the device that a block means by `auto`."""
    if block.device != "auto":
        return block.device
    return "cuda" if torch.cuda.is_available() else "cpu"


class _Checkpoint:
    """An opened image or video classifier."""

    accepts = Clip

    def __init__(self, block: FrameClassifierBlock, beside: Path = Path()) -> None:
        """Load the checkpoint; `beside` is the folder that relative paths start from.

        Raises:
            ConfigurationError: the block asks for what the checkpoint has not; says which labels it has.
            WeightsError: the checkpoint is missing, pickled, incomplete or not the pinned one.
        """
        settled = block.model_copy(update={"device": device_of(block)})
        settings = block.model_dump_json(exclude={"name", "model", "revision", "batch", "pin", "device", "seconds"})
        folder, self.version = find_checkpoint(settled, beside, settings)
        what = "image classifier" if block.reads == "frames" else "video classifier"
        kind = AutoModelForImageClassification if block.reads == "frames" else AutoModelForVideoClassification
        with reading(block, folder, what):
            config = AutoConfig.from_pretrained(folder, **CLOSED)
        self._labels = labels_of(config)
        problem = getattr(config, "problem_type", None)
        check_labels(block, set(block.labels), self._labels, problem, multi_label=block.multi_label)
        self._input = read_picture_input(folder, block.name)
        with reading(block, folder, what):
            network, found = kind.from_pretrained(
                folder, dtype=getattr(torch, block.dtype), use_safetensors=True, output_loading_info=True, **CLOSED
            )
        refuse_untrained(block, found)
        self._network = network.to(settled.device).eval()
        self._device, self._block = settled.device, block
        self._length = int(getattr(config, "num_frames", 0) or 16)
        self._turn = threading.Lock()  # one window at a time: two would share the memory of the device
        self.name, self.signals = block.name, block.reported

    def _probabilities(self, inputs: Sequence[NDArray[np.float32]]) -> Array:
        """Return float64 (N, labels), batch by batch.

        Raises:
            MeasurementError: not done in time, the network failed, or it said no numbers.
        """
        dtype = getattr(torch, self._block.dtype)

        def run(batch: NDArray[np.float32]) -> Any:  # noqa: ANN401 - a tensor
            return self._network(pixel_values=torch.from_numpy(batch).to(self._device, dtype)).logits

        with self._turn:
            logits = in_batches(run, inputs, self._block, self.name)
        if logits.shape != (len(inputs), len(self._labels)):
            raise MeasurementError(f"the network of {self.name} gave no numbers for its labels")
        return probabilities(self._block, self._labels, logits)

    def _best(self, row: Array, span: TimeSpan) -> list[Score]:
        best: dict[str, Score] = {}
        for label, signal in self._block.labels.items():
            value = float(row[self._labels.index(label)])
            if signal not in best or value > best[signal].value:
                best[signal] = Score(signal, value, span, f"label:{label}")
        return list(best.values())


class TransformersFrames(_Checkpoint):
    """An image classifier: one Score a signal and frame."""

    def __init__(self, block: FrameClassifierBlock, beside: Path = Path()) -> None:
        """As its checkpoint: raises ConfigurationError and WeightsError."""
        super().__init__(block, beside)
        self.lasting_s = block.lasting_s

    def score(self, content: Clip) -> list[Score]:
        """Return the highest label of each signal for every frame.

        Raises:
            MeasurementError: not done within the time box, or the network failed.
        """
        rows = self._probabilities([self._input(frame) for frame in content.frames])
        spans = [TimeSpan(float(time_s), float(time_s)) for time_s in content.times_s]
        return [score for row, span in zip(rows, spans, strict=True) for score in self._best(row, span)]


class TransformersSequence(_Checkpoint):
    """A video classifier: one Score a signal and window."""

    def score(self, content: Clip) -> list[Score]:
        """Return the highest label of each signal for the window, with the window's seconds.

        The network gets as many frames as it takes, evenly spread; of a shorter window frames are repeated.

        Raises:
            MeasurementError: not done within the time box, or the network failed.
        """
        spread = np.linspace(0, len(content.frames) - 1, self._length).round().astype(int)
        (row,) = self._probabilities([np.stack([self._input(content.frames[at]) for at in spread])])
        return self._best(row, TimeSpan(content.start_s, content.end_s))


def open_frame_checkpoint(
    block: FrameClassifierBlock, beside: Path = Path()
) -> TransformersFrames | TransformersSequence:
    """Open what a block describes; raises as both classes."""
    return TransformersFrames(block, beside) if block.reads == "frames" else TransformersSequence(block, beside)


def in_batches(
    run: Any,  # noqa: ANN401 - batch of float32 to a tensor
    inputs: Sequence[NDArray[np.float32]],
    block: CheckpointBlock,
    name: str,
) -> Array:
    """Run inputs batch by batch within the block's time box; return float64 rows.

    Raises:
        MeasurementError: not done in time, the network failed, or it said no numbers.
    """
    ends = time.monotonic() + block.seconds
    rows: list[Array] = []
    try:
        for batch in _batches(inputs, block.batch):
            if time.monotonic() > ends:
                raise MeasurementError(f"{name} was not done with a window within {block.seconds:g} s")
            with torch.inference_mode():
                rows.append(run(batch).to("cpu", torch.float64).numpy())
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise MeasurementError(f"the network of {name} failed ({type(error).__name__})") from error
    table = np.concatenate(rows)
    if not np.isfinite(table).all():
        raise MeasurementError(f"the network of {name} gave no numbers")
    return np.asarray(table, dtype=np.float64)


def probabilities(block: FrameClassifierBlock, labels: Sequence[str], logits: Array) -> Array:
    """Return values in [0, 1]: temperature, sigmoid or softmax, then each label's calibration on its log-odds."""
    scaled = logits / block.temperature
    log_odds = scaled
    if not block.multi_label:
        log_odds = np.stack([_against_others(scaled, at) for at in range(scaled.shape[1])], axis=1)
    for label, scale in block.calibration.items():
        at = list(labels).index(label)
        log_odds[:, at] = scale.slope * log_odds[:, at] + scale.offset
    return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)), dtype=np.float64)


def _against_others(logits: Array, at: int) -> Array:
    others = np.delete(logits, at, axis=1)
    highest = others.max(axis=1, keepdims=True)
    return np.asarray(logits[:, at] - highest[:, 0] - np.log(np.exp(others - highest).sum(axis=1)))


def _batches(inputs: Sequence[NDArray[np.float32]], size: int) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(inputs), size):
        yield np.stack(inputs[start : start + size])
