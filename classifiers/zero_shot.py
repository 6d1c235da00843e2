"""Scores frames with a CLIP or SigLIP checkpoint of both towers, by descriptions in words or the policy's clauses.

Each signal's likeliest description competes with the benign ones. It understands a picture roughly: words that name
things work, words that name intentions do not. What it is worth only `framegate evaluate frames` can say.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from classifiers.base import MeasurementError, Score, TimeSpan, WeightsError
from classifiers.checkpoint_files import CLOSED, find_checkpoint, reading, refuse_untrained
from classifiers.frame_blocks import ZeroShotBlock, refuse_unknown_categories
from classifiers.picture_input import read_picture_input
from classifiers.transformers_frames import Array, device_of, in_batches
from classifiers.weights import version_of
from media.clip import Clip

_WHAT = "model with an image and a text tower"


class ZeroShotFrames:
    """One Score a signal and frame: the softmax of its likeliest description against all benign ones."""

    accepts = Clip

    def __init__(self, block: ZeroShotBlock, clauses: Mapping[str, str], beside: Path = Path()) -> None:
        """Load the checkpoint and embed the descriptions once.

        Args:
            block: what the plug-in file says.
            clauses: the policy's clause of each category.
            beside: the folder that relative paths start from.

        Raises:
            ConfigurationError: a category that the policy has not, or no such device.
            WeightsError: the checkpoint is missing, pickled, incomplete, without a text tower, or not the pinned one.
        """
        refuse_unknown_categories(block.name, set(block.categories), set(clauses))
        self._words = {**block.words, **{signal: [clauses[id_]] for id_, signal in block.categories.items()}}
        settled = block.model_copy(update={"device": device_of(block)})
        settings = block.model_dump_json(exclude={"name", "model", "revision", "batch", "pin", "device", "seconds"})
        folder, version = find_checkpoint(settled, beside, settings)
        self._input = read_picture_input(folder, block.name)
        with reading(block, folder, _WHAT):
            tokenizer = AutoTokenizer.from_pretrained(folder, **CLOSED)
            network, found = AutoModel.from_pretrained(
                folder, dtype=getattr(torch, block.dtype), use_safetensors=True, output_loading_info=True, **CLOSED
            )
        refuse_untrained(block, found)
        if not hasattr(network, "get_text_features") or not hasattr(network, "logit_scale"):
            raise WeightsError(f"{block.name}: {folder} has no text tower: zero-shot needs CLIP or SigLIP, both towers")
        self._network, self._device, self._block = network.to(settled.device).eval(), settled.device, block
        self._turn = threading.Lock()
        self.name, self.signals, self.lasting_s = block.name, block.reported, block.lasting_s
        said = [words for each in sorted(self._words) for words in self._words[each]] + list(block.benign)
        self.version = version_of(version, *said)
        with reading(block, folder, _WHAT):
            self._texts = self._embedded(tokenizer, said)
        self._scale = float(network.logit_scale.detach().exp())

    def score(self, content: Clip) -> list[Score]:
        """Return one Score a signal and frame.

        Raises:
            MeasurementError: not done within the time box, or the network failed.
        """

        def run(batch: NDArray[np.float32]) -> Any:  # noqa: ANN401 - a tensor
            pixels = torch.from_numpy(batch).to(self._device, getattr(torch, self._block.dtype))
            return _features(self._network.get_image_features(pixel_values=pixels))

        with self._turn:
            seen = in_batches(run, [self._input(frame) for frame in content.frames], self._block, self.name)
        logits = self._scale * _unit(seen) @ self._texts.T
        if not np.isfinite(logits).all():
            raise MeasurementError(f"the network of {self.name} gave no numbers")
        return [
            score
            for row, time_s in zip(logits, content.times_s, strict=True)
            for score in self._of_frame(row, TimeSpan(float(time_s), float(time_s)))
        ]

    def _of_frame(self, logits: Array, span: TimeSpan) -> list[Score]:
        benign = logits[len(logits) - len(self._block.benign) :]
        scores, at = [], 0
        for signal in sorted(self._words):
            mine = logits[at : at + len(self._words[signal])]
            at += len(mine)
            likeliest = int(mine.argmax())
            rivals = np.append(benign, mine[likeliest])
            rivals = np.exp(rivals - rivals.max())
            scores.append(Score(signal, float(rivals[-1] / rivals.sum()), span, f"words:{likeliest + 1}"))
        return scores

    def _embedded(self, tokenizer: Any, said: Sequence[str]) -> Array:  # noqa: ANN401 - a tokenizer
        # SigLIP was trained on texts padded to its full length; CLIP does not care.
        longest = getattr(self._network.config.text_config, "max_position_embeddings", 77)
        tokens = tokenizer(
            list(said), padding="max_length", max_length=longest, truncation=True, return_tensors="pt"
        ).to(self._device)
        with torch.inference_mode():
            features = _features(self._network.get_text_features(**tokens))
        return _unit(features.to("cpu", torch.float64).numpy())


def _features(said: Any) -> Any:  # noqa: ANN401 - a tensor, or an output that holds it
    return said if isinstance(said, torch.Tensor) else said.pooler_output


def _unit(rows: Array) -> Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float64)
