"""The isolated decoder: a process that reads one open file from stdin and writes sampled windows to stdout.

Imports av, cv2, PIL, numpy and this floor only. Started by `media.isolation`; the messages are drawn there.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np

from media import confinement
from media.clip import Coverage
from media.closer import CloserSampler
from media.codec import glimpses_open, probe_open, sound_open
from media.errors import MediaError, MediaLimitExceeded
from media.flashes import FlashMeter
from media.limits import NO_MEMORY_EXIT_CODE, Limits
from media.picture import decode_picture, is_picture
from media.sampling import Sampler, SamplingPlan, Timed
from media.sound import Sound
from media.sound_track import SoundTrack

_LIBRARIES = (Path(os.__file__).parent, Path(np.__file__).parent.parent)
"""Standard library and installed packages: numpy and PyAV import parts of themselves on first use."""

_ROOM_TO_WORK_BYTES = 16 * 1024**2
"""A process that cannot map this much more failed for want of memory, whatever the library's error says."""

_OUT_OF_MEMORY = (MemoryError, OSError, ImportError, RuntimeError, cv2.error)
"""How the interpreter, the loader and the codecs say that they cannot map memory; each has other meanings too."""

Message = tuple[dict[str, object], list[memoryview]]
"""A JSON header and the bytes that follow it."""


def main(settings: str) -> None:
    """Confine this process, then decode stdin as the JSON settings (name, limits, plan) say."""
    given = json.loads(settings)
    name, limits, plan = str(given["name"]), Limits(**given["limits"]), plan_from(given["plan"])
    # A second description of the same file: sound is read with a place of its own in it.
    ear = os.fdopen(os.open("/proc/self/fd/0", os.O_RDONLY), "rb", buffering=0) if plan.sound else None
    file, out = os.fdopen(0, "rb", buffering=0), os.fdopen(1, "wb", buffering=0)
    cv2.setNumThreads(1)
    try:
        if _address_space() + _ROOM_TO_WORK_BYTES > limits.memory_bytes:
            raise MemoryError  # asked before the limit holds: native code without memory crashes as it likes
        confined = confinement.confine(limits.memory_bytes, math.ceil(limits.timeout_s) + 1, _LIBRARIES)
        messages = (
            _picture(file, name, limits, plan, confined)
            if given["pictures"] and is_picture(file)
            else _messages(file, name, limits, plan, confined, ear)
        )
        for message in messages:
            _send(out, message)
    except MediaError as error:
        _send(out, _refusal(error))
    except _OUT_OF_MEMORY as error:
        if not isinstance(error, MemoryError) and _has_room():
            raise
        try:
            _send(out, _refusal(MediaLimitExceeded(f"{name}: decoding needs more memory than allowed")))
        except MemoryError:
            os._exit(NO_MEMORY_EXIT_CODE)


def _address_space() -> int:
    """Bytes of address space that this process has mapped (proc_pid_statm(5), first field)."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE


def _has_room() -> bool:
    """Whether this process may still map memory. A loader or a codec out of memory rarely says so by its error."""
    try:
        mmap.mmap(-1, _ROOM_TO_WORK_BYTES).close()
    except (OSError, MemoryError):
        return False
    return True


def _messages(
    file: BinaryIO, name: str, limits: Limits, plan: SamplingPlan, confined: list[str], ear: BinaryIO | None = None
) -> Iterator[Message]:
    info = probe_open(file, name, limits)
    yield {"kind": "info", "info": asdict(info), "confined": confined}, []
    sampler = CloserSampler(plan) if plan.closer else Sampler(plan, 1.0 / info.fps)
    flashes = FlashMeter()
    listens = ear is not None and info.has_audio and not plan.closer
    track = SoundTrack(sound_open(ear, name, limits), name) if listens and ear is not None else None
    window: list[Timed] = []
    for time_s, glimpse in glimpses_open(file, name, limits, info):
        window += sampler.offer(time_s, glimpse)
        if not plan.closer:
            flashes.offer(time_s, glimpse.colours())
        if sampler.done:
            break
        while len(window) >= plan.window_frames:
            sound = None if track is None else track.until(window[plan.window_frames - 1][0])
            stretches = _stretches(flashes, plan, rest=False)
            yield _window(window[: plan.window_frames], sampler.coverage(), stretches, sound)
            del window[: plan.window_frames]
    window += sampler.finish()
    for start in range(0, len(window), plan.window_frames):
        last = start + plan.window_frames >= len(window)
        stretches = _stretches(flashes, plan, rest=last)
        seen = window[start : start + plan.window_frames]
        sound = None if track is None else track.until(None if last else seen[-1][0])
        yield _window(seen, sampler.coverage(), stretches, sound)
    yield {"kind": "done", "coverage": asdict(sampler.coverage())}, []


def plan_from(given: dict[str, Any]) -> SamplingPlan:
    """Read a plan that was written as JSON."""
    return SamplingPlan(**{**given, "closer": tuple((start_s, end_s) for start_s, end_s in given["closer"])})


def _picture(file: BinaryIO, name: str, limits: Limits, plan: SamplingPlan, confined: list[str]) -> Iterator[Message]:
    info, frame = decode_picture(file, name, limits)
    yield {"kind": "info", "info": asdict(info), "confined": confined}, []
    sampler = Sampler(plan, 1.0 / info.fps)
    seen = [*sampler.offer(0.0, frame), *sampler.finish()]
    yield _window(seen, sampler.coverage(), None if plan.closer else [])
    yield {"kind": "done", "coverage": asdict(sampler.coverage())}, []


def _stretches(meter: FlashMeter, plan: SamplingPlan, *, rest: bool) -> list[dict[str, Any]] | None:
    """What flashed and was not told yet; None in a second pass, which does not see every frame."""
    return None if plan.closer else [asdict(each) for each in meter.taken(rest=rest)]


def _window(
    timed: list[Timed], so_far: Coverage, flashes: list[dict[str, Any]] | None, sound: Sound | None = None
) -> Message:
    shape = [len(timed), *timed[0][1].shape]
    times_s = [time_s for time_s, _ in timed]
    header: dict[str, object] = {"kind": "window", "shape": shape, "times_s": times_s, "coverage": asdict(so_far)}
    header["flashes"] = flashes
    payload = [frame.data.cast("B") for _, frame in timed]
    if sound is not None:
        header["sound"] = {"start_s": sound.start_s, "samples": len(sound.samples)}
        payload.append(np.ascontiguousarray(sound.samples).data.cast("B"))
    return header, payload


def _refusal(error: MediaError) -> Message:
    return {"kind": "error", "error": type(error).__name__, "message": str(error)}, []


def _send(out: BinaryIO, message: Message) -> None:
    header, payload = message
    encoded = json.dumps(header).encode()
    for part in (memoryview(struct.pack(">I", len(encoded)) + encoded), *payload):
        sent = 0
        while sent < len(part):
            sent += out.write(part[sent:])


if __name__ == "__main__":
    main(sys.argv[1])
