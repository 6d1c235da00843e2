"""Decodes the sound of a video to one channel of 16 000 samples a second, or refuses it.

Like `media.codec.reading` it protects itself only by refusing early: files of strangers go through `media.isolation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from media.codec.reading import CONTAINERS, DECODER_FAULTS, refusals
from media.errors import MediaLimitExceeded, UnreadableMedia
from media.limits import Limits
from media.sound import SAMPLE_RATE

_DECODERS = (
    "aac,mp3,mp3float,opus,vorbis,flac,alac,ac3,eac3,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,"
    "pcm_u8,pcm_alaw,pcm_mulaw,mp2,amrnb,amrwb"
)
"""Sound decoders of formats in real use. The hundreds of others are attack surface."""

_DAMAGED_SHARE = 0.05
_DAMAGED_ALLOWED = 4


def sound_open(file: BinaryIO, name: str, limits: Limits) -> Iterator[NDArray[np.int16]]:
    """Yield int16 (N,) from the start of the sound on, in pieces of up to a second or so.

    Several tracks are not mixed: more than one is refused, because a player may play another.

    Raises:
        UnreadableMedia: no sound that decodes, more than one track, or more than 5 % of it damaged (at the end).
        MediaLimitExceeded: longer than the longest duration.
    """
    file.seek(0)
    with (
        refusals(name, "its sound cannot be decoded"),
        av.open(
            file,
            "r",
            metadata_errors="replace",
            options={"threads": "1"},
            container_options={
                "format_whitelist": ",".join(sorted(CONTAINERS)),
                "codec_whitelist": _DECODERS,
                "protocol_whitelist": "none",
            },
        ) as container,
    ):
        tracks = container.streams.audio
        if len(tracks) != 1:
            raise UnreadableMedia(f"{name}: {len(tracks)} tracks of sound; send each as a file of its own")
        codec = tracks[0].codec_context
        if codec is None or codec.codec.name not in _DECODERS.split(","):
            raise UnreadableMedia(f"{name}: the codec of its sound is unknown or not accepted")
        codec.thread_type = "NONE"
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        packets = damaged = samples = 0
        for packet in container.demux(tracks[0]):
            packets += 1
            try:
                frames = [heard for frame in packet.decode() for heard in resampler.resample(frame)]
            except DECODER_FAULTS:
                damaged += 1
                continue
            for frame in frames:
                piece = np.asarray(frame.to_ndarray(), dtype=np.int16).reshape(-1)
                samples += len(piece)
                if samples > limits.max_duration_s * SAMPLE_RATE:
                    raise MediaLimitExceeded(f"{name}: its sound runs past the {limits.max_duration_s:g} s allowed")
                yield piece
        for frame in resampler.resample(None):
            piece = np.asarray(frame.to_ndarray(), dtype=np.int16).reshape(-1)
            samples += len(piece)
            yield piece
    if not samples:
        raise UnreadableMedia(f"{name}: it has sound, and none of it could be decoded")
    if damaged > max(_DAMAGED_ALLOWED, _DAMAGED_SHARE * packets):
        raise UnreadableMedia(f"{name}: {damaged} of {packets} packets of sound could not be decoded")
