"""Opens a text classifier in the transformers format: from disk only, safetensors only, no code of the checkpoint.

It refuses what would guess: weights that are missing in the file (transformers would fill them with chance), labels
that the checkpoint has not, a head of another kind. Scoring is `classifiers.transformers_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerBase,
)

from classifiers.base import ConfigurationError, WeightsError
from classifiers.checkpoint_files import CLOSED, check_labels, find_checkpoint, labels_of, reading, refuse_untrained
from classifiers.plugin_file import TextClassifierBlock

UNBOUNDED: Final = 512
"""Tokens of a window where the checkpoint names no limit, and the most that is taken unasked: attention grows with the
square of it."""


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint."""

    network: Any
    """A `PreTrainedModel` in evaluation mode, on its device."""

    tokenizer: Any
    """A fast tokenizer: it knows which characters a token stands for."""

    labels: tuple[str, ...]
    """Label of each output."""

    window_tokens: int
    """Tokens of one window, special ones included."""

    version: str


def open_checkpoint(block: TextClassifierBlock, beside: Path) -> Checkpoint:
    """Find, check and load the checkpoint of a block; `beside` is the folder that relative paths start from.

    Raises:
        ConfigurationError: a label that it has not, another kind of head, no such device.
        WeightsError: not on this disk, pickled, incomplete, or not the pinned version.
    """
    settings = block.model_dump_json(exclude={"name", "model", "revision", "batch", "pin"})
    folder, version = find_checkpoint(block, beside, settings)
    with reading(block, folder):
        config: PretrainedConfig = AutoConfig.from_pretrained(folder, **CLOSED)
    labels = labels_of(config)
    problem = getattr(config, "problem_type", None)
    check_labels(block, set(block.labels), labels, problem, multi_label=block.multi_label)
    with reading(block, folder):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, **CLOSED)
    if not tokenizer.is_fast:
        raise WeightsError(f"{block.name}: the tokenizer has no fast form (tokenizer.json), which spans need")
    if tokenizer.pad_token is None:
        raise WeightsError(f"{block.name}: the tokenizer has no padding token, which batches need: set pad_token in it")
    with reading(block, folder):
        network, found = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=getattr(torch, block.dtype), use_safetensors=True, output_loading_info=True, **CLOSED
        )
    refuse_untrained(block, found)
    network = network.to(block.device).eval()
    return Checkpoint(network, tokenizer, labels, _window_tokens(block, config, tokenizer), version)


def _window_tokens(block: TextClassifierBlock, config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """The longest window that both the network and the tokenizer take, and the setting if it is shorter."""
    readable = [
        limit
        for limit in (getattr(config, "max_position_embeddings", None), tokenizer.model_max_length)
        if isinstance(limit, int) and 0 < limit < 1_000_000  # a tokenizer without a limit says 10**30
    ]
    longest = min(readable, default=block.max_tokens or UNBOUNDED)
    if block.max_tokens is not None and block.max_tokens > longest:
        raise ConfigurationError(
            f"{block.name}: max_tokens = {block.max_tokens}, but the checkpoint reads {longest} at once"
        )
    return block.max_tokens or min(longest, UNBOUNDED)
