"""Transcribes speech with any recogniser in the transformers format: Whisper and its kin, or CTC (wav2vec 2.0).

Sound comes in one channel at 16 kHz, a window at a time. It judges no words, and how well it hears only your own
measurement can say.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, AutoModelForCTC, AutoModelForSpeechSeq2Seq, AutoProcessor
from transformers.models.auto.modeling_auto import MODEL_FOR_CTC_MAPPING_NAMES

from classifiers.base import MeasurementError
from classifiers.checkpoint_files import CLOSED, find_checkpoint, reading, refuse_untrained
from classifiers.frame_blocks import SpeechBlock
from media.sound import SAMPLE_RATE

_WHAT = "speech recogniser"
_SHORTEST = SAMPLE_RATE // 10
"""Samples; less is no word, and too little for the networks' first layers."""


class TransformersTranscriber:
    """Sound in, words out. One window at a time."""

    def __init__(self, block: SpeechBlock, beside: Path = Path()) -> None:
        """Load the checkpoint; `beside` is the folder that relative paths start from.

        Raises:
            ConfigurationError: no such device.
            WeightsError: the checkpoint is missing, pickled, incomplete, or not the pinned one.
        """
        device = block.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        settled = block.model_copy(update={"device": device})
        settings = block.model_dump_json(include={"dtype", "max_words"})
        folder, self.version = find_checkpoint(settled, beside, settings)
        with reading(block, folder, _WHAT):
            config = AutoConfig.from_pretrained(folder, **CLOSED)
            self._processor = AutoProcessor.from_pretrained(folder, **CLOSED)  # type: ignore[no-untyped-call]
            self._ctc = config.model_type in MODEL_FOR_CTC_MAPPING_NAMES
            kind = AutoModelForCTC if self._ctc else AutoModelForSpeechSeq2Seq
            network, found = kind.from_pretrained(
                folder, dtype=getattr(torch, block.dtype), use_safetensors=True, output_loading_info=True, **CLOSED
            )
        refuse_untrained(block, found)
        self._network = network.to(device).eval()
        self._device, self._block = device, block
        self._turn = threading.Lock()

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        """Return what is said in float32 (N,) in [-1, 1] at 16 kHz.

        Raises:
            MeasurementError: the network failed.
        """
        if len(samples) < _SHORTEST:
            return ""
        try:
            with self._turn, torch.inference_mode():
                return " ".join(self._words(samples).split())
        except (RuntimeError, ValueError, IndexError, TypeError, KeyError) as error:
            raise MeasurementError(f"the network of {self._block.name} failed ({type(error).__name__})") from error

    def _words(self, samples: NDArray[np.float32]) -> str:
        given: Any = self._processor(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        dtype = getattr(torch, self._block.dtype)
        inputs = {name: value.to(self._device) for name, value in given.items()}
        inputs = {name: value.to(dtype) if value.is_floating_point() else value for name, value in inputs.items()}
        if self._ctc:
            logits = self._network(**inputs).logits
            if not torch.isfinite(logits).all():
                raise ValueError("no numbers")
            tokens = logits.argmax(dim=-1)
        else:
            tokens = self._network.generate(**inputs, max_new_tokens=self._block.max_words, do_sample=False)
        return str(self._processor.batch_decode(tokens, skip_special_tokens=True)[0])
