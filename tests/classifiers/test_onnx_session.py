"""A network says the same on every processor, whichever instructions it has for 8-bit products."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from classifiers.base import WeightsError
from classifiers.onnx_session import opened


@pytest.fixture
def extremes(tmp_path):
    """A product of 8-bit numbers in which two neighbours together exceed 16 bits: 2 * 255 * 127."""
    weights = np.full((64, 8), 127, dtype=np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["content", "weights"], ["product"])],
        "extremes",
        [helper.make_tensor_value_info("content", TensorProto.UINT8, [1, 64])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [1, 8])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "extremes.onnx")
    return tmp_path / "extremes.onnx"


def test_products_of_large_numbers_are_exact(extremes):
    content = np.full((1, 64), 255, dtype=np.uint8)

    (product,) = opened(extremes).run(["product"], {"content": content})

    assert product.tolist() == [[64 * 255 * 127] * 8]


def test_a_file_that_is_no_network_is_refused(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"no network")

    with pytest.raises(WeightsError, match=r"x\.onnx"):
        opened(tmp_path / "x.onnx")


KEPT = """
import pathlib, sys
from classifiers.onnx_session import opened

def held():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096

before = held()
session = opened(pathlib.Path(sys.argv[1]))
print(held() - before)
"""


def test_an_opened_network_keeps_its_weights_once(tmp_path):
    """Parsing takes a copy of the file and more; a process that opens six networks would keep all of it."""
    weights = np.random.default_rng(0).integers(-127, 128, (32, 1024, 1024), np.int8)
    nodes = [helper.make_node("MatMulInteger", ["content", f"w{at}"], [f"p{at}"]) for at in range(len(weights))]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("content", TensorProto.UINT8, [1, 1024])],
        [helper.make_tensor_value_info(f"p{at}", TensorProto.INT32, [1, 1024]) for at in range(len(weights))],
        [numpy_helper.from_array(each, f"w{at}") for at, each in enumerate(weights)],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "large.onnx"
    )

    ran = subprocess.run(
        [sys.executable, "-c", KEPT, str(tmp_path / "large.onnx")], capture_output=True, text=True, check=True
    )

    assert int(ran.stdout) < 1.6 * weights.nbytes
