"""A network says the same on every processor, whichever instructions it has for 8-bit products."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from classifiers.base import WeightsError
from classifiers.onnx_session import OnnxSession, more_outputs, opened


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
from classifiers.onnx_session import OnnxSession, more_outputs, opened

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


@pytest.fixture
def chain(tmp_path):
    """Doubles twice; the value in between is no output."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["twice"]), helper.make_node("Add", ["twice", "twice"], ["four"])],
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])],
        [helper.make_tensor_value_info("four", TensorProto.FLOAT, [None])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "chain.onnx")
    return tmp_path / "chain.onnx"


def test_a_value_inside_a_network_can_be_asked_for_and_the_rest_stays_as_it_was(chain):
    x = np.array([1, 2, 3], dtype=np.float32)
    session = OnnxSession(chain, inner=("twice",))

    twice, four = session.outputs(("twice", "four"), x)

    assert (twice.tolist(), four.tolist()) == ([2, 4, 6], [4, 8, 12])
    assert session.run("four", x).tolist() == OnnxSession(chain).run("four", x).tolist()


@pytest.mark.parametrize("names", [(), ("twice",), ("x" * 200, "twice")])
def test_what_is_appended_is_what_a_library_would_have_written(chain, names):
    joined = onnx.load_from_string(chain.read_bytes() + more_outputs(names))

    assert [output.name for output in joined.graph.output] == ["four", *names]
    assert [node.output[0] for node in joined.graph.node] == ["twice", "four"]


def test_an_inner_value_that_is_not_there_is_refused(chain):
    with pytest.raises(WeightsError, match=r"chain\.onnx"):
        OnnxSession(chain, inner=("nowhere",)).run("four", np.ones(1, dtype=np.float32))
