"""Errors of the media floor: what can go wrong with pixels and files.

    MediaError
    ├── UnreadableMedia     the bytes are not a video or picture we can decode
    ├── MediaLimitExceeded  readable, but larger or longer than the limits allow
    ├── EncodingError       our own encoder failed
    └── StorageError        the disk refused (full, read-only, vanished)

Messages name what was wrong, which file and what to do; never file content.
"""

from __future__ import annotations


class MediaError(Exception):
    """Something about a file or its pixels prevented the work."""


class UnreadableMedia(MediaError):
    """The file holds no video or picture that can be decoded."""


class MediaLimitExceeded(MediaError):
    """Decoding would need more pixels, seconds, streams, memory or time than allowed."""


class EncodingError(MediaError):
    """A clip could not be encoded."""


class StorageError(MediaError):
    """A file could not be stored or read back whole."""
