"""Videos with sound, made by the test: a picture and tones."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

RATE = 48_000


def film_with_sound(
    path: Path, seconds: float, *, sound_s: float | None = None, hertz: float = 440.0, codec="aac"
) -> Path:
    """A grey video of `seconds` with a tone that stops half way through the sound; stereo."""
    count = round((seconds if sound_s is None else sound_s) * RATE)
    tone = np.sin(2 * np.pi * hertz * np.arange(count) / RATE) * 0.5 * (np.arange(count) < count // 2)
    samples = np.repeat((tone * 32767).astype(np.int16), 2).reshape(1, -1)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=12, options={"crf": "30"})
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream(codec, rate=RATE)
        audio.layout = "stereo"
        for at in range(round(seconds * 12)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 60 + at % 100, np.uint8), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for start in range(0, count, 1024):
            piece = np.ascontiguousarray(samples[:, 2 * start : 2 * (start + 1024)])
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
            frame.sample_rate = RATE
            frame.pts = start
            container.mux(audio.encode(frame))
        container.mux(audio.encode())
    return path
