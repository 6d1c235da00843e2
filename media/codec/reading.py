"""Turns a video file into upright RGB frames with times, or refuses it with a reason.

Does not protect itself from a hostile file beyond refusing before it decodes: files of strangers go through
`media.isolation`, which runs this module in a process of its own.

Only self-contained containers are opened, recognised by content: a playlist or concat script would make the
demuxer read other files or the network, a GIF or PNG is no video.
"""

from __future__ import annotations

import contextlib
import errno
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from media.clip import VideoInfo
from media.codec.frames import DecodedFrame, quarter_turns
from media.errors import MediaLimitExceeded, UnreadableMedia
from media.glimpse import Glimpse
from media.limits import DEFAULT_LIMITS, Limits, open_untrusted

CONTAINERS = frozenset({"mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg"})
_DECODERS = (
    "h264,hevc,vvc,vp8,vp9,libdav1d,av1,mpeg1video,mpeg2video,mpeg4,msmpeg4,msmpeg4v1,msmpeg4v2,h263,mjpeg,prores,"
    "dnxhd,ffv1,theora,dvvideo,rawvideo"
)
"""Video decoders of formats in real use. The hundreds of others are attack surface."""

_FALLBACK_FPS = 25.0
_MAX_FPS = 1000.0
_DAMAGED_SHARE = 0.05
"""Above this share of undecodable packets a file is refused: another decoder might show what ours could not see."""

_DAMAGED_ALLOWED = 4
"""A cut-off file loses the last packets whatever its length."""

_TAGS = 128
_TAG_CHARACTERS = 4096
"""Metadata beyond these is cut: some editors put their whole project there."""

DECODER_FAULTS = (av.error.FFmpegError, OSError, ValueError, OverflowError, RuntimeError)


