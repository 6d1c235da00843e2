"""Opens an ONNX network on first use and runs it on the CPU with a fixed number of threads.

Its weights were pinned by `classifiers.weights` before; nothing here looks for or checks files.
"""

from __future__ import annotations

import ctypes
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states  # type: ignore[import-untyped]

from classifiers.base import WeightsError

FloatArray = NDArray[np.float32]

_UNOPENABLE = (
    states.Fail,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NoSuchFile,
    states.NotImplemented,
    states.RuntimeException,
    ValueError,
    OSError,
)
"""What ONNX Runtime raises for a file that it cannot open; its classes have no common base but Exception."""


class OnnxSession:
    """One network. Cheap to make: the file is read when the first content comes. Safe for several threads."""

    def __init__(self, path: Path, *, threads: int = 1, inner: Sequence[str] = ()) -> None:
        """Take a file; `inner` names values inside the network that `outputs` may be asked for beside its outputs."""
        self._path = path
        self._threads = threads
        self._inner = tuple(inner)
        self._lock = Lock()
        self._session: onnxruntime.InferenceSession | None = None

    def run(self, output: str, batch: FloatArray) -> FloatArray:
        """Feed `batch` to the only input and return the output of that name, float32.

        Raises:
            WeightsError: the file is not a network this runtime can open.
        """
        return self.outputs((output,), batch)[0]

    def first(self, batch: FloatArray) -> FloatArray:
        """Feed `batch` to the only input and return the first output, whatever its name, float32; raises as `run`."""
        return self.outputs((self._opened().get_outputs()[0].name,), batch)[0]

    def outputs(self, names: Sequence[str], batch: FloatArray) -> list[FloatArray]:
        """Feed `batch` to the only input and return the outputs of those names, float32; raises as `run`."""
        session = self._opened()
        found = session.run(list(names), {session.get_inputs()[0].name: batch})
        return [np.asarray(each, dtype=np.float32) for each in found]

    def _opened(self) -> onnxruntime.InferenceSession:
        with self._lock:
            if self._session is None:
                self._session = opened(self._path, threads=self._threads, inner=self._inner)
            return self._session


def opened(path: Path, *, threads: int = 1, inner: Sequence[str] = ()) -> onnxruntime.InferenceSession:
    """Open a network on the CPU: one request on `threads` threads, the same numbers on every processor.

    `inner` names values inside the network that are to be outputs beside its own.

    Raises:
        WeightsError: the file is not a network this runtime can open.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Without VNNI instructions, products of 8-bit numbers overflow 16 bits and are silently cut off: CLIP's embeddings
    # then have a cosine of about 0.5 to the right ones. This makes such processors compute exactly (docs/adr/0020).
    options.add_session_config_entry("session.x64quantprecision", "1")
    # An arena would keep the most that any run needed.
    options.enable_cpu_mem_arena = False
    _keep_large_blocks_apart()
    try:
        with _extended(path, inner) as file:
            session = onnxruntime.InferenceSession(str(file), sess_options=options, providers=["CPUExecutionProvider"])
    except _UNOPENABLE as error:
        raise WeightsError(f"{path.name} cannot be opened as an ONNX network: {error}") from error
    _give_back_memory()
    return session


@contextmanager
def _extended(path: Path, inner: Sequence[str]) -> Iterator[Path]:
    """Give the network's file, or for a while a copy that ends in more outputs: in memory it would count twice."""
    if not inner:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="framegate-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        with copy.open("ab") as file:
            file.write(more_outputs(inner))
        yield copy


_GRAPH, _OUTPUT, _NAME = 7, 12, 1
"""Numbers of ModelProto.graph, GraphProto.output and ValueInfoProto.name in onnx.proto."""


def more_outputs(names: Sequence[str]) -> bytes:
    """Return what makes values inside a network outputs of it, when it is appended to the network's file.

    Serialised protocol buffers may be joined: fields that repeat are joined, messages within are merged
    (https://protobuf.dev/programming-guides/encoding/#last-one-wins). So one inner output needs neither a changed copy
    of pinned weights nor a library that writes networks.
    """
    outputs = b"".join(_field(_OUTPUT, _field(_NAME, name.encode())) for name in names)
    return _field(_GRAPH, outputs) if names else b""


def _field(number: int, content: bytes) -> bytes:
    """Write one length-delimited field (wire type 2)."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = []
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


_M_MMAP_THRESHOLD = -3
"""Number of the parameter in malloc.h (mallopt(3))."""

_LARGE_BLOCK_BYTES = 4 * 1024**2
"""Blocks of frames and activations; those that are smaller are worth keeping for the next run."""


def _keep_large_blocks_apart() -> None:
    """Have large blocks returned to the system as soon as they are freed, whatever was freed before.

    The GNU C library otherwise learns from the first large block that is freed to keep the next ones.
    """
    if tune := _of_c_library("mallopt"):
        tune(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def _give_back_memory() -> None:
    """Return freed memory to the system: what parsing a file took is more than the network itself."""
    if trim := _of_c_library("malloc_trim"):
        trim(0)


def _of_c_library(name: str) -> Callable[..., int] | None:
    """Return a call that only the GNU C library has; elsewhere nothing is tuned."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
