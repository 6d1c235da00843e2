"""Runs the fine-tuned sentence encoder: text in, one calibrated probability a signal out, window by window.

It cuts long text into overlapping windows, so nothing at the end of a prompt goes unseen. It does not normalise text,
judge which language it is, or know what its outputs mean. Trained by `classifiers.training.train_text_encoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from classifiers.base import MeasurementError, WeightsError
from classifiers.onnx_session import opened
from classifiers.vocabulary import TOKENIZER_FILE, TOKENIZER_SHA256
from classifiers.weights import embedded

ENCODER_FILE: Final = "text_encoder/encoder.onnx"
ENCODER_SHA256: Final = "483d97bd80917715ba2a1afbdbb0229701648b22a3240ca07eb61427105b9bde"
"""Fine-tuned from sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0); matrix products run on int8."""

WINDOW_TOKENS: Final = 256
"""The sequence length that the checkpoint was pre-trained with, special tokens included (its model card)."""

OVERLAP_TOKENS: Final = 64
"""Long enough that no sentence of ordinary length is seen only in halves."""

MAX_WINDOWS: Final = 32
"""About 6,000 tokens or 25,000 characters of English: bounds one call to a second or so on one core."""


@dataclass(frozen=True, slots=True)
class Window:
    """A run of tokens that fits the encoder, and the characters of the text it covers: `text[start:end]`."""

    token_ids: tuple[int, ...]
    start: int
    end: int


class SentenceEncoder:
    """One network on one thread. Stateless between calls and safe to share between threads."""

    def __init__(self) -> None:
        # One thread: many requests in parallel beat one request on many cores.
        self._session = opened(embedded(ENCODER_FILE, ENCODER_SHA256))
        self._tokenizer = Tokenizer.from_file(str(embedded(TOKENIZER_FILE, TOKENIZER_SHA256)))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._first = self._id_of("[CLS]")
        self._last = self._id_of("[SEP]")
        self._unknown = self._id_of("[UNK]")

    def _id_of(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise WeightsError(f"the tokenizer of the text encoder lacks {token}; reinstall framegate")
        return number

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of every file that the probabilities depend on."""
        return (ENCODER_SHA256, TOKENIZER_SHA256)

    def windows(self, text: str) -> list[Window]:
        """Cut `text` into windows of at most `WINDOW_TOKENS` tokens that overlap by `OVERLAP_TOKENS`.

        Raises:
            MeasurementError: no token, or more than `MAX_WINDOWS` windows.
        """
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids, offsets = encoding.ids, encoding.offsets
        if not ids or all(token == self._unknown for token in ids):
            raise MeasurementError("the text holds no word that the encoder knows: nothing can be measured")
        body = WINDOW_TOKENS - 2
        step = body - OVERLAP_TOKENS
        starts = range(0, max(len(ids) - OVERLAP_TOKENS, 1), step)
        if len(starts) > MAX_WINDOWS:
            raise MeasurementError(
                f"the text has {len(ids)} tokens and needs {len(starts)} windows, at most {MAX_WINDOWS} are measured: "
                "shorten it or measure it in parts"
            )
        return [
            Window(
                token_ids=(self._first, *ids[start : start + body], self._last),
                start=offsets[start][0],
                end=offsets[min(start + body, len(ids)) - 1][1],
            )
            for start in starts
        ]

    def probabilities(self, windows: Sequence[Window]) -> npt.NDArray[np.float32]:
        """Return `float32 (N, signals)` in [0, 1].

        Windows run one by one: the scale of the int8 products depends on all that runs together, and the same text
        must get the same score whoever asks beside it.
        """
        rows = []
        for window in windows:
            ids = np.array([window.token_ids], dtype=np.int64)
            rows.append(self._session.run(["probabilities"], {"ids": ids, "mask": np.ones_like(ids)})[0])
        return np.concatenate(rows)
