"""Videos that the tests make themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from media.codec import encode_mp4

Frame = NDArray[np.uint8]
WriteVideo = Callable[..., Path]


def moving_frames(count: int, height: int = 96, width: int = 128) -> Iterator[Frame]:
    """A bright bar that wanders over a gradient, one column a frame."""
    ramp = np.linspace(40, 160, height * width, dtype=np.uint8).reshape(height, width)
    for index in range(count):
        frame = np.dstack([ramp, ramp[::-1], np.full_like(ramp, 80)])
        frame[:, index % width : index % width + 12] = (240, 220, 30)
        yield frame


@pytest.fixture
def frames() -> Callable[..., Iterator[Frame]]:
    return moving_frames


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds at 20 frames a second, 128x96."""
    path = tmp_path / "video.mp4"
    encode_mp4(moving_frames(40), path, fps=20)
    return path


@pytest.fixture
def write_video(tmp_path: Path) -> WriteVideo:
    """Write a video with PyAV itself: any container, codec, time stamps, rotation, sound."""

    def write(
        name: str,
        *,
        codec: str = "libx264",
        count: int = 20,
        size: tuple[int, int] = (96, 128),
        rotation: int = 0,
        sound: bool = False,
        stamps: Callable[[int], int] = lambda index: index,
        videos: int = 1,
        pixel_format: str = "yuv420p",
        first_row: Frame | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            streams = [container.add_stream(codec, rate=20) for _ in range(videos)]
            for stream in streams:
                stream.height, stream.width = size
                stream.pix_fmt = pixel_format
                stream.time_base = stream.codec_context.time_base = Fraction(1, 20)
                if rotation:
                    stream.set_display_rotation(rotation)
            audio = container.add_stream("aac", rate=16000) if sound else None
            for index, frame in enumerate(moving_frames(count, *size)):
                for stream in streams:
                    picture = av.VideoFrame.from_ndarray(frame if first_row is None else first_row, format="rgb24")
                    picture.pts = stamps(index)
                    picture.time_base = Fraction(1, 20)
                    container.mux(stream.encode(picture.reformat(format=pixel_format)))
            if audio is not None:
                silence = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
                silence.rate = 16000
                silence.pts = 0
                container.mux(audio.encode(silence))
                container.mux(audio.encode(None))
            for stream in streams:
                container.mux(stream.encode(None))
        return path

    return write
