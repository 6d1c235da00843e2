"""Finds the files of a transformers checkpoint and refuses what nobody should open: pickles, strangers, half a folder.

From disk only. It opens no network; what kind of checkpoint it is to be is the caller's matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from classifiers.base import ConfigurationError, WeightsError
from classifiers.weights import version_of

_READ: Final = (".safetensors", ".json", ".txt", ".model")
"""Files of a checkpoint folder that its scores can depend on."""

_UNREADABLE: Final = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, SafetensorError,
)  # fmt: skip
"""What transformers raises over a folder that is not what it says."""

CLOSED: Final = {"local_files_only": True, "trust_remote_code": False}
"""Nothing from the network, and no code that comes with the checkpoint."""

_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")


class Named(Protocol):
    """What a block says about where its checkpoint is."""

    @property
    def name(self) -> str:
        """The block's name."""

    @property
    def model(self) -> str:
        """A folder, or a hub id in the local cache."""

    @property
    def revision(self) -> str | None:
        """Commit or tag of a hub id."""

    @property
    def device(self) -> str:
        """Where the network runs."""

    @property
    def pin(self) -> str | None:
        """The version that it must have."""


def find_checkpoint(block: Named, beside: Path, settings: str) -> tuple[Path, str]:
    """Return the folder of a block's checkpoint and the version of its files and `settings`.

    Raises:
        ConfigurationError: no folder and no hub id, or no such device.
        WeightsError: not on this disk, pickled, or not the pinned version.
    """
    folder = _folder(block, beside)
    _refuse_pickles(block, folder)
    if block.device != "cpu" and not _has_device(block.device):
        raise ConfigurationError(f'{block.name}: there is no device {block.device!r} here; use device = "cpu"')
    version = version_of(*_digests(folder), settings)
    if block.pin not in (None, version):
        raise WeightsError(
            f"{block.name}: the checkpoint at {folder} and its settings are version {version}, pinned is {block.pin}: "
            "a file or a setting changed; look why, then write the new version"
        )
    return folder, version


def refuse_untrained(block: Named, found: dict[str, Any]) -> None:
    """Refuse weights that are missing in the file: transformers would have filled them with chance.

    Raises:
        WeightsError: names the first.
    """
    if absent := sorted(found["missing_keys"]) + sorted(map(str, found["mismatched_keys"])):
        raise WeightsError(
            f"{block.name}: {len(absent)} weights are not in the file, the first is {absent[0]}: this is no trained "
            "classifier (a base model has no head)"
        )


def check_labels(
    block: Named, wanted: set[str], labels: tuple[str, ...], problem: str | None, *, multi_label: bool
) -> None:
    """Refuse labels that the checkpoint has not, and probabilities of another kind than it was trained for.

    Raises:
        ConfigurationError: says which labels there are, or what to write.
    """
    if absent := sorted(wanted - set(labels)):
        raise ConfigurationError(
            f"{block.name}: the checkpoint has no label {', '.join(map(repr, absent))}; it has: "
            f"{', '.join(map(repr, labels))}"
        )
    if problem == "regression":
        raise ConfigurationError(f"{block.name}: the checkpoint estimates a quantity, it has no probabilities")
    if problem == "multi_label_classification" and not multi_label:
        raise ConfigurationError(f"{block.name}: the checkpoint was trained with multi_label = true")
    if problem == "single_label_classification" and multi_label:
        raise ConfigurationError(f"{block.name}: the checkpoint was trained with multi_label = false")
    if len(labels) == 1 and not multi_label:
        raise ConfigurationError(f"{block.name}: the softmax of a single label is always 1; write multi_label = true")


def labels_of(config: Any) -> tuple[str, ...]:  # noqa: ANN401 - a PretrainedConfig
    """Return the label of each output, in order."""
    names = {int(number): str(label) for number, label in (config.id2label or {}).items()}
    return tuple(names[index] for index in sorted(names))


def _folder(block: Named, beside: Path) -> Path:
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


def _refuse_pickles(block: Named, folder: Path) -> None:
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
def reading(block: Named, folder: Path, what: str = "text classifier") -> Iterator[None]:
    """Turn what transformers raises over a folder into our own error, and keep its progress bar quiet."""
    bar = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    except _UNREADABLE as error:
        first = next(iter(str(error).splitlines()), "")
        raise WeightsError(
            f"{block.name}: {folder} cannot be opened as a {what} ({type(error).__name__}: {first})"
        ) from error
    finally:
        if bar:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
