"""Makes the four networks of `classifiers.face_finder` and `classifiers.face_recogniser` out of two public packages.

    python -m classifiers.training.export_face_networks --mtcnn DIR --recogniser DIR --out classifiers/weights/faces

`--mtcnn`: folder of facenet-pytorch 2.6.0 with pnet.pt, rnet.pt and onet.pt (MIT). `--recogniser`: folder of
@vladmandic/face-api 1.7.15 with face_recognition_model.bin and its manifest (MIT; dlib's network, CC0, in 8 bits).
It trains nothing: same numbers in, same files out. Layers of the recogniser stay in 8 bits on disk.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]

OPSET: Final = 17
MEAN_RGB: Final = (122.782, 117.001, 104.298)
"""What dlib takes from each colour before it divides by 256; face-api divides by 255, and so does this file."""

SOURCES: Final = {
    "pnet.pt": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet.pt": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet.pt": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
    "face_recognition_model-weights_manifest.json": "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
    "face_recognition_model.bin": "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
}
"""SHA-256 of what is read; another file is refused before it is opened."""


class Graph:
    """An ONNX graph under construction; each step returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        """Keep numbers."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def step(self, kind: str, *inputs: str, **how: int | str | list[int]) -> str:
        """Apply an operator."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [name])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(how.items()))
        self.nodes.append(node)
        return name

    def save(self, path: Path, shape: list[int | str], outputs: Mapping[str, list[int | str]]) -> None:
        """Check and write the file; `outputs`: names that steps returned, with their shapes."""
        graph = helper.make_graph(
            self.nodes,
            path.stem,
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs.items()],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="framegate")
        model.ir_version = 8
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString(deterministic=True))
        print(f"{path.name}  {path.stat().st_size}  {hashlib.sha256(path.read_bytes()).hexdigest()}")


