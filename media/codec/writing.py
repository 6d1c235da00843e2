"""Writes frames as a video file, whole or not at all: MP4 with H.264, which plays everywhere, VP9 or AV1, or webm.

Adds no audio and no signature; never leaves a half-written file behind.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
import av.error
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from media.durable import publish
from media.errors import EncodingError, StorageError

_DISK_ERRNOS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.ENOENT, errno.EIO, errno.EPERM}
)
_BT709 = 1
"""Value of BT.709 in ITU-T H.273 tables 2 (primaries), 3 (transfer) and 4 (matrix)."""

_NTSC_TOLERANCE = 0.001
_LIMITED_RANGE = 1
"""FFmpeg's AVCOL_RANGE_MPEG: luma 16 to 235."""

_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "medium", "threads": "1"}),
    "h264-fast": ("libx264", {"preset": "veryfast", "threads": "1"}),
    "vp9-good": ("libvpx-vp9", {"deadline": "good", "cpu-used": "4", "b": "0", "row-mt": "0", "threads": "1"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "7", "b": "0", "threads": "1"}),
    "av1": ("libsvtav1", {"preset": "11", "svtav1-params": "lp=1"}),
}
"""Name to FFmpeg's encoder and its options. `h264-fast` is for copies that nobody keeps."""


def encode_mp4(
    frames: Iterable[NDArray[np.uint8]],
    path: Path,
    *,
    fps: float,
    crf: int = 18,
    codec: str = "h264",
    tags: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write frames as MP4 (yuv420p, BT.709, index first), all of it or nothing.

    Equal frames and arguments give equal bytes. An existing file is replaced in one step.

    Args:
        frames: uint8 (H, W, 3) RGB each, all of one even size.
        path: where the file appears once complete; its directory exists.
        fps: frames a second, > 0.
        crf: quality on the encoder's own scale: 0 (best) to 51 for H.264, to 63 for VP9 and AV1.
        codec: `h264`, `h264-fast`, `vp9`, `vp9-good` or `av1`.
        tags: container metadata; names the MP4 format does not know are kept too.

    Raises:
        EncodingError: no frames, odd or differing sizes, an unknown codec, or the encoder failed.
        StorageError: the disk is full or refuses to write.
    """
    _encode(frames, path, "mp4", fps=fps, crf=crf, codec=codec, tags=tags)


def encode_webm(
    frames: Iterable[NDArray[np.uint8]],
    path: Path,
    *,
    fps: float,
    crf: int = 20,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write frames as webm with VP9 (4:2:0, BT.709), all of it or nothing; arguments and errors as `encode_mp4`."""
    _encode(frames, path, "webm", fps=fps, crf=crf, codec="vp9-good", tags=tags)


def _encode(
    frames: Iterable[NDArray[np.uint8]],
    path: Path,
    form: str,
    *,
    fps: float,
    crf: int,
    codec: str,
    tags: Mapping[str, str],
) -> None:
    if codec not in _ENCODERS:
        raise EncodingError(f"{codec!r} cannot be written; choose one of {', '.join(_ENCODERS)}")
    try:
        descriptor, temporary_name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
    temporary = Path(temporary_name)
    try:
        written = _write(frames, temporary, form, fps=fps, crf=crf, codec=codec, tags=tags)
        _check_complete(temporary, path, written)
        temporary.chmod(0o644)
        publish(temporary, path)
    except (av.error.FFmpegError, OSError) as error:
        number = getattr(error, "errno", None)
        if number in _DISK_ERRNOS:
            raise StorageError(f"{path}: cannot be written: {os.strerror(number)}") from error
        raise EncodingError(f"{path.name}: the encoder failed ({type(error).__name__})") from error
    finally:
        temporary.unlink(missing_ok=True)


def _write(
    frames: Iterable[NDArray[np.uint8]],
    temporary: Path,
    form: str,
    *,
    fps: float,
    crf: int,
    codec: str,
    tags: Mapping[str, str],
) -> int:
    rate = _exact_rate(fps)
    options = {"fflags": "+bitexact"}
    if form == "mp4":
        options["movflags"] = "+faststart" + ("+use_metadata_tags" if tags else "")
    size: tuple[int, ...] = ()
    count = 0
    container: OutputContainer = av.open(str(temporary), "w", format=form, container_options=options)
    with container:
        encoder, chosen = _ENCODERS[codec]
        stream: Any = container.add_stream(encoder, rate=rate)
        for array in frames:
            if not size:
                size = _even_size(array)
                stream.height, stream.width = size[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"crf": str(crf), **chosen}
                context = stream.codec_context
                context.colorspace = context.color_primaries = context.color_trc = _BT709
                context.color_range = _LIMITED_RANGE
                container.metadata.update(tags)
            elif array.shape != size:
                raise EncodingError(f"frame {count} is {array.shape}, the first was {size}")
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
            converted = picture.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED_RANGE)
            converted.pts = count
            converted.time_base = 1 / rate
            container.mux(stream.encode(converted))
            count += 1
        if count == 0:
            raise EncodingError("there are no frames to encode")
        container.mux(stream.encode(None))
    return count


def _exact_rate(fps: float) -> Fraction:
    """Return 30000/1001 for 29.97 and its like (NTSC rates), otherwise the nearest simple fraction."""
    ntsc = round(fps * 1.001)
    if not float(fps).is_integer() and abs(fps * 1.001 - ntsc) < _NTSC_TOLERANCE:
        return Fraction(ntsc * 1000, 1001)
    return Fraction(fps).limit_denominator(1001)


def _even_size(array: NDArray[np.uint8]) -> tuple[int, ...]:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise EncodingError(f"a frame is uint8 (H, W, 3), not {array.dtype} {array.shape}")
    if array.shape[0] % 2 or array.shape[1] % 2 or 0 in array.shape:
        raise EncodingError(f"{array.shape[1]}x{array.shape[0]}: yuv420p needs even sizes; crop or pad by one pixel")
    return array.shape


def _check_complete(temporary: Path, path: Path, expected: int) -> None:
    """The muxer does not report every failed write: count what is on the disk."""
    with av.open(str(temporary)) as container:
        stored = sum(1 for packet in container.demux(video=0) if packet.size)
    if stored != expected:
        raise StorageError(f"{path}: only {stored} of {expected} frames were written; is the disk full?")
