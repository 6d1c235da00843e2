"""Pixels and files: decode, encode, sample, fingerprint, store. Knows no policy, no score and no signature.

Only words that cost nothing to import stand here; decoding, fingerprints and blobs are imported from their modules.
"""

from media.clip import Clip, Coverage, Frames, VideoInfo
from media.errors import EncodingError, MediaError, MediaLimitExceeded, StorageError, UnreadableMedia
from media.limits import Limits

__all__ = [
    "Clip",
    "Coverage",
    "EncodingError",
    "Frames",
    "Limits",
    "MediaError",
    "MediaLimitExceeded",
    "StorageError",
    "UnreadableMedia",
    "VideoInfo",
]