class Cascade(Graph):
    """One stage of MTCNN (Zhang and others 2016), from the tensors of a state dict."""

    def __init__(self, tensors: Mapping[str, Floats]) -> None:
        super().__init__()
        self._tensors = tensors

    def tensor(self, name: str) -> str:
        """Keep a tensor of the state dict."""
        return self.constant(name, self._tensors[name])

    def convolution(self, x: str, name: str, slope: str = "") -> str:
        """Convolve without padding; with `slope`, a leaky step of one slope a channel follows."""
        x = self.step("Conv", x, self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias"))
        return self.leaky(x, slope, 3) if slope else x

    def leaky(self, x: str, slope: str, dimensions: int) -> str:
        """Apply PReLU; the slopes get as many dimensions as stand behind the channels."""
        values = self._tensors[f"{slope}.weight"]
        shaped = self.constant(f"{slope}.weight", values.reshape(-1, *[1] * (dimensions - 1)))
        return self.step("PRelu", x, shaped)

    def pool(self, x: str, side: int) -> str:
        """Keep the strongest of each square, two apart; incomplete squares at the edges count."""
        return self.step("MaxPool", x, kernel_shape=[side, side], strides=[2, 2], ceil_mode=1)

    def dense(self, x: str, name: str) -> str:
        """Multiply with a matrix."""
        return self.step("Gemm", x, self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias"), transB=1)

    def flat(self, x: str) -> str:
        """Unroll columns before rows before channels: the order in which the published numbers stand."""
        return self.step("Flatten", self.step("Transpose", x, perm=[0, 3, 2, 1]))

    def named(self, x: str, name: str) -> None:
        """Give an output its name."""
        self.nodes.append(helper.make_node("Identity", [x], [name]))


def proposals(tensors: Mapping[str, Floats], path: Path) -> None:
    """Write the network that slides over a whole picture."""
    net = Cascade(tensors)
    x = net.pool(net.convolution("pixels", "conv1", "prelu1"), 2)
    x = net.convolution(net.convolution(x, "conv2", "prelu2"), "conv3", "prelu3")
    net.named(net.step("Softmax", net.convolution(x, "conv4_1"), axis=1), "face")
    net.named(net.convolution(x, "conv4_2"), "shift")
    size: list[int | str] = ["n", "rows", "columns"]
    net.save(path, ["n", 3, "height", "width"], {"face": [size[0], 2, *size[1:]], "shift": [size[0], 4, *size[1:]]})


def refinement(tensors: Mapping[str, Floats], path: Path) -> None:
    """Write the network that looks at each proposal in 24x24 pixels."""
    net = Cascade(tensors)
    x = net.pool(net.convolution("pixels", "conv1", "prelu1"), 3)
    x = net.pool(net.convolution(x, "conv2", "prelu2"), 3)
    x = net.flat(net.convolution(x, "conv3", "prelu3"))
    x = net.leaky(net.dense(x, "dense4"), "prelu4", 1)
    net.named(net.step("Softmax", net.dense(x, "dense5_1"), axis=1), "face")
    net.named(net.dense(x, "dense5_2"), "shift")
    net.save(path, ["n", 3, 24, 24], {"face": ["n", 2], "shift": ["n", 4]})


def landmarks(tensors: Mapping[str, Floats], path: Path) -> None:
    """Write the network that looks at each refined proposal in 48x48 pixels and marks eyes, nose and mouth."""
    net = Cascade(tensors)
    x = net.pool(net.convolution("pixels", "conv1", "prelu1"), 3)
    x = net.pool(net.convolution(x, "conv2", "prelu2"), 3)
    x = net.pool(net.convolution(x, "conv3", "prelu3"), 2)
    x = net.flat(net.convolution(x, "conv4", "prelu4"))
    x = net.leaky(net.dense(x, "dense5"), "prelu5", 1)
    net.named(net.step("Softmax", net.dense(x, "dense6_1"), axis=1), "face")
    net.named(net.dense(x, "dense6_2"), "shift")
    net.named(net.dense(x, "dense6_3"), "points")
    net.save(path, ["n", 3, 48, 48], {"face": ["n", 2], "shift": ["n", 4], "points": ["n", 10]})


class Recogniser(Graph):
    """dlib's residual network of 29 layers, from 8-bit tensors of one step and one least value each."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        manifest = json.loads(source(folder, "face_recognition_model-weights_manifest.json"))
        data = source(folder, "face_recognition_model.bin")
        self._entries: dict[str, tuple[npt.NDArray[Any], float, float]] = {}
        at = 0
        for each in manifest[0]["weights"]:
            how = each.get("quantization")
            kind = np.dtype(np.uint8 if how else np.float32)
            count = int(np.prod(each["shape"]))
            raw = np.frombuffer(data, kind, count, at).reshape(each["shape"])
            self._entries[each["name"]] = (raw, how["scale"], how["min"]) if how else (raw, 1.0, 0.0)
            at += count * kind.itemsize
        if at != len(data):
            raise SystemExit(f"the manifest describes {at} bytes, the file has {len(data)}")

    def values(self, name: str) -> Floats:
        """Return a tensor as numbers."""
        raw, step, least = self._entries[name]
        return raw.astype(np.float32) * np.float32(step) + np.float32(least)

    def stored(self, name: str, order: tuple[int, ...]) -> str:
        """Keep a tensor in 8 bits; the runtime unfolds it once, when the file is opened."""
        raw, step, least = self._entries[name]
        whole = self.step("Cast", self.constant(name, raw.transpose(order)), to=TensorProto.FLOAT)
        scaled = self.step("Mul", whole, self.constant(f"{name}/step", np.asarray(step, np.float32)))
        return self.step("Add", scaled, self.constant(f"{name}/least", np.asarray(least, np.float32)))

    def convolution(self, x: str, name: str, stride: int, padding: int) -> str:
        """Convolve, then scale and shift each channel."""
        weights = self.stored(f"{name}/conv/filters", (3, 2, 0, 1))
        scale = self.values(f"{name}/scale/weights")
        shift = self.values(f"{name}/conv/bias") * scale + self.values(f"{name}/scale/biases")
        x = self.step("Conv", x, weights, strides=[stride, stride], pads=[padding] * 4)
        x = self.step("Mul", x, self.constant(f"{name}/scale", scale.reshape(1, -1, 1, 1)))
        return self.step("Add", x, self.constant(f"{name}/shift", shift.reshape(1, -1, 1, 1)))

    def block(self, x: str, name: str) -> str:
        """A residual block of the same size."""
        inner = self.step("Relu", self.convolution(x, f"{name}/conv1", 1, 1))
        return self.step("Relu", self.step("Add", self.convolution(inner, f"{name}/conv2", 1, 1), x))

    def smaller(self, x: str, name: str, side: int, channels: int, more: int) -> str:
        """A residual block of half the size: `side` pixels in, `more` channels joined as zeros to `channels`."""
        inner = self.step("Relu", self.convolution(x, f"{name}/conv1", 2, 0))
        inner = self.convolution(inner, f"{name}/conv2", 1, 1)
        left = side // 2 - (side - 3) // 2 - 1
        if left:
            inner = self.step("Pad", inner, self.constant(f"{name}/edge", np.array([0] * 6 + [left] * 2, np.int64)))
        short = self.step("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
        if more:
            short = self.step(
                "Pad", short, self.constant(f"{name}/channels", np.array([0] * 5 + [more, 0, 0], np.int64))
            )
        return self.step("Relu", self.step("Add", short, inner))

    def write(self, path: Path) -> None:
        """Put the layers together and write the file."""
        mean = self.constant("mean", np.array(MEAN_RGB, np.float32).reshape(1, 3, 1, 1))
        x = self.step("Div", self.step("Sub", "pixels", mean), self.constant("range", np.asarray(255, np.float32)))
        x = self.step("Relu", self.convolution(x, "conv32_down", 2, 0))
        x = self.step("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2])
        side, channels = 35, 32
        for name in [
            "conv32_1",
            "conv32_2",
            "conv32_3",
            "conv64_down",
            "conv64_1",
            "conv64_2",
            "conv64_3",
            "conv128_down",
            "conv128_1",
            "conv128_2",
            "conv256_down",
            "conv256_1",
            "conv256_2",
            "conv256_down_out",
        ]:
            if "down" in name:
                wanted = int(name.split("_")[0].removeprefix("conv"))
                x = self.smaller(x, name, side, channels, wanted - channels)
                side, channels = side // 2, wanted
            else:
                x = self.block(x, name)
        x = self.step("Flatten", self.step("GlobalAveragePool", x))
        x = self.step("MatMul", x, self.stored("fc", (0, 1)))
        self.nodes.append(helper.make_node("Identity", [x], ["descriptor"]))
        self.save(path, ["n", 3, 150, 150], {"descriptor": ["n", 128]})


def source(folder: Path, name: str) -> bytes:
    """Return a file of the packages if it is the expected one."""
    data = (folder / name).read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != SOURCES[name]:
        raise SystemExit(f"{folder / name} has SHA-256 {found}; expected is {SOURCES[name]}")
    return data


def main() -> None:
    """Write the four files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mtcnn", type=Path, required=True)
    parser.add_argument("--recogniser", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for stage, write in (("pnet", proposals), ("rnet", refinement), ("onet", landmarks)):
        file = io.BytesIO(source(chosen.mtcnn, f"{stage}.pt"))
        state = torch.load(file, map_location="cpu", weights_only=True)
        write({name: tensor.numpy() for name, tensor in state.items()}, chosen.out / f"{stage}.onnx")
    Recogniser(chosen.recogniser).write(chosen.out / "recogniser.onnx")


if __name__ == "__main__":
    main()
