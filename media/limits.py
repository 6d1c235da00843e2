"""What a stranger's file may cost before it is refused, and how such a file is opened.

Decodes nothing: `media.codec` checks a file against these limits, `media.isolation` enforces them from outside.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from media.errors import MediaLimitExceeded, UnreadableMedia

NO_MEMORY_EXIT_CODE = 70
"""Of an isolated decoder in whose memory not even its refusal fits: EX_SOFTWARE of sysexits.h, unused by Python."""


@dataclass(frozen=True)
class Limits:
    """The largest video that is worth decoding. Every field is a refusal, never a truncation."""

    max_pixels: int = 4096 * 2304
    """Width x height: 36 864 macroblocks, the largest frame of H.264 level 5.2 (ITU-T H.264 table A-1): 4K, not 8K."""

    max_duration_s: float = 12 * 3600.0
    """Seconds, declared or decoded."""

    max_streams: int = 8
    """Streams of all kinds in the container."""

    max_video_streams: int = 1
    """Pictures of a second video track would go unseen while a player may show them."""

    max_file_bytes: int = 8 * 1024**3
    timeout_s: float = 1800.0
    """Seconds spent waiting for the isolated decoder, its CPU seconds too: about 3 h of 1080p30 on one core."""

    memory_bytes: int = 2 * 1024**3
    """Address space of the isolated decoder. About 0.35 GB of it are its libraries."""


DEFAULT_LIMITS = Limits()


def open_untrusted(path: Path, limits: Limits) -> BinaryIO:
    """Open a regular file of acceptable size, read-only; nothing of it has been interpreted.

    The size is that of the opened file, so a swap of the path in between changes nothing.

    Raises:
        UnreadableMedia: absent, not a regular file, empty or not permitted.
        MediaLimitExceeded: more bytes than allowed.
    """
    try:
        # O_NONBLOCK: opening a named pipe must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UnreadableMedia(f"{path.name}: cannot be opened: {error.strerror}") from error
    status = os.fstat(descriptor)
    problem: UnreadableMedia | MediaLimitExceeded | None = None
    if not stat.S_ISREG(status.st_mode):
        problem = UnreadableMedia(f"{path.name}: not a regular file")
    elif status.st_size == 0:
        problem = UnreadableMedia(f"{path.name}: the file is empty")
    elif status.st_size > limits.max_file_bytes:
        problem = MediaLimitExceeded(
            f"{path.name}: {status.st_size} bytes, more than the {limits.max_file_bytes} allowed; send a shorter video"
        )
    if problem is not None:
        os.close(descriptor)
        raise problem
    # Opened by number, so that no file name, and no extension of it, reaches the container detection.
    return os.fdopen(descriptor, "rb", buffering=0)
