"""Turns a trained text encoder into the files that ship: one int8 ONNX network from token ids to probabilities.

    python -m classifiers.training.export_text_encoder --checkpoint FILE --work DIR --out DIR

The weights of all matrix products become int8, one scale a column; the products run on int8 as well (ONNX Runtime's
dynamic quantisation). Prints how far the shipped network is from the trained one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]
from transformers import BertModel

from classifiers.training.text_rows import LABELS, SIGNALS
from classifiers.training.text_templates import written_rows
from classifiers.training.train_text_encoder import DROPOUT, HIDDEN, SEED
from classifiers.training.trunk import FROZEN_LAYERS, UpperHalf, additive, pretrained, tokens_of

OPSET: Final = 17
CHECKED_TEXTS: Final = 200
FILES: Final = ("encoder.onnx", "config.json")


class Whole(torch.nn.Module):
    """Token ids and mask in, calibrated probabilities out."""

    def __init__(
        self, model: BertModel, saved: Mapping[str, Any], *, hidden_units: int = HIDDEN, dropout: float = DROPOUT
    ) -> None:
        super().__init__()
        self.upper = UpperHalf(model, hidden_units, len(LABELS), dropout)
        self.upper.load_state_dict(saved["network"])
        self.embeddings = model.embeddings
        self.lower = torch.nn.ModuleList(model.encoder.layer[:FROZEN_LAYERS])
        self.register_buffer("slopes", saved["slopes"])
        self.register_buffer("offsets", saved["offsets"])

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return probabilities `(N, signals)` for ids and mask `int64 (N, T)`."""
        held = mask.to(torch.float32)
        hidden = self.embeddings(input_ids=ids)
        for layer in self.lower:
            hidden = layer(hidden, additive(held))
        return torch.sigmoid(self.upper(hidden, held) * self.slopes + self.offsets)


def main() -> None:
    """Export, quantise, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder in which `fit` and `separate_heads` left their results"
    )
    parser.add_argument("--trained", default="separated", help="what to export: NAME.pt and NAME.json in --work")
    parser.add_argument("--out", type=Path, required=True, help="folder for encoder.onnx and config.json")
    arguments = parser.parse_args()
    saved = torch.load(arguments.work / f"{arguments.trained}.pt", weights_only=True)
    whole = Whole(pretrained(arguments.checkpoint), saved).eval()
    arguments.out.mkdir(parents=True, exist_ok=True)
    export(whole, arguments.out / "encoder.onnx")
    config: dict[str, Any] = {
        "signals": list(SIGNALS),
        **json.loads((arguments.work / f"{arguments.trained}.json").read_text()),
    }
    (arguments.out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(
        "mean and largest difference of a probability:",
        *compared(whole, arguments.out / "encoder.onnx", tokens_of(_checked_texts())),
    )
    for file in FILES:
        print(file, hashlib.sha256((arguments.out / file).read_bytes()).hexdigest())


def export(whole: Whole, file: Path) -> None:
    """Write the network as ONNX with int8 products."""
    ids = torch.ones((2, 7), dtype=torch.long)
    axes = {0: "texts", 1: "tokens"}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The tracing exporter is deprecated; its successor needs a package that nothing else here uses.
        warnings.simplefilter("ignore")
        float_file = Path(folder) / "float.onnx"
        torch.onnx.export(
            whole,
            (ids, torch.ones_like(ids)),
            str(float_file),
            input_names=["ids", "mask"],
            output_names=["probabilities"],
            dynamic_axes={"ids": axes, "mask": axes, "probabilities": {0: "texts"}},
            opset_version=OPSET,
            dynamo=False,
        )
        quantize_dynamic(
            float_file,
            file,
            per_channel=True,
            reduce_range=True,  # without it AVX2 products of int8 can overflow 16 bits
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )


def compared(whole: Whole, file: Path, texts: Sequence[Sequence[int]]) -> tuple[float, float]:
    """Return the mean and the largest difference between the trained and the shipped network on some token ids."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    gaps = []
    for ids in texts:
        one = np.array([ids], dtype=np.int64)
        with torch.inference_mode():
            ours = whole(torch.from_numpy(one), torch.ones((1, len(ids)), dtype=torch.long)).numpy()
        gaps.append(np.abs(session.run(None, {"ids": one, "mask": np.ones_like(one)})[0] - ours))
    return float(np.mean(gaps)), float(np.max(gaps))


def _checked_texts() -> list[str]:
    texts = [row.text for row in written_rows(SEED)]
    return texts[:: max(1, len(texts) // CHECKED_TEXTS)]


if __name__ == "__main__":
    main()
