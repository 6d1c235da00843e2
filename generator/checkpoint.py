"""Reads the embedded checkpoint from disk: every file pinned by its SHA-256, nothing fetched, nothing unpickled.

Knows where weights are and whether they are the right ones; what to do with them is `generator.embedded`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.base import GeneratorError
from generator.weights.pins import TINY

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel
    from transformers import T5EncoderModel, T5Tokenizer

    from generator.denoiser import TinyTransformer
    from generator.latents import PatchLatents

EMBEDDED = Path(__file__).parent / "weights" / "tiny"
"""The checkpoint that ships with framegate."""

__all__ = ["EMBEDDED", "TINY", "Checkpoint", "digests", "load", "verify", "version"]


@dataclass(frozen=True)
class Checkpoint:
    """The networks of one checkpoint, in float32 and evaluation mode. None of them keeps state between calls."""

    tokenizer: T5Tokenizer
    text_encoder: T5EncoderModel
    transformer: TinyTransformer | LTXVideoTransformer3DModel
    latents: PatchLatents

    @property
    def knows_cameras(self) -> bool:
        """Whether captions about the camera were among its training captions."""
        return "▁camera" in self.tokenizer.get_vocab()


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 (hex) of every file of a checkpoint folder by its relative path.

    Raises:
        GeneratorError: the folder cannot be read.
    """
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}
    except OSError as error:
        raise GeneratorError(f"checkpoint cannot be read at {folder}: {error.strerror}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def version(pins: Mapping[str, str]) -> str:
    """Return one digest for a whole checkpoint: `sha256:` over the sorted names and digests of its files."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(pins.items()))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def verify(folder: Path, pins: Mapping[str, str]) -> None:
    """Check that the folder holds exactly the pinned files.

    Raises:
        GeneratorError: a file is missing, altered or was added.
    """
    found = digests(folder)
    for name in sorted(found.keys() | pins.keys()):
        if found.get(name) != pins.get(name):
            state = "missing" if name not in found else "not part of the checkpoint" if name not in pins else "altered"
            raise GeneratorError(
                f"generator weights {name} in {folder} are {state}: SHA-256 {found.get(name, 'none')}, "
                f"pinned is {pins.get(name, 'none')}; reinstall framegate"
            )


def load(folder: Path, pins: Mapping[str, str]) -> Checkpoint:
    """Verify and load a checkpoint folder. Takes about four seconds the first time (torch is imported).

    Raises:
        GeneratorError: the files are not the pinned ones, or do not form a checkpoint.
    """
    verify(folder, pins)
    import torch  # noqa: PLC0415 - heavy: only who generates pays for it
    from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel  # noqa: PLC0415
    from transformers import T5EncoderModel, T5Tokenizer  # noqa: PLC0415
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415

    from generator.denoiser import TinyTransformer  # noqa: PLC0415
    from generator.latents import PatchLatents  # noqa: PLC0415

    # Three small files: a bar would only disturb the command line.
    disable_progress_bar()  # type: ignore[no-untyped-call]
    kinds: tuple[tuple[Any, str], ...] = (
        (T5EncoderModel, "text_encoder"),
        (
            TinyTransformer if _class_of(folder / "transformer") == "TinyTransformer" else LTXVideoTransformer3DModel,
            "transformer",
        ),
        (PatchLatents, "latents"),
    )
    logging.getLogger("diffusers.models.modeling_utils").addFilter(
        lambda record: "accelerate" not in record.getMessage()
    )
    try:
        words = T5Tokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        networks = [
            kind.from_pretrained(folder / name, dtype=torch.float32, local_files_only=True).eval()
            for kind, name in kinds
        ]
    except (OSError, ValueError, RuntimeError) as error:
        raise GeneratorError(
            f"checkpoint in {folder} cannot be loaded ({type(error).__name__}): reinstall framegate"
        ) from error
    return Checkpoint(words, *networks)


def _class_of(folder: Path) -> str:
    """Return the class that a network's config names; empty where it cannot be read."""
    try:
        return str(json.loads((folder / "config.json").read_text("utf-8")).get("_class_name", ""))
    except (OSError, ValueError, AttributeError):
        return ""