def probe(path: Path, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """Say what a video file is; size, streams and pixels are checked before a frame is decoded.

    The first frame is then decoded, because only it tells the rotation surely.

    Raises:
        UnreadableMedia: not a self-contained video, or no frame of it decodes.
        MediaLimitExceeded: too large in bytes, pixels, seconds or streams.
    """
    with open_untrusted(path, limits) as file:
        return probe_open(file, path.name, limits)


def decode(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield (time in seconds, uint8 (H, W, 3) RGB) for every frame, upright, times strictly rising from 0.

    All frames have the size that `probe` gives; a stream that changes its size midway is scaled to it. Frames
    that an edit list hides are decoded too. Non-square pixels are not stretched.

    Raises:
        UnreadableMedia: no frame decodes, or more than 5 % of the packets do not (raised at the end).
        MediaLimitExceeded: as `probe`; or the decoded times run past the longest duration.
    """
    with open_untrusted(path, limits) as file:
        yield from decode_open(file, path.name, limits, probe_open(file, path.name, limits))


def probe_open(file: BinaryIO, name: str, limits: Limits) -> VideoInfo:
    """`probe` for a file that is already open; `name` stands in messages."""
    with refusals(name), _open_container(file, name, limits) as container:
        stream = _only_video(container, name, limits)
        first = next(_raw_frames(container, stream, limits, name))
        turned = quarter_turns(first) % 2 == 1
        width, height = (first.height, first.width) if turned else (first.width, first.height)
        tags = {**stream.metadata, **container.metadata}
        return VideoInfo(
            width=width,
            height=height,
            fps=_frame_rate(stream),
            duration_s=_declared_duration_s(container, stream),
            codec=stream.codec_context.codec.canonical_name,
            container=container.format.name,
            has_audio=bool(container.streams.audio),
            tags={key.lower(): value[:_TAG_CHARACTERS] for key, value in list(tags.items())[:_TAGS]},
        )


def decode_open(
    file: BinaryIO, name: str, limits: Limits, info: VideoInfo
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """`decode` for a file that is already open and probed."""
    for time_s, glimpse in glimpses_open(file, name, limits, info):
        yield time_s, glimpse.picture(sys.maxsize)


def glimpses_open(file: BinaryIO, name: str, limits: Limits, info: VideoInfo) -> Iterator[tuple[float, Glimpse]]:
    """`decode_open` before anything is converted: most frames of a long video are only glimpsed at."""
    step_s = 1.0 / info.fps
    with refusals(name), _open_container(file, name, limits) as container:
        stream = _only_video(container, name, limits)
        origin_s: float | None = None
        last_s = -step_s
        for frame in _raw_frames(container, stream, limits, name):
            stamp_s = frame.time
            time_s = last_s + step_s  # for a frame without a time stamp, or one that would run backwards
            if stamp_s is not None and math.isfinite(stamp_s):
                origin_s = stamp_s if origin_s is None else origin_s
                if stamp_s - origin_s > last_s:
                    time_s = stamp_s - origin_s
            if time_s > limits.max_duration_s:
                raise MediaLimitExceeded(f"{name}: runs past the {limits.max_duration_s:g} s allowed")
            last_s = time_s
            yield time_s, DecodedFrame(frame, info)


@contextlib.contextmanager
def refusals(name: str, problem: str = "cannot be decoded") -> Iterator[None]:
    """Turn the decoder's faults into the errors of this floor."""
    try:
        yield
    except (MemoryError, *DECODER_FAULTS) as error:
        if _is_exhaustion(error):
            raise MediaLimitExceeded(f"{name}: decoding needs more memory than allowed") from error
        raise UnreadableMedia(f"{name}: {problem} ({type(error).__name__})") from error


def _is_exhaustion(error: Exception) -> bool:
    # EAGAIN: a thread or mapping could not be made.
    return isinstance(error, MemoryError) or getattr(error, "errno", None) in {errno.ENOMEM, errno.EAGAIN}


def _open_container(file: BinaryIO, name: str, limits: Limits) -> InputContainer:
    file.seek(0)
    with refusals(name, "not an MP4, QuickTime, Matroska, WebM, AVI or MPEG video"):
        container = av.open(
            file,
            "r",
            metadata_errors="replace",
            options={"max_pixels": str(limits.max_pixels), "threads": "1"},
            container_options={
                "format_whitelist": ",".join(sorted(CONTAINERS)),
                "codec_whitelist": _DECODERS,
                "protocol_whitelist": "none",  # no protocol has this name: nothing else can be opened
                "ignore_editlist": "1",
            },
        )
    if not CONTAINERS.intersection(container.format.name.split(",")):
        container.close()
        raise UnreadableMedia(f"{name}: the container {container.format.name} is not accepted")
    return container


def _only_video(container: InputContainer, name: str, limits: Limits) -> VideoStream:
    """Return the one stream of moving pictures, checked against the limits."""
    if len(container.streams) > limits.max_streams:
        raise MediaLimitExceeded(f"{name}: {len(container.streams)} streams, more than {limits.max_streams} allowed")
    still = Disposition.attached_pic | Disposition.timed_thumbnails
    videos = [stream for stream in container.streams.video if not stream.disposition & still]
    if not videos:
        raise UnreadableMedia(f"{name}: holds no video stream")
    if len(videos) > limits.max_video_streams:
        raise MediaLimitExceeded(
            f"{name}: {len(videos)} video streams, {limits.max_video_streams} allowed; send each as a file of its own"
        )
    for video in videos:
        if video.codec_context is None or video.codec_context.codec.name not in _DECODERS.split(","):
            raise UnreadableMedia(f"{name}: the video codec is unknown or not accepted")
        width, height = video.codec_context.width, video.codec_context.height
        if width * height == 0:  # FFmpeg forgets a size that is beyond `max_pixels`
            raise MediaLimitExceeded(
                f"{name}: it has no frame size, or one beyond the {limits.max_pixels} pixels allowed"
            )
        if width * height > limits.max_pixels:
            raise MediaLimitExceeded(f"{name}: {width}x{height}, more than {limits.max_pixels} pixels allowed")
        if _declared_duration_s(container, video) > limits.max_duration_s:
            raise MediaLimitExceeded(f"{name}: longer than the {limits.max_duration_s:g} s allowed")
    return videos[0]


def _raw_frames(container: InputContainer, stream: VideoStream, limits: Limits, name: str) -> Iterator[VideoFrame]:
    """Yield every frame that decodes; raise when there is none or when too much did not decode."""
    stream.thread_type = "NONE"
    stream.codec_context.options = {"max_pixels": str(limits.max_pixels), "threads": "1", "flags": "+output_corrupt"}
    packets = damaged = frames = 0
    demuxer = container.demux(stream)
    while True:
        try:
            packet = next(demuxer, None)
        except DECODER_FAULTS:
            damaged += 1  # the file ends in the middle of a packet
            break
        if packet is None:
            break
        packets += 1
        try:
            pictures = packet.decode()
        except DECODER_FAULTS as error:
            if _is_exhaustion(error):
                raise
            damaged += 1
            continue
        for picture in pictures:
            if isinstance(picture, VideoFrame):
                frames += 1
                yield picture
    if frames == 0:
        raise UnreadableMedia(f"{name}: not one frame could be decoded")
    if damaged > max(_DAMAGED_ALLOWED, _DAMAGED_SHARE * packets):
        raise UnreadableMedia(f"{name}: {damaged} of {packets} packets could not be decoded, so they were not seen")


def _frame_rate(stream: VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0 < rate <= _MAX_FPS:
            return float(rate)
    return _FALLBACK_FPS


def _declared_duration_s(container: InputContainer, stream: VideoStream) -> float:
    """Seconds, the longest of what stream and container say; 0.0 when neither does."""
    of_stream = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    of_container = container.duration / av.time_base if container.duration else 0.0
    return max(of_stream, of_container, 0.0)
