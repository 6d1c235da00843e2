"""Opens an ONNX network on first use and runs it on the CPU with a fixed number of threads.

Its weights were pinned by `classifiers.weights` before; nothing here looks for or checks files.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from classifiers.base import WeightsError

FloatArray = NDArray[np.float32]


class OnnxSession:
    """One network. Cheap to make: the file is read when the first content comes. Safe for several threads."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._path = path
        self._threads = threads
        self._lock = Lock()
        self._session: onnxruntime.InferenceSession | None = None

    def run(self, output: str, batch: FloatArray) -> FloatArray:
        """Feed `batch` to the only input and return the output of that name, float32.

        Raises:
            WeightsError: the file is not a network this runtime can open.
        """
        session = self._opened()
        (found,) = session.run([output], {session.get_inputs()[0].name: batch})
        return np.asarray(found, dtype=np.float32)

    def _opened(self) -> onnxruntime.InferenceSession:
        with self._lock:
            if self._session is None:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self._threads
                options.inter_op_num_threads = 1
                options.log_severity_level = 3
                try:
                    self._session = onnxruntime.InferenceSession(
                        str(self._path), sess_options=options, providers=["CPUExecutionProvider"]
                    )
                except (RuntimeError, ValueError, OSError) as error:  # onnxruntime's own classes derive from these
                    raise WeightsError(f"{self._path.name} cannot be opened as an ONNX network: {error}") from error
            return self._session
