"""Decodes a stranger's file in a process of its own and hands its sampled frames over, window by window.

Whatever the file does to the decoder (crash, hang, eat memory), the caller gets a MediaError and never an
incomplete video that looks complete. Does not judge what the frames show.

    this process                          media.decode_child (no network, no files, limited memory and CPU)
    opens the file  ──── stdin ─────────▶ probe, decode, sample, resize
                    ◀─── stdout ───────── info, window…, done | error
    each message: 4-byte big-endian length, JSON header, then the bytes of the frames
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import struct
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from media.clip import Clip, Coverage, VideoInfo
from media.errors import MediaError, MediaLimitExceeded, UnreadableMedia
from media.flashes import KINDS, Flashing
from media.limits import DEFAULT_LIMITS, NO_MEMORY_EXIT_CODE, Limits, open_untrusted
from media.sampling import DEFAULT_PLAN, SamplingPlan
from media.sound import SAMPLE_RATE, SILENT, Sound
from media.sound_track import LONGEST_S, OVERLAP_S

_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[2]); from media.decode_child import main; main(sys.argv[1])"
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
    "MALLOC_MMAP_THRESHOLD_": "262144",  # mallopt(3): a frame goes back to the system when it is freed
}
_MAX_HEADER_BYTES = 1024 * 1024
_PIPE_BYTES = 1024 * 1024
_F_SETPIPE_SZ = 1031
_LIMIT_SIGNALS = {signal.SIGKILL, signal.SIGXCPU, signal.SIGXFSZ}


def open_video(
    path: Path, *, limits: Limits = DEFAULT_LIMITS, plan: SamplingPlan = DEFAULT_PLAN, pictures: bool = False
) -> SampledVideo:
    """Start decoding a video in isolation and return it once its container was accepted.

    Use it in a `with` statement, iterate it once:

        with open_video(path) as video:
            for clip in video: ...
            video.coverage

    `pictures`: a JPEG, PNG or WebP still is taken too, as a video of one frame.

    Raises:
        UnreadableMedia: not a video we can decode.
        MediaLimitExceeded: it would cost more than `limits`.
    """
    return SampledVideo(path, limits, plan, pictures=pictures)


class SampledVideo:
    """A video being decoded elsewhere: iterating yields Clips of at most `plan.window_frames` frames, in order."""

    info: VideoInfo
    confined: tuple[str, ...]
    """What confines the decoder on this host, as `media.confinement.confine` names it."""

    def __init__(self, path: Path, limits: Limits, plan: SamplingPlan, *, pictures: bool = False) -> None:
        self._name = path.name
        self._limits = limits
        self._plan = plan
        self._waited_s = 0.0
        self._coverage: Coverage | None = None
        self._so_far: Coverage | None = None
        given = {"name": path.name, "limits": asdict(limits), "plan": asdict(plan), "pictures": pictures}
        settings = json.dumps(given)
        with open_untrusted(path, limits) as file:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOTSTRAP, settings, str(Path(__file__).resolve().parent.parent)],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                close_fds=True,
                start_new_session=True,
            )
        self._end = weakref.finalize(self, _end, self._child)
        try:
            header = self._header()
            if header.get("kind") != "info":
                raise self._broken("it did not begin with the container's description")
            self.info = self._checked_info(header)
            self.confined = tuple(str(name) for name in header.get("confined", ()))
        except MediaError:
            self.close()
            raise

    @property
    def coverage(self) -> Coverage:
        """How much of the video was seen.

        Raises:
            MediaError: not every window was read yet, or decoding failed.
        """
        if self._coverage is None:
            raise MediaError(f"{self._name}: coverage is known only after every window was read without an error")
        return self._coverage

    @property
    def so_far(self) -> Coverage:
        """How much was seen until the last window that was read, of what was decoded until then.

        Raises:
            MediaError: no window was read.
        """
        if self._so_far is None:
            raise MediaError(f"{self._name}: nothing was read yet")
        return self._so_far

    def __iter__(self) -> Iterator[Clip]:
        """Yield the windows.

        Raises:
            UnreadableMedia: the rest cannot be decoded; the video was not seen whole.
            MediaLimitExceeded: decoding costs more than the limits.
        """
        try:
            while True:
                header = self._header()
                if header.get("kind") == "done":
                    self._coverage = self._so_far = self._checked_coverage(header)
                    return
                clip = self._window(header)
                self._so_far = self._checked_coverage(header)
                yield clip
        finally:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the decoder, whatever it is doing. May be called twice."""
        self._end()

    def _header(self) -> dict[str, Any]:
        """Read the next message's header; raise the error that it carries."""
        if not self._end.alive:
            raise MediaError(f"{self._name}: the video was closed; open it again to read it")
        (length,) = struct.unpack(">I", self._read(4))
        if length > _MAX_HEADER_BYTES:
            raise self._broken("its message is too long")
        try:
            header = json.loads(bytes(self._read(length)))
        except ValueError as error:
            raise self._broken("its message is no JSON") from error
        if not isinstance(header, dict):
            raise self._broken("its message is no object")
        if header.get("kind") == "error":
            kind = MediaLimitExceeded if header.get("error") == MediaLimitExceeded.__name__ else UnreadableMedia
            raise kind(str(header.get("message")))
        return header

    def _window(self, header: dict[str, Any]) -> Clip:
        """Read the frames of a window. A decoder taken over by the file may lie: sizes are checked first."""
        shape, times_s = header.get("shape"), header.get("times_s")
        if header.get("kind") != "window" or not isinstance(shape, list) or not isinstance(times_s, list):
            raise self._broken("it sent an unknown message")
        if len(shape) != 4 or not all(isinstance(side, int) and side > 0 for side in shape):
            raise self._broken("its window has no size")
        count, height, width, channels = shape
        if count > self._plan.window_frames or height * width > self._limits.max_pixels or channels != 3:
            raise self._broken("its window is larger than agreed")
        try:
            times = np.asarray(times_s, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise self._broken("its times are no numbers") from error
        if times.shape != (count,) or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise self._broken("its times do not rise")
        flashes = self._checked_flashes(header)
        frames = np.empty((count, height, width, 3), dtype=np.uint8)
        self._read_into(frames.data.cast("B"))
        return Clip(frames, times, self.info.fps, flashes, self._sound(header))

    def _sound(self, header: dict[str, Any]) -> Sound | None:
        if not self.info.has_audio:
            return SILENT
        if not self._plan.sound or self._plan.closer:
            return None
        given = header.get("sound")
        count, start_s = (given.get("samples"), given.get("start_s")) if isinstance(given, dict) else (None, None)
        if not isinstance(count, int) or not isinstance(start_s, (int, float)) or not math.isfinite(start_s):
            raise self._broken("what it says of sound is malformed")
        if not 0 <= count <= (LONGEST_S + OVERLAP_S + 1) * SAMPLE_RATE or start_s < 0:
            raise self._broken("what it says of sound makes no sense")
        samples = np.empty(count, dtype=np.int16)
        self._read_into(samples.data.cast("B"))
        return Sound(samples, float(start_s))

    def _read(self, size: int) -> bytearray:
        data = bytearray(size)
        self._read_into(memoryview(data))
        return data

    def _read_into(self, target: memoryview) -> None:
        """Fill `target` from the decoder. Only the time spent waiting for it counts against the limit."""
        if self._child.stdout is None:
            raise self._broken("it has no output")
        pipe = self._child.stdout.fileno()
        poller = select.poll()
        poller.register(pipe, select.POLLIN | select.POLLHUP)
        done = 0
        while done < len(target):
            began = time.monotonic()
            ready = poller.poll(max(0.0, self._limits.timeout_s - self._waited_s) * 1000)
            self._waited_s += time.monotonic() - began
            if not ready:
                self.close()
                raise MediaLimitExceeded(f"{self._name}: decoding took more than {self._limits.timeout_s:g} s")
            count = os.readv(pipe, [target[done:]])
            if count == 0:
                raise self._death()
            done += count

    def _death(self) -> MediaError:
        """Say why the decoder ended in the middle of a message."""
        code = self._child.wait()
        self.close()
        if code == NO_MEMORY_EXIT_CODE:
            return MediaLimitExceeded(f"{self._name}: decoding needs more memory than allowed")
        if code >= 0:
            return UnreadableMedia(f"{self._name}: the isolated decoder gave up (exit code {code})")
        name = signal.Signals(-code).name
        if -code in _LIMIT_SIGNALS:
            return MediaLimitExceeded(f"{self._name}: decoding was stopped by the system ({name}): memory or CPU time")
        return UnreadableMedia(f"{self._name}: the file crashed the isolated decoder ({name})")

    def _broken(self, why: str) -> UnreadableMedia:
        self.close()
        return UnreadableMedia(f"{self._name}: the isolated decoder cannot be trusted: {why}")

    def _checked_info(self, header: dict[str, Any]) -> VideoInfo:
        try:
            info = VideoInfo(**header["info"])
            sound = info.width > 0 and info.height > 0 and info.fps > 0 and math.isfinite(info.fps + info.duration_s)
        except (KeyError, TypeError) as error:
            raise self._broken("its description is malformed") from error
        if not sound:
            raise self._broken("its description makes no sense")
        return info

    def _checked_flashes(self, header: dict[str, Any]) -> tuple[Flashing, ...] | None:
        try:
            given = header["flashes"]
            flashes = None if given is None else tuple(Flashing(**each) for each in given)
            sound = all(
                each.kind in KINDS and 0 <= each.start_s <= each.peak_s <= each.end_s and each.per_second > 0
                for each in flashes or ()
            )
        except (KeyError, TypeError) as error:
            raise self._broken("what it says of flashing is malformed") from error
        if not sound or (flashes is None) != bool(self._plan.closer):
            raise self._broken("what it says of flashing makes no sense")
        return flashes

    def _checked_coverage(self, header: dict[str, Any]) -> Coverage:
        try:
            coverage = Coverage(**header["coverage"])
            fewest = 0 if self._plan.closer else 1  # between two frames there may be no other
            sound = fewest <= coverage.frames_seen <= coverage.frames_total and math.isfinite(coverage.longest_gap_s)
            sound = sound and 0 <= coverage.seconds_seen <= coverage.seconds_total
        except (KeyError, TypeError) as error:
            raise self._broken("its account is malformed") from error
        if not sound:
            raise self._broken("its account makes no sense")
        return coverage


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    if child.stdout is not None:
        child.stdout.close()
