"""Scores text with any sequence classifier in the transformers format, by the label map of its `[[text_classifier]]`.

The text is read with its disguises undone, in windows that overlap, and the highest window counts. It adds to the
embedded classifiers and replaces none. What a checkpoint is worth for your policy only your own measurement can say.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from classifiers.base import MeasurementError, Score, TextSpan
from classifiers.batching import Batcher
from classifiers.languages import require_english
from classifiers.normalize import normalize
from classifiers.plugin_file import TextClassifierBlock
from classifiers.text_checkpoint import open_checkpoint

MAX_WINDOWS: Final = 64
"""Windows of one text: bounds one call, whatever the length of the text."""

OVERLAP: Final = 0.25
"""Share of a window that the next one repeats, so that no sentence of ordinary length is seen only in halves."""

Logits = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Window:
    inputs: dict[str, list[int]]
    start: int
    end: int


class TransformersTextClassifier:
    """Text in, one Score a signal out. Equal versions give equal scores up to the rounding of their `dtype`: texts that
    run in one batch are padded to one length."""

    accepts = str

    def __init__(self, block: TextClassifierBlock, beside: Path = Path()) -> None:
        """Load the checkpoint.

        Raises:
            ConfigurationError: the block asks for what the checkpoint has not; says which labels it has.
            WeightsError: the checkpoint is missing, pickled, incomplete or not the pinned one.
        """
        opened = open_checkpoint(block, beside)
        self.name = block.name
        self.version = opened.version
        self.signals = block.reported
        self._block = block
        self._network, self._tokenizer, self._labels = opened.network, opened.tokenizer, opened.labels
        self._window_tokens = opened.window_tokens
        self._turn = threading.Lock()  # a fast tokenizer refuses to be borrowed twice
        lanes = 1 if block.device != "cpu" else len(os.sched_getaffinity(0)) // torch.get_num_threads()
        self._logits = Batcher(self._run, largest=block.batch, at_once=max(lanes, 1))

    def score(self, content: str) -> list[Score]:
        """Return one Score a signal: its highest label in the highest window, with that window's span if there are
        several, and the label as its detail.

        Raises:
            MeasurementError: nothing readable, not English where the block says so, too long, or the network failed.
        """
        normalized = normalize(content)
        if self._block.reads == "english":
            require_english(normalized.text)
        windows = self._windows(normalized.text)
        table = self.probabilities(np.stack(self._logits(windows)))
        best: dict[str, Score] = {}
        for label, signal in self._block.labels.items():
            column = table[:, self._labels.index(label)]
            at = int(column.argmax())
            window, value = windows[at], float(column[at])
            if signal not in best or value > best[signal].value:
                span: TextSpan | None = None
                if len(windows) > 1 and window.start < window.end:
                    span = normalized.to_original(window.start, window.end)
                best[signal] = Score(signal, value, span, f"label:{label}")
        return list(best.values())

    def probabilities(self, logits: Logits) -> Logits:
        """Return `float64 (N, labels)` in [0, 1]: temperature, sigmoid or softmax, then each label's calibration."""
        log_odds = logits / self._block.temperature
        if not self._block.multi_label:
            log_odds = np.stack([_log_odds_of(log_odds, label) for label in range(log_odds.shape[1])], axis=1)
        for label, scale in self._block.calibration.items():
            at = self._labels.index(label)
            log_odds[:, at] = scale.slope * log_odds[:, at] + scale.offset
        return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)), dtype=np.float64)

    def _windows(self, text: str) -> list[_Window]:
        with self._turn:
            encoded = self._tokenizer(
                text,
                truncation=True,
                max_length=self._window_tokens,
                stride=int(OVERLAP * self._window_tokens),
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
                return_special_tokens_mask=True,
            )
        count = len(encoded["input_ids"])
        if count > MAX_WINDOWS:
            raise MeasurementError(
                f"the text needs {count} windows of {self._window_tokens} tokens, at most {MAX_WINDOWS} are measured: "
                "shorten it or measure it in parts"
            )
        windows = [
            _window({name: encoded[name][row] for name in self._tokenizer.model_input_names if name in encoded}, *spots)
            for row, spots in enumerate(zip(encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True))
        ]
        unknown = self._tokenizer.unk_token_id
        if all(
            special or token == unknown
            for row in range(count)
            for token, special in zip(encoded["input_ids"][row], encoded["special_tokens_mask"][row], strict=True)
        ):
            raise MeasurementError("the text holds no word that the checkpoint knows: nothing can be measured")
        return windows

    def _run(self, windows: Sequence[_Window]) -> Sequence[Logits]:
        """Run one batch.

        Raises:
            MeasurementError: the network failed (out of memory, say), or what it said are not numbers.
        """
        try:
            batch: Any = self._tokenizer.pad([window.inputs for window in windows], return_tensors="pt")
            with torch.inference_mode():
                said = self._network(**batch.to(self._block.device)).logits.to("cpu", torch.float64).numpy()
        except (RuntimeError, ValueError, IndexError) as error:
            raise MeasurementError(f"the network of {self.name} failed ({type(error).__name__})") from error
        if said.shape != (len(windows), len(self._labels)) or not np.isfinite(said).all():
            raise MeasurementError(f"the network of {self.name} gave no numbers")
        return list(said)


def _window(inputs: dict[str, list[int]], offsets: list[tuple[int, int]], special: list[int]) -> _Window:
    """A window and the characters that its tokens stand for; a special token stands for none."""
    spots = [spot for spot, is_special in zip(offsets, special, strict=True) if not is_special]
    return _Window(inputs, min((start for start, _ in spots), default=0), max((end for _, end in spots), default=0))


def _log_odds_of(logits: Logits, label: int) -> Logits:
    """Log-odds of one label of a softmax: its logit against the log of the summed exponentials of the others."""
    others = np.delete(logits, label, axis=1)
    highest = others.max(axis=1, keepdims=True)
    return np.asarray(logits[:, label] - highest[:, 0] - np.log(np.exp(others - highest).sum(axis=1)))
