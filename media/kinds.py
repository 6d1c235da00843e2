"""Says of what kind a file is by its first bytes: only the kinds that a manifest can be embedded in, or written beside.

Believes no file name, and looks no further than the first bytes: whether the file is whole, a decoder says.
"""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 64
"""As much of a file as is looked at."""

_EBML = b"\x1a\x45\xdf\xa3"
"""First bytes of webm and Matroska (RFC 8794 section 11.2.1)."""

SIDECAR_SUFFIX = ".c2pa"
MAX_SIDECAR_BYTES = 64 * 1024**2
"""A manifest beside its file: how it is named, and the most it may have."""

_STILL_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"avif", b"avis", b"hevc", b"msf1"})


def media_type_of(head: bytes) -> str | None:
    """Return the media type of a file from its first 16 bytes; None for kinds that carry no embedded manifest here."""
    if head[4:8] == b"ftyp":
        if head[8:12] in _STILL_BRANDS:
            return None
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def sidecar_type_of(head: bytes) -> str | None:
    """Return the media type of a kind whose manifest lies beside the file: webm or Matroska; None for others."""
    if not head.startswith(_EBML):
        return None
    return "video/webm" if b"webm" in head[:HEAD_BYTES] else "video/x-matroska"


def sidecar_of(path: Path) -> Path:
    """Return where the manifest of a file lies that cannot carry one inside."""
    return path.with_name(path.name + SIDECAR_SUFFIX)
