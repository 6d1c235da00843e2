"""Video files to frames and frames to video files: the only user of FFmpeg (through PyAV).

Reading is `reading`, writing is `writing`. Files of strangers are decoded through `media.isolation`, not from here.
"""

from media.codec.listening import sound_open
from media.codec.reading import decode, decode_open, glimpses_open, probe, probe_open
from media.codec.writing import encode_mp4, encode_webm
from media.limits import Limits

__all__ = [
    "Limits",
    "decode",
    "decode_open",
    "encode_mp4",
    "encode_webm",
    "glimpses_open",
    "probe",
    "probe_open",
    "sound_open",
]
