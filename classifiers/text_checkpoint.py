"""Opens a text classifier in the transformers format: from disk only, safetensors only, no code of the checkpoint.

It refuses what would guess: weights that are missing in the file (transformers would fill them with chance), labels
that the checkpoint has not, a head of another kind. Scoring is `classifiers.transformers_text`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from classifiers.base import ConfigurationError, WeightsError
from classifiers.plugin_file import TextClassifierBlock
from classifiers.weights import version_of

UNBOUNDED: Final = 512
"""Tokens of a window where the checkpoint names no limit, and the most that is taken unasked: attention grows with the
square of it."""

_READ: Final = (".safetensors", ".json", ".txt", ".model")
"""Files of a checkpoint folder that its scores can depend on."""

_UNREADABLE: Final = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, SafetensorError,
)  # fmt: skip
"""What transformers raises over a folder that is not what it says."""

_CLOSED: Final = {"local_files_only": True, "trust_remote_code": False}
"""Nothing from the network, and no code that comes with the checkpoint."""

_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")


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
    folder = _folder(block, beside)
    _refuse_pickles(block, folder)
    if block.device != "cpu" and not _has_device(block.device):
        raise ConfigurationError(f'{block.name}: there is no device {block.device!r} here; use device = "cpu"')
    version = version_of(
        *_digests(folder), block.model_dump_json(exclude={"name", "model", "revision", "batch", "pin"})
    )
    if block.pin not in (None, version):
        raise WeightsError(
            f"{block.name}: the checkpoint at {folder} and its settings are version {version}, pinned is {block.pin}: "
            "a file or a setting changed; look why, then write the new version"
        )
    with _reading(block, folder):
        config: PretrainedConfig = AutoConfig.from_pretrained(folder, **_CLOSED)
    names = {int(number): str(label) for number, label in (config.id2label or {}).items()}
    labels = tuple(names[index] for index in sorted(names))
    _check_labels(block, labels, getattr(config, "problem_type", None))
    with _reading(block, folder):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, **_CLOSED)
    if not tokenizer.is_fast:
        raise WeightsError(f"{block.name}: the tokenizer has no fast form (tokenizer.json), which spans need")
    if tokenizer.pad_token is None:
        raise WeightsError(f"{block.name}: the tokenizer has no padding token, which batches need: set pad_token in it")
    with _reading(block, folder):
        network, found = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=getattr(torch, block.dtype), use_safetensors=True, output_loading_info=True, **_CLOSED
        )
    if absent := sorted(found["missing_keys"]) + sorted(map(str, found["mismatched_keys"])):
        raise WeightsError(
            f"{block.name}: {len(absent)} weights are not in the file, the first is {absent[0]}: this is no trained "
            "classifier (a base model has no head)"
        )
    network = network.to(block.device).eval()
    return Checkpoint(network, tokenizer, labels, _window_tokens(block, config, tokenizer), version)


def _folder(block: TextClassifierBlock, beside: Path) -> Path:
    if block.model.startswith(("/", ".")):
        folder = beside / block.model
        if not folder.is_dir():
            raise WeightsError(f"{block.name}: {folder} is no folder; model names a folder, or a hub id in the cache")
        return folder
    try:
        return Path(snapshot_download(block.model, revision=block.revision, local_files_only=True))
    except HFValidationError as error:
        raise ConfigurationError(f"{block.name}: {block.model!r} is neither a folder nor a hub id") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise WeightsError(
            f"{block.name}: {block.model!r} is not in the local cache, and nothing is downloaded at run time: fetch it "
            "on a machine with network and bring the folder"
        ) from error


def _refuse_pickles(block: TextClassifierBlock, folder: Path) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickled = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickled:
        raise WeightsError(
            f"{block.name}: {folder} holds pickled weights only ({pickled[0]}), which can run code when they are read: "
            "convert them to safetensors"
        )
    raise WeightsError(f"{block.name}: {folder} holds no weights (*.safetensors)")


def _has_device(device: str) -> bool:
    return torch.cuda.is_available() and int(device.partition(":")[2] or 0) < torch.cuda.device_count()


def _digests(folder: Path) -> list[str]:
    parts = []
    for path in sorted(path for path in folder.iterdir() if path.suffix in _READ and path.is_file()):
        with path.open("rb") as file:
            parts.append(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}")
    return parts


@contextmanager
def _reading(block: TextClassifierBlock, folder: Path) -> Iterator[None]:
    """Turn what transformers raises over a folder into our own error, and keep its progress bar quiet."""
    bar = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    except _UNREADABLE as error:
        first = next(iter(str(error).splitlines()), "")
        raise WeightsError(
            f"{block.name}: {folder} cannot be opened as a text classifier ({type(error).__name__}: {first})"
        ) from error
    finally:
        if bar:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _check_labels(block: TextClassifierBlock, labels: tuple[str, ...], problem: str | None) -> None:
    if absent := sorted(set(block.labels) - set(labels)):
        raise ConfigurationError(
            f"{block.name}: the checkpoint has no label {', '.join(map(repr, absent))}; it has: "
            f"{', '.join(map(repr, labels))}"
        )
    if problem == "regression":
        raise ConfigurationError(f"{block.name}: the checkpoint estimates a quantity, it has no probabilities")
    if problem == "multi_label_classification" and not block.multi_label:
        raise ConfigurationError(f"{block.name}: the checkpoint was trained with multi_label = true")
    if problem == "single_label_classification" and block.multi_label:
        raise ConfigurationError(f"{block.name}: the checkpoint was trained with multi_label = false")
    if len(labels) == 1 and not block.multi_label:
        raise ConfigurationError(f"{block.name}: the softmax of a single label is always 1; write multi_label = true")


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
