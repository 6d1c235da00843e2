"""A network says the same on every processor, whichever instructions it has for 8-bit products."""

from __future__ import annotations

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
