"""Reads the XMP packet that an MP4 or QuickTime file carries, which decoders do not hand out, and appends one.

XMP stands in a `uuid` box at the top or in `moov/udta/XMP_` (ISO 16684-1; Adobe, XMP Specification Part 3). Only box
headers are followed, a bounded number of them, and the packet is searched as text: no XML parser meets a stranger's
file. Says what is written there and believes nothing.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from media.errors import StorageError

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Extended type of the box that holds XMP."""

_MOST_BOXES = 4096
_MOST_BYTES = 1024 * 1024
"""Of one packet; what lies beyond is not read."""

_MOST_CHARACTERS = 300
_FIELDS = ("DigitalSourceType", "CreatorTool", "AIGC", "Credit")
"""What is looked for, whatever its namespace's prefix: how it was made, with what, and who says so."""

_NAMES = "|".join(_FIELDS)
_ATTRIBUTE = re.compile(rf"[\w.-]{{1,40}}:({_NAMES})\s*=\s*[\"']([^\"']{{0,2000}})[\"']")
_ELEMENT = re.compile(rf"<[\w.-]{{1,40}}:({_NAMES})(?:\s[^>]{{0,200}})?>(.{{0,2000}}?)</[\w.-]{{1,40}}:\1>", re.S)
_MARKUP = re.compile(r"<[^>]*>")


def read_xmp(path: Path) -> dict[str, str]:
    """Return the fields of a file's XMP, keys as `xmp:digitalsourcetype`; empty where there is none.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(4)
        if file.read(4) != b"ftyp":
            return {}
        end = file.seek(0, 2)
        packets = list(_packets(file, 0, end, [_MOST_BOXES]))
    found: dict[str, str] = {}
    for packet in packets:
        text = packet.decode("utf-8", errors="replace")
        for name, written in (*_ATTRIBUTE.findall(text), *_ELEMENT.findall(text)):
            value = " ".join(_MARKUP.sub(" ", written).split())
            if value:
                found.setdefault(f"xmp:{name.lower()}", value[:_MOST_CHARACTERS])
    return found


def append_xmp(path: Path, packet: bytes) -> None:
    """Append an XMP packet to an MP4 that carries none, as a box at its end; nothing else in the file moves.

    Raises:
        StorageError: the disk refused.
    """
    box = struct.pack(">I4s", 8 + 16 + len(packet), b"uuid") + _XMP_UUID + packet
    try:
        with path.open("ab") as file:
            file.write(box)
    except OSError as error:
        raise StorageError(f"{path.name} cannot be written: {error.strerror}") from error


def _packets(file: BinaryIO, start: int, end: int, left: list[int]) -> Iterator[bytes]:
    """Yield XMP packets in the boxes between two places; `left` is how many more headers may be read."""
    at = start
    while at + 8 <= end and left[0] > 0:
        left[0] -= 1
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            long = file.read(8)
            if len(long) < 8:
                return
            (size,), head = struct.unpack(">Q", long), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            return
        if kind == b"uuid":
            file.seek(at + head)
            if file.read(16) == _XMP_UUID:
                yield file.read(min(size - head - 16, _MOST_BYTES))
        elif kind == b"XMP_":
            file.seek(at + head)
            yield file.read(min(size - head, _MOST_BYTES))
        elif kind in (b"moov", b"udta"):
            yield from _packets(file, at + head, at + size, left)
        at += size
